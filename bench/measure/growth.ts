// Does a request cost more when a million artifacts are stored? Start, memory, a warm packument, and files not yet in memory.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Context, emptyFolder, FRESHNESS, note } from "../lib/context.ts";
import { smallPackument, verifyDocument } from "../lib/documents.ts";
import { eachOnce } from "../lib/each.ts";
import { askForIndices, verifyFile } from "../lib/files.ts";
import { fillCatalog } from "../lib/fill.ts";
import { cpuSeconds, residentBytes } from "../lib/proc.ts";
import { median } from "../lib/stats.ts";
import { load } from "../lib/wrk.ts";
import type { Running } from "../peers/types.ts";
import { debPath, debs } from "../upstream/apt-tree.ts";

const MEASURE = "growth";
const SAMPLES = 1000;

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
  const hasApt = context.formats.includes("apt");
  const sizes: Size[] = [];
  for (const count of context.quick ? [1e3, 1e5] : [1e3, 1e4, 1e5, 1e6]) {
    const folder = emptyFolder("growth");
    const first = await start(folder); // makes the data directory and stores the document
    await verifyDocument(`${first.urls.npm}/${smallPackument.path}`, smallPackument);
    if (hasApt) await storeDeb(first.urls.apt!);
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
      await measureOnce(await start(size.folder), size.paths, hasApt, add);
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
  hasApt: boolean,
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
    await measureLoad(running, "packument", url, smallPackument.headers, add);
    if (hasApt) await measureLoad(running, "deb", await storeDeb(running.urls.apt!), {}, add);
  } finally {
    await running.stop();
  }
}

const LOAD_SECONDS = 2;

async function measureLoad(
  running: Running,
  what: string,
  url: string,
  headers: Record<string, string>,
  add: (metric: string, value: number) => void,
): Promise<void> {
  const before = cpuSeconds(running.pid);
  const { requestsPerSecond } = await load(url, headers, { seconds: LOAD_SECONDS });
  const spent = cpuSeconds(running.pid) - before;
  add(`${what} requests/s`, requestsPerSecond);
  add(`${what} CPU µs`, (spent / (requestsPerSecond * LOAD_SECONDS)) * 1e6);
}

/** Asks for a package as apt does, and proves that it is whole; its URL. */
async function storeDeb(base: string): Promise<string> {
  const [deb] = debs.small;
  await askForIndices(base);
  const url = `${base}/${debPath(deb!)}`;
  await verifyFile(url, deb!.size);
  return url;
}
