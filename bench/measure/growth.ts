// Does a request cost more when a million artifacts are stored? Start, memory, a warm packument, and files not yet in memory.
import { rmSync } from "node:fs";
import { Agent } from "node:http";
import { join } from "node:path";
import { type Context, emptyFolder, FRESHNESS, note } from "../lib/context.ts";
import { smallPackument, verifyDocument } from "../lib/documents.ts";
import { fillCatalog } from "../lib/fill.ts";
import { ask } from "../lib/http.ts";
import { cpuSeconds, residentBytes } from "../lib/proc.ts";
import { Problem } from "../lib/refuse.ts";
import { median } from "../lib/stats.ts";
import { load } from "../lib/wrk.ts";
import type { Running } from "../peers/types.ts";

const MEASURE = "growth";
const SAMPLES = 1000;
const CONNECTIONS = 32;

interface Size {
  column: string;
  folder: string;
  paths: string[];
}

export async function measureGrowth(context: Context): Promise<void> {
  const peer = context.peers.find((each) => each.name === "holdfast");
  if (!peer || !context.formats.includes("npm")) return;
  const start = (folder: string) =>
    peer.start(context.upstream.urls, folder, { freshness: FRESHNESS });
  const sizes: Size[] = [];
  for (const count of context.quick ? [1e3, 1e5] : [1e3, 1e4, 1e5, 1e6]) {
    const folder = emptyFolder("growth");
    const first = await start(folder); // makes the data directory and stores the document
    await verifyDocument(`${first.urls.npm}/${smallPackument.path}`, smallPackument);
    await first.stop();
    const paths = fillCatalog(join(folder, "data"), count, Math.max(1, count / SAMPLES));
    sizes.push({ column: count.toLocaleString("en-US"), folder, paths });
  }
  const figures = new Map<string, number[]>();
  for (let round = 0; round < (context.quick ? 2 : 5); round += 1)
    for (const size of sizes) {
      const add = (metric: string, value: number) => {
        const key = `${size.column}|${metric}`;
        figures.set(key, [...(figures.get(key) ?? []), value]);
      };
      await measureOnce(await start(size.folder), size.paths, add);
    }
  for (const [key, all] of figures) {
    const [column, metric] = key.split("|") as [string, string];
    note(context, MEASURE, ["holdfast", column, metric], median(all));
  }
  for (const { folder } of sizes) rmSync(folder, { recursive: true, force: true });
}

async function measureOnce(
  running: Running,
  paths: string[],
  add: (metric: string, value: number) => void,
): Promise<void> {
  try {
    add("start ms", running.startedIn);
    add("idle MB", residentBytes(running.pid) / 1e6);
    // A new process has no file in its memory: each of these is a look into the catalog and a read.
    const before = cpuSeconds(running.pid);
    add("artifact requests/s", await eachOnce(running.urls.npm!, paths));
    const between = cpuSeconds(running.pid);
    add("artifact CPU µs", ((between - before) / paths.length) * 1e6);
    const url = `${running.urls.npm}/${smallPackument.path}`;
    await verifyDocument(url, smallPackument);
    const seconds = 2;
    const { requestsPerSecond } = await load(url, smallPackument.headers, { seconds });
    add("packument requests/s", requestsPerSecond);
    const spent = cpuSeconds(running.pid) - between;
    add("packument CPU µs", (spent / (requestsPerSecond * seconds)) * 1e6);
  } finally {
    await running.stop();
  }
}

/** Asks for each path once, over some connections. Requests per second; throws unless all were 200. */
async function eachOnce(base: string, paths: string[]): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const queue = [...paths];
  const began = performance.now();
  const worker = async () => {
    for (let path = queue.pop(); path; path = queue.pop()) {
      const answer = await ask(base + path, { agent });
      if (answer.status !== 200) throw new Problem(`${base}${path} answered ${answer.status}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  agent.destroy();
  return paths.length / ((performance.now() - began) / 1000);
}
