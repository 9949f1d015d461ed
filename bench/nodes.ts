// What several nodes cost and bring: warm requests to 1, 2 and 4 nodes, one cold large file for fifty clients of four, quickly and slowly, and a file that is only in the bucket.
// PostgreSQL, the bucket's gateway, the nodes, the clients and wrk share this machine's cores, so that CPU for a request is told beside the rate.
// `bun bench/nodes.ts`; `bun bench/nodes.ts cold` for what is fetched alone.
import { readFileSync } from "node:fs";
import { commandOf } from "../test/clients/clients.ts";
import { type BulkUpstream, startBulk } from "../test/faults/bulk-upstream.ts";
import { type Cluster, startCluster } from "../test/support/cluster.ts";
import { type ServerProcess, startProcess } from "../test/support/process.ts";
import { median } from "./lib/stats.ts";
import { load } from "./lib/wrk.ts";

const MB = 1024 * 1024;
const SECONDS = 4;
/** Of `bulk-0` and so on: a small one, one that is sent from disk, large ones, and some that each measurement has for itself. */
const SIZES = [10_000, 5 * MB, 50 * MB, 50 * MB, ...Array.from({ length: 20 }, () => MB)];
const [QUICK, SLOW, SMALL] = [2, 3, 4];
/** How long the upstream takes for the slow one. */
const SLOW_MS = 10_000;
const path = (nth: number) => `/npm/bulk-${nth}/-/bulk-${nth}-1.0.0.tgz`;

function configOf(upstream: BulkUpstream): string {
  const none = ["pypi", "go", "composer", "debian", "debian-security"];
  return JSON.stringify({
    access: { anonymous: "read" },
    repositories: {
      npm: { upstreams: [{ url: upstream.url }], freshness: "1d" },
      ...Object.fromEntries(none.map((name) => [name, false])),
    },
  });
}

/** Seconds that a process has computed so far. proc_pid_stat(5) */
function cpuOf({ pid }: ServerProcess): number {
  const [, rest = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
  const fields = rest.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function get(url: string): Promise<number> {
  return (await timed(url)).whole;
}

/** When the first byte and the last one came. Milliseconds. */
async function timed(url: string): Promise<{ first: number; whole: number }> {
  const from = performance.now();
  const answer = await fetch(url, { keepalive: false });
  let first = 0;
  for await (const _ of answer.body!) first ||= performance.now() - from;
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status}`);
  return { first, whole: performance.now() - from };
}

/** All nodes are asked at once, each by a wrk of its own. */
async function warm(title: string, nodes: readonly ServerProcess[], of: string): Promise<void> {
  for (const { url } of nodes) await get(url + of);
  const before = nodes.map(cpuOf);
  const loads = await Promise.all(
    nodes.map(({ url }) => load(url + of, {}, { connections: 16, seconds: SECONDS })),
  );
  const rate = loads.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0);
  const cpu = nodes.reduce((sum, node, at) => sum + cpuOf(node) - before[at]!, 0);
  const each = (cpu / (rate * SECONDS)) * 1e6;
  console.log(`${title}: ${Math.round(rate)} requests a second, ${each.toFixed(1)} µs of CPU each`);
}

async function withUpstream(work: (upstream: BulkUpstream) => Promise<void>): Promise<void> {
  const upstream = startBulk(SIZES);
  try {
    await work(upstream);
  } finally {
    await upstream.stop();
  }
}

async function both(title: string, nodes: readonly ServerProcess[]): Promise<void> {
  await warm(`${title}, packument`, nodes, "/npm/bulk-0");
  await warm(`${title}, 10 kB`, nodes, path(0));
  await warm(`${title}, 5 MB`, nodes, path(1));
}

/** Fifty clients at once, the first of which has its node fetch the file. */
async function crowd({ nodes }: Cluster, upstream: BulkUpstream, nth: number): Promise<void> {
  const at = [...Array(50).keys()].map((one) => one % nodes.length);
  const times = await Promise.all(at.map((node) => timed(nodes[node]!.url + path(nth))));
  const firsts = nodes.map(
    (_, node) => median(times.filter((_, one) => at[one] === node).map(({ first }) => first))!,
  );
  const asked = upstream.asked.filter((one) => one === path(nth).slice("/npm".length)).length;
  const whole = Math.max(...times.map(({ whole }) => whole)) / 1000;
  console.log(
    `50 clients of ${nodes.length} nodes, one cold file of 50 MB that takes ${upstream.paceMs / 1000} s: ${asked} questions to the upstream, first bytes at each node after ${firsts.map((ms) => (ms / 1000).toFixed(1)).join(", ")} s, all served after ${whole.toFixed(1)} s`,
  );
}

async function cold(cluster: Cluster, upstream: BulkUpstream): Promise<void> {
  const { nodes } = cluster;
  await crowd(cluster, upstream, QUICK);
  upstream.paceMs = SLOW_MS;
  await crowd(cluster, upstream, SLOW);
  upstream.paceMs = 0;
  // Of each file: fetched by the first node, then had from the bucket by the second, then from its own copy.
  const times = { fetched: [] as number[], bucket: [] as number[], copy: [] as number[] };
  for (let nth = SMALL; nth < SIZES.length; nth += 1) {
    times.fetched.push(await get(nodes[0]!.url + path(nth)));
    times.bucket.push(await get(nodes[1]!.url + path(nth)));
    times.copy.push(await get(nodes[1]!.url + path(nth)));
  }
  const told = Object.entries(times).map(([what, all]) => `${what} ${median(all)!.toFixed(1)} ms`);
  console.log(`a file of 1 MB, median of ${times.copy.length}: ${told.join(", ")}`);
}

const isColdAlone = process.argv.includes("cold");
if (!isColdAlone)
  await withUpstream(async (upstream) => {
    const server = await startProcess({ config: configOf(upstream) });
    try {
      await both("embedded", [server]);
    } finally {
      await server.stop();
    }
  });
for (const count of isColdAlone ? [4] : [1, 2, 4])
  await withUpstream(async (upstream) => {
    const gateway = commandOf("versitygw")[0]!;
    const cluster = await startCluster({ config: configOf(upstream), gateway, nodes: count });
    try {
      if (!isColdAlone) await both(`${count} node${count > 1 ? "s" : ""}`, cluster.nodes);
      if (count === 4) await cold(cluster, upstream);
    } finally {
      await cluster.stop();
    }
  });
