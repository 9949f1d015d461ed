// What several nodes cost and bring: warm requests to 1, 2 and 4 nodes, one cold large file for fifty clients of four, and a file that is only in the bucket.
// PostgreSQL, the bucket's gateway, the nodes, the clients and wrk share this machine's cores, so that CPU for a request is told beside the rate.
// `bun bench/nodes.ts`
import { readFileSync } from "node:fs";
import { commandOf } from "../test/clients/clients.ts";
import { type BulkUpstream, startBulk } from "../test/faults/bulk-upstream.ts";
import { type Cluster, startCluster } from "../test/support/cluster.ts";
import { type ServerProcess, startProcess } from "../test/support/process.ts";
import { median } from "./lib/stats.ts";
import { load } from "./lib/wrk.ts";

const MB = 1024 * 1024;
const SECONDS = 4;
/** Of `bulk-0` and so on: a small one, one that is sent from disk, the large one, and some that each measurement has for itself. */
const SIZES = [10_000, 5 * MB, 50 * MB, ...Array.from({ length: 20 }, () => MB)];
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
  const from = performance.now();
  const answer = await fetch(url, { keepalive: false });
  await answer.arrayBuffer();
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status}`);
  return performance.now() - from;
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

async function cold(cluster: Cluster, upstream: BulkUpstream): Promise<void> {
  const { nodes } = cluster;
  const from = performance.now();
  await Promise.all(
    Array.from({ length: 50 }, (_, at) => get(nodes[at % nodes.length]!.url + path(2))),
  );
  const asked = upstream.asked.filter((one) => one.endsWith("/bulk-2-1.0.0.tgz")).length;
  const seconds = (performance.now() - from) / 1000;
  console.log(
    `50 clients of ${nodes.length} nodes, one cold file of 50 MB: ${asked} question to the upstream, all served after ${seconds.toFixed(1)} s`,
  );
  // Of each file: fetched by the first node, then had from the bucket by the second, then from its own copy.
  const times = { fetched: [] as number[], bucket: [] as number[], copy: [] as number[] };
  for (let nth = 3; nth < SIZES.length; nth += 1) {
    times.fetched.push(await get(nodes[0]!.url + path(nth)));
    times.bucket.push(await get(nodes[1]!.url + path(nth)));
    times.copy.push(await get(nodes[1]!.url + path(nth)));
  }
  const told = Object.entries(times).map(([what, all]) => `${what} ${median(all)!.toFixed(1)} ms`);
  console.log(`a file of 1 MB, median of ${times.copy.length}: ${told.join(", ")}`);
}

await withUpstream(async (upstream) => {
  const server = await startProcess({ config: configOf(upstream) });
  try {
    await both("embedded", [server]);
  } finally {
    await server.stop();
  }
});
for (const count of [1, 2, 4])
  await withUpstream(async (upstream) => {
    const gateway = commandOf("versitygw")[0]!;
    const cluster = await startCluster({ config: configOf(upstream), gateway, nodes: count });
    try {
      await both(`${count} node${count > 1 ? "s" : ""}`, cluster.nodes);
      if (count === 4) await cold(cluster, upstream);
    } finally {
      await cluster.stop();
    }
  });
