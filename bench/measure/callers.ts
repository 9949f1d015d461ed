// What it costs to know who asks: the same warm package for nobody, a token and a password, and where not everybody may have it.
import { rmSync } from "node:fs";
import { type Context, emptyFolder, note } from "../lib/context.ts";
import { ask } from "../lib/http.ts";
import { NPM_NAME, publishNpm } from "../lib/private-packages.ts";
import { cpuSeconds } from "../lib/proc.ts";
import { Problem } from "../lib/refuse.ts";
import { median, percentile } from "../lib/stats.ts";
import { load } from "../lib/wrk.ts";
import type { Publisher, RunningPrivate } from "../peers/types.ts";

const MEASURE = "callers";
const SIZE = 10_000;
const SECONDS = 1;

interface Caller {
  column: string;
  server: RunningPrivate;
  headers: Record<string, string>;
}

/** With a query no request repeats: each goes the whole way. */
const ASKED = [
  ["packument", `/${NPM_NAME.replace("/", "%2f")}`],
  ["packument, not repeated", `/${NPM_NAME.replace("/", "%2f")}?again`],
  ["tarball", `/${NPM_NAME}/-/${NPM_NAME.split("/")[1]}-1.0.0.tgz`],
] as const;

export async function measureCallers(context: Context): Promise<void> {
  const peer = context.peers.find(({ name }) => name === "holdfast");
  if (!peer?.startPrivate || !context.formats.includes("npm")) return;
  const folders = [emptyFolder("callers"), emptyFolder("callers")];
  const servers: RunningPrivate[] = [];
  try {
    for (const [at, folder] of folders.entries()) {
      const server = await peer.startPrivate(context.upstream.urls, folder, { isOpen: at === 0 });
      servers.push(server);
      await publishNpm(server.publishers.npm!, { version: "1.0.0", size: SIZE });
    }
    await measureAll(context, servers as [RunningPrivate, RunningPrivate]);
  } finally {
    for (const server of servers) await server.stop();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
}

async function measureAll(
  context: Context,
  [open, closed]: [RunningPrivate, RunningPrivate],
): Promise<void> {
  const { authorization } = open.publishers.npm!;
  const password = basicOf(open.publishers.npm!);
  const first = await timeOf(open, password);
  note(context, MEASURE, ["holdfast", "password, first", "ms of one request"], first);
  note(
    context,
    MEASURE,
    ["holdfast", "password, again", "ms of one request"],
    await timeOf(open, password),
  );
  const callers: Caller[] = [
    { column: "anonymous", server: open, headers: {} },
    { column: "token", server: open, headers: { authorization } },
    { column: "password", server: open, headers: { authorization: password } },
    {
      column: "token, private package",
      server: closed,
      headers: { authorization: closed.publishers.npm!.authorization },
    },
  ];
  for (const [what, path] of ASKED) await measureOne(context, callers, what, path);
}

async function measureOne(
  context: Context,
  callers: Caller[],
  what: string,
  path: string,
): Promise<void> {
  const figures = callers.map((): { rate: number; cpu: number }[] => []);
  for (let round = 0; round < (context.quick ? 2 : 13); round += 1)
    for (const [at, { server, headers }] of callers.entries()) {
      const url = `${server.publishers.npm!.index}${path}`;
      const before = cpuSeconds(server.pid);
      const sent = { ...headers, "accept-encoding": "gzip" };
      const { requestsPerSecond: rate } = await load(url, sent, { seconds: SECONDS });
      const cpu = ((cpuSeconds(server.pid) - before) / (rate * SECONDS)) * 1e6;
      if (round > 0) figures[at]!.push({ rate, cpu }); // the first one warms
    }
  for (const [at, { column }] of callers.entries()) {
    const all = figures[at]!;
    const rate = median(all.map((one) => one.rate));
    // What else the machine does only adds to it.
    const cpu = percentile(
      all.map((one) => one.cpu),
      0.25,
    );
    note(context, MEASURE, ["holdfast", column, `${what} requests/s`], rate);
    note(context, MEASURE, ["holdfast", column, `${what} CPU µs`], cpu);
  }
}

function basicOf({ name, password }: Publisher): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;
}

async function timeOf({ publishers }: RunningPrivate, authorization: string): Promise<number> {
  const { status, total } = await ask(`${publishers.npm!.index}${ASKED[0][1]}`, {
    headers: { authorization },
  });
  if (status !== 200) throw new Problem(`a password was answered ${status}`);
  return total;
}
