// Private packages: versions published one after the other, to all servers in turn, then read and installed with real clients.
import { rmSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { type Context, emptyFolder, note, say } from "../lib/context.ts";
import { ask } from "../lib/http.ts";
import { installers } from "../lib/private-install.ts";
import {
  NPM_NAME,
  type Publish,
  PYPI_NAME,
  publishNpm,
  publishPypi,
} from "../lib/private-packages.ts";
import { cpuSeconds, peakBytes, residentBytes } from "../lib/proc.ts";
import { Problem, reason } from "../lib/refuse.ts";
import { median, percentile } from "../lib/stats.ts";
import type { FormatName, Peer, Publisher, RunningPrivate } from "../peers/types.ts";

const MEASURE = "publishing";
const SMALL = 2_000;
const LARGE = 30_000_000;
const EDGE = 20;

interface Case {
  format: "npm" | "pypi";
  publish: Publish;
  /** Of the document that lists the versions. */
  path: string;
  /** How many versions an answer tells of. */
  count(body: string): number;
}

const CASES: Case[] = [
  {
    format: "npm",
    publish: publishNpm,
    path: NPM_NAME.replace("/", "%2f"),
    count: (body) => Object.keys((JSON.parse(body) as { versions: object }).versions).length,
  },
  {
    format: "pypi",
    publish: publishPypi,
    path: `${PYPI_NAME}/`,
    count: (body) => body.split("<a ").length - 1,
  },
];

/** A server with somebody who may publish there. */
interface Host {
  name: string;
  server: RunningPrivate;
  to: Publisher;
  folder: string;
}

export async function measurePublishing(context: Context): Promise<void> {
  for (const each of CASES.filter(({ format }) => context.formats.includes(format))) {
    const peers = context.peers.filter((peer) => peer.startPrivate);
    await withHosts(context, peers, each.format, (hosts) => compare(context, each, hosts));
    const own = peers.filter((peer) => peer.name === "holdfast");
    await withHosts(context, own, each.format, ([host]) => grow(context, each, host!));
  }
}

async function withHosts(
  context: Context,
  peers: Peer[],
  format: "npm" | "pypi",
  body: (hosts: Host[]) => Promise<void>,
): Promise<void> {
  const hosts: Host[] = [];
  const column = `${format}, start`;
  try {
    for (const peer of peers.filter(({ formats }) => formats.includes(format))) {
      const folder = emptyFolder(`${peer.name}-private`);
      try {
        const server = await peer.startPrivate!(context.upstream.urls, folder);
        hosts.push({ name: peer.name, server, to: server.publishers[format]!, folder });
      } catch (error) {
        note(context, MEASURE, [peer.name, column, "started"], null, reason(error));
      }
    }
    if (hosts.length > 0) await body(hosts);
  } finally {
    for (const { server, folder } of hosts) {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

async function compare(context: Context, each: Case, hosts: Host[]): Promise<void> {
  const figure = (host: Host, column: string, metric: string, value: number | null) =>
    note(context, MEASURE, [host.name, `${each.format}, ${column}`, metric], value);
  await Bun.sleep(2000);
  for (const host of hosts) figure(host, "idle", "MB", residentBytes(host.server.pid) / 1e6);
  const versions = context.quick ? 3 * EDGE : 200;
  const before = hosts.map(({ server }) => cpuSeconds(server.pid));
  const times = hosts.map((): number[] => []);
  for (let version = 0; version < versions; version += 1)
    for (const [at, { to }] of hosts.entries())
      times[at]!.push(await each.publish(to, { version: `1.0.${version}`, size: SMALL }));
  for (const [at, host] of hosts.entries()) {
    const all = times[at]!;
    const spent = cpuSeconds(host.server.pid) - before[at]!;
    figure(host, "version 1", "ms", all[0]!);
    figure(host, `versions 2 to ${EDGE + 1}`, "ms", median(all.slice(1, EDGE + 1)));
    figure(host, `last ${EDGE} of ${versions}`, "ms", median(all.slice(-EDGE)));
    figure(host, `each of ${versions}`, "server CPU ms", (spent / versions) * 1000);
    figure(host, `after ${versions} versions`, "MB", peakBytes(host.server.pid) / 1e6);
    const reads = await readAll(each, host, versions, 21);
    figure(host, `document of ${versions}, first`, "ms", reads[0]!);
    figure(host, `document of ${versions}, again`, "ms", median(reads.slice(1)));
  }
  const large = hosts.map((): number[] => []);
  for (let round = 0; round < 3; round += 1)
    for (const [at, { to }] of hosts.entries())
      large[at]!.push(await each.publish(to, { version: `2.0.${round}`, size: LARGE }));
  for (const [at, host] of hosts.entries()) {
    figure(host, "30 MB", "ms", median(large[at]!));
    figure(host, "after 30 MB", "MB", peakBytes(host.server.pid) / 1e6);
  }
  await installAll(context, each.format, hosts);
}

/** With something newly published in all servers, and then again. */
async function installAll(context: Context, format: FormatName, hosts: Host[]): Promise<void> {
  const install = installers[format as "npm" | "pypi"];
  const warm = hosts.map((): number[] => []);
  for (let round = 0; round < (context.quick ? 2 : 4); round += 1)
    for (const [at, host] of hosts.entries()) {
      const folder = emptyFolder("private-install");
      try {
        const seconds = await install(host.to, "1.0.1", folder);
        if (round > 0) warm[at]!.push(seconds);
        else note(context, MEASURE, [host.name, `${format}, install, cold`, "seconds"], seconds);
      } catch (error) {
        note(context, MEASURE, [host.name, `${format}, install`, "seconds"], null, reason(error));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
  for (const [at, host] of hosts.entries())
    note(context, MEASURE, [host.name, `${format}, install, warm`, "seconds"], median(warm[at]!));
}

/** Does a publication cost more with a thousand before it? */
async function grow(context: Context, each: Case, host: Host): Promise<void> {
  const versions = context.quick ? 200 : 1000;
  const times: number[] = [];
  for (let version = 0; version < versions; version += 1)
    times.push(await each.publish(host.to, { version: `1.0.${version}`, size: SMALL }));
  const figure = (column: string, metric: string, value: number | null) =>
    note(context, "versions", [host.name, `${each.format}, ${column}`, metric], value);
  const parts: [string, number[]][] = [
    ["first hundred", times.slice(0, 100)],
    ["last hundred", times.slice(-100)],
  ];
  for (const [column, part] of parts) {
    figure(column, "median ms", median(part));
    figure(column, "p95 ms", percentile(part, 0.95));
  }
  const reads = await readAll(each, host, versions, 21);
  figure(`document of ${versions}, first`, "ms", reads[0]!);
  figure(`document of ${versions}, again`, "ms", median(reads.slice(1)));
  say(`  ${host.name}: ${versions} versions of ${each.format} are all there`);
}

/** Reads the document some times; milliseconds of each. Throws unless it tells of all versions. */
async function readAll(
  { path, count }: Case,
  { to, name }: Host,
  versions: number,
  times: number,
): Promise<number[]> {
  const taken: number[] = [];
  for (let at = 0; at < times; at += 1) {
    const headers = { authorization: to.authorization, "accept-encoding": "gzip" };
    const answer = await ask(`${to.index}/${path}`, { headers, keepBody: true });
    const isPacked = answer.headers["content-encoding"] === "gzip";
    const body = isPacked ? gunzipSync(answer.body) : answer.body;
    const found = answer.status === 200 ? count(body.toString()) : 0;
    if (found !== versions)
      throw new Problem(
        `${name} shows ${found} versions (${answer.status}) instead of ${versions}`,
      );
    taken.push(answer.total);
  }
  return taken;
}
