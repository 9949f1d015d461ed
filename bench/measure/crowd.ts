// Fifty clients ask at once for one file that is not stored, over an upstream line of limited speed.
import { type Context, directUrls, discard, note, peersFor, startPeer } from "../lib/context.ts";
import { ask } from "../lib/http.ts";
import { Problem, reason } from "../lib/refuse.ts";
import type { Peer } from "../peers/types.ts";
import { synthetic, tarballPath } from "../upstream/synthetic.ts";

const MEASURE = "crowd";
const CLIENTS = 50;
const LINE_BYTES_PER_SECOND = 16e6;
const file = synthetic.crowd.files[0]!;
const path = tarballPath(synthetic.crowd.name, file.version);

export async function measureCrowd(context: Context): Promise<void> {
  if (!context.formats.includes("npm")) return;
  await context.upstream.rate(LINE_BYTES_PER_SECOND);
  try {
    const direct = await download(`${directUrls(context).npm}/${path}`, 1);
    note(context, MEASURE, ["direct", "1 client", "seconds"], direct);
    for (const peer of peersFor(context, "npm"))
      for (const clients of [1, CLIENTS]) {
        const column = clients === 1 ? "1 client" : `${clients} clients`;
        try {
          await measurePeer(context, peer, clients, column);
        } catch (error) {
          note(context, MEASURE, [peer.name, column, "seconds"], null, reason(error));
        }
      }
  } finally {
    await context.upstream.rate(0);
  }
}

async function measurePeer(
  context: Context,
  peer: Peer,
  clients: number,
  column: string,
): Promise<void> {
  const running = await startPeer(context, peer);
  try {
    const base = running.urls.npm!;
    await ask(`${base}/${synthetic.crowd.name}`); // the document that names the file
    await context.upstream.reset();
    const seconds = await download(`${base}/${path}`, clients);
    const { counts } = await context.upstream.state();
    note(context, MEASURE, [peer.name, column, "seconds"], seconds);
    note(context, MEASURE, [peer.name, column, "upstream fetches"], counts[`/${path}`] ?? 0);
  } finally {
    await discard(running);
  }
}

/** So many downloads at once with curl. Seconds until the last is complete; throws unless all are whole. */
async function download(url: string, clients: number): Promise<number> {
  const args = ["curl", "--silent", "--no-progress-meter", "--max-time", "120"];
  args.push("--parallel", "--parallel-immediate", "--parallel-max", String(clients));
  args.push("--write-out", "%{http_code} %{size_download}\n");
  for (let each = 0; each < clients; each += 1) args.push("--output", "/dev/null", url);
  const began = performance.now();
  const child = Bun.spawn(args, { stdout: "pipe", stderr: "ignore" });
  const lines = (await new Response(child.stdout).text()).trim().split("\n");
  const seconds = (performance.now() - began) / 1000;
  const whole = lines.filter((line) => line === `200 ${file.size}`).length;
  if (whole !== clients) throw new Problem(`only ${whole} of ${clients} downloads were whole`);
  return seconds;
}
