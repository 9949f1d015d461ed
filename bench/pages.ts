// What the pages about a package of many versions take, and their twins in the API: over HTTP, one request after the other, none of which repeats.
// `bun bench/pages.ts [VERSIONS] [ROUNDS]`: 1,000 versions and 300 rounds without them. The server has a rule, a feed that tells of the package, and 50 of its files.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startUpstream } from "../test/support/fake-upstream/index.ts";
import { startServer } from "../test/support/server.ts";
import { percentile } from "./lib/stats.ts";

const [versions = 1_000, rounds = 300] = process.argv.slice(2).map(Number);
const STORED = 50;
const WARMING = 30;
const DAY = 86_400_000;

const made = mkdtempSync(join(tmpdir(), "holdfast-pages-"));
const feed = join(made, "feed");
mkdirSync(feed);
const affected = [{ package: { ecosystem: "npm", name: "many" }, versions: ["0.7.0", "0.9.0"] }];
const record = { id: "GHSA-many-1", modified: "2026-01-01T00:00:00Z", affected };
writeFileSync(join(feed, "GHSA-many-1.json"), JSON.stringify(record));

const upstream = await startUpstream();
for (let at = 0; at < versions; at++)
  upstream.npm.publish({
    name: "many",
    version: `0.${at}.0`,
    time: new Date(Date.now() - (versions - at) * DAY),
  });
const server = await startServer(upstream, {
  access: { anonymous: "read" },
  server: {
    policy: [
      { name: "cooldown", packages: ["pkg:npm/*"], minimumAge: "7d" },
      { name: "malware", packages: ["pkg:npm/*"], advisories: { malicious: "block" } },
    ],
    feeds: [{ name: "osv", directory: feed }],
  },
});
await server.operate("feeds refresh", "");

async function ask(path: string): Promise<number> {
  const response = await fetch(`${server.url}${path}`);
  const { length } = await response.bytes();
  if (!response.ok) throw new Error(`${path} was answered with ${response.status}`);
  return length;
}
await ask("/npm/many");
for (let at = 0; at < STORED; at++) await ask(`/npm/many/-/many-0.${at * 10}.0.tgz`);

const last = Math.ceil(versions / 50);
const ASKED = [
  ["page of the package", "/-/packages/npm/many?"],
  ["its last page of versions", `/-/packages/npm/many?page=${last}&`],
  ["page of a version", "/-/packages/npm/many/v/0.0.0?"],
  ["search", "/-/packages?q=many&"],
  ["API: the package", "/-/api/v1/catalog/npm/many?"],
  ["API: its last versions", `/-/api/v1/catalog/npm/many?page=${last}&`],
] as const;

console.log(
  `${versions} versions, ${rounds} requests each: milliseconds over HTTP, and of processor time, the client's with it. The goal is a p95 of 20`,
);
for (const [name, path] of ASKED) {
  const took: number[] = [];
  const worked: number[] = [];
  let bytes = 0;
  for (let at = -WARMING; at < rounds; at++) {
    // What the page knows nothing of changes nothing but that no reply is given again.
    const own = path.includes("/api/") ? path.replace(/[?&]$/, "") : `${path}round=${at + WARMING}`;
    const [begun, before] = [performance.now(), process.cpuUsage()];
    bytes = await ask(own);
    const { user, system } = process.cpuUsage(before);
    if (at < 0) continue;
    took.push(performance.now() - begun);
    worked.push((user + system) / 1000);
  }
  const of = (values: readonly number[], part: number) =>
    (percentile(values, part) ?? 0).toFixed(1).padStart(6);
  console.log(
    `${name.padEnd(28)} p50 ${of(took, 0.5)}  p95 ${of(took, 0.95)}  CPU p50 ${of(worked, 0.5)}  p95 ${of(worked, 0.95)}  ${String(bytes).padStart(7)} bytes`,
  );
}
await server.stop();
await upstream.stop();
rmSync(made, { recursive: true });
