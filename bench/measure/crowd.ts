// Fifty clients ask at once for one file that is not stored, over an upstream line of limited speed.
import { type Context, directUrls, discard, note, peersFor, startPeer } from "../lib/context.ts";
import { askForIndices } from "../lib/files.ts";
import { ask } from "../lib/http.ts";
import { Problem, reason } from "../lib/refuse.ts";
import type { FormatName, Peer } from "../peers/types.ts";
import { debPath, debs } from "../upstream/apt-tree.ts";
import { synthetic, tarballPath } from "../upstream/synthetic.ts";

const MEASURE = "crowd";
const CLIENTS = 50;
const LINE_BYTES_PER_SECOND = 16e6;

interface Wanted {
  format: FormatName;
  path: string;
  size: number;
  /** Fetches the documents that name the file. */
  prime(base: string): Promise<unknown>;
  /** Column of the report. */
  column(clients: number): string;
}

const counted = (clients: number) => (clients === 1 ? "1 client" : `${clients} clients`);
const tarball = synthetic.crowd.files[0]!;
const deb = debs.crowd[0]!;

const FILES: Wanted[] = [
  {
    format: "npm",
    path: tarballPath(synthetic.crowd.name, tarball.version),
    size: tarball.size,
    prime: (base) => ask(`${base}/${synthetic.crowd.name}`),
    column: counted,
  },
  {
    format: "apt",
    path: debPath(deb),
    size: deb.size,
    prime: askForIndices,
    column: (clients) => `deb, ${counted(clients)}`,
  },
];

export async function measureCrowd(context: Context): Promise<void> {
  await context.upstream.rate(LINE_BYTES_PER_SECOND);
  try {
    for (const file of FILES)
      if (context.formats.includes(file.format)) await measureFile(context, file);
  } finally {
    await context.upstream.rate(0);
  }
}

async function measureFile(context: Context, file: Wanted): Promise<void> {
  const direct = await download(directUrls(context)[file.format], file, 1);
  note(context, MEASURE, ["direct", file.column(1), "seconds"], direct);
  for (const peer of peersFor(context, file.format))
    for (const clients of [1, CLIENTS])
      try {
        await measurePeer(context, peer, file, clients);
      } catch (error) {
        note(context, MEASURE, [peer.name, file.column(clients), "seconds"], null, reason(error));
      }
}

async function measurePeer(
  context: Context,
  peer: Peer,
  file: Wanted,
  clients: number,
): Promise<void> {
  const running = await startPeer(context, peer);
  try {
    const base = running.urls[file.format]!;
    await file.prime(base);
    await context.upstream.reset();
    const seconds = await download(base, file, clients);
    const { counts } = await context.upstream.state();
    const figure = (metric: string, value: number) =>
      note(context, MEASURE, [peer.name, file.column(clients), metric], value);
    figure("seconds", seconds);
    figure("upstream fetches", counts[`/${file.path}`] ?? 0);
  } finally {
    await discard(running);
  }
}

/** So many downloads at once with curl. Seconds until the last is complete; throws unless all are whole. */
async function download(base: string, { path, size }: Wanted, clients: number): Promise<number> {
  const args = ["curl", "--silent", "--no-progress-meter", "--max-time", "120"];
  args.push("--parallel", "--parallel-immediate", "--parallel-max", String(clients));
  args.push("--write-out", "%{http_code} %{size_download}\n");
  for (let each = 0; each < clients; each += 1)
    args.push("--output", "/dev/null", `${base}/${path}`);
  const began = performance.now();
  const child = Bun.spawn(args, { stdout: "pipe", stderr: "ignore" });
  const lines = (await new Response(child.stdout).text()).trim().split("\n");
  const seconds = (performance.now() - began) / 1000;
  const whole = lines.filter((line) => line === `200 ${size}`).length;
  if (whole !== clients) throw new Problem(`only ${whole} of ${clients} downloads were whole`);
  return seconds;
}
