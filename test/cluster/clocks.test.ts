// Three servers of which one has a clock a minute ahead, and one a minute behind: what they do together hangs on nobody's clock.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { commandOf, withPrograms } from "../clients/clients.ts";
import { type BulkUpstream, startBulk } from "../faults/bulk-upstream.ts";
import { type Cluster, npmAlone, startCluster } from "../support/cluster.ts";
import { holdfastAt } from "../support/command.ts";
import { npmPublication } from "../support/npm-package.ts";
import type { ServerProcess } from "../support/process.ts";
import { run } from "../support/run.ts";
import { waitFor } from "../support/wait.ts";

const root = new URL("../../", import.meta.url).pathname;
/** Of each node: seconds. */
const SKEW = [0, 60, -60];
const LONG_MS = 40_000;

const sha256 = (bytes: ArrayBuffer | Uint8Array) =>
  createHash("sha256").update(new Uint8Array(bytes)).digest("hex");

withPrograms(["versitygw", "postgres", "nginx", "libfaketime"], () => {
  let upstream: BulkUpstream;
  let cluster: Cluster;
  beforeAll(async () => {
    upstream = startBulk([900, 400_000, 8 * 1024 * 1024, 900]);
    const { output } = await run(["dpkg", "-L", "libfaketime"], { cwd: root, timeout: 60_000 });
    const library = output.split("\n").find((line) => line.endsWith("/libfaketimeMT.so.1"))!;
    cluster = await startCluster({
      config: npmAlone({ upstreams: [{ url: upstream.url }], claims: ["@own/*"] }),
      gateway: commandOf("versitygw")[0]!,
      nodes: SKEW.length,
      // What only grows is no clock that can be wrong.
      env: (at) =>
        SKEW[at] === 0
          ? ({} as Record<string, string>)
          : {
              LD_PRELOAD: library,
              FAKETIME: `${SKEW[at]! > 0 ? "+" : ""}${SKEW[at]}s`,
              FAKETIME_DONT_FAKE_MONOTONIC: "1",
              DONT_FAKE_MONOTONIC: "1",
            },
    });
  }, 120_000);
  afterAll(async () => {
    await cluster?.stop();
    await upstream?.stop();
  }, 60_000);

  /** A command that the node's server does, by its clock. */
  const holdfast = (words: string[], at: ServerProcess, input = "") =>
    holdfastAt(at, words, { input });
  const get = (at: { url: string }, path: string, init: RequestInit = {}) =>
    fetch(`${at.url}${path}`, { ...init, keepalive: false });
  const digestOf = async (at: { url: string }, path: string) => {
    const response = await get(at, path);
    const bytes = await response.arrayBuffer();
    return response.status === 200 ? sha256(bytes) : `answered ${response.status}`;
  };
  const tarball = (nth: number) => `/npm/bulk-${nth}/-/bulk-${nth}-1.0.0.tgz`;
  const who = async (at: ServerProcess, token: string) => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await get(at, "/npm/-/whoami", { headers });
    await response.arrayBuffer();
    return response.status;
  };
  const lines = (at: ServerProcess) =>
    at
      .output()
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as { time: string; level: string; msg: string });

  test("the clocks are off, and nobody takes anybody for dead or deaf for that", async () => {
    for (const [at, node] of cluster.nodes.entries()) {
      const begun = Date.now();
      await digestOf(node, "/npm/bulk-0");
      const own = () => lines(node).find(({ msg }) => msg.startsWith("GET /npm/bulk-0 "));
      await waitFor(
        () => own() !== undefined,
        () => "the request is no line",
        LONG_MS,
      );
      const real = Date.parse(own()!.time) - SKEW[at]! * 1000;
      expect([real >= begun - 1000, real <= Date.now() + 1000]).toEqual([true, true]);
    }
  }, 120_000);

  test("a token made by any clock lets in at all at once, and a revoked one nowhere", async () => {
    const [first] = cluster.nodes;
    await holdfast(["user", "add", "ann", "--no-password"], first!);
    await holdfast(["grant", "add", "user:ann", "publish", "--repository", "npm"], first!);
    for (const [at, node] of cluster.nodes.entries()) {
      const made = await holdfast(["token", "create", "ann", "--name", `of-${at}`], node);
      const token = made.trim();
      for (const other of cluster.nodes) expect([at, await who(other, token)]).toEqual([at, 200]);
      await holdfast(["token", "revoke", token], cluster.nodes[(at + 1) % 3]!);
      for (const other of cluster.nodes) expect([at, await who(other, token)]).toEqual([at, 401]);
    }
  }, 120_000);

  test("what is published at any is installed from all at once, in the order in which it came", async () => {
    const [first] = cluster.nodes;
    const token = (await holdfast(["token", "create", "ann", "--name", "ci"], first!)).trim();
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const order = [1, 2, 0, 2, 1]; // ahead, behind, right
    for (const [nth, at] of order.entries()) {
      const published = npmPublication("@own/hull", `1.${nth}.0`, "x".repeat(9_000));
      const init = { method: "PUT", headers, body: published.body };
      const response = await get(cluster.nodes[at]!, "/npm/@own%2fhull", init);
      await response.arrayBuffer();
      expect([nth, response.status]).toEqual([nth, 201]);
      for (const node of cluster.nodes) {
        const document = (await (await get(node, "/npm/@own%2fhull")).json()) as {
          versions: object;
          "dist-tags": { latest: string };
        };
        expect(Object.keys(document.versions)).toHaveLength(nth + 1);
        expect(document["dist-tags"].latest).toBe(`1.${nth}.0`);
        expect(await digestOf(node, `/npm/@own/hull/-/hull-1.${nth}.0.tgz`)).toBe(
          sha256(published.tarball),
        );
      }
    }
  }, 120_000);

  test("a cold file is one question to the upstream, also where the node that asks dies in the middle", async () => {
    const asked = (nth: number) =>
      upstream.asked.filter((path) => path === `/bulk-${nth}/-/bulk-${nth}-1.0.0.tgz`).length;
    const all = await Promise.all(cluster.nodes.map((node) => digestOf(node, tarball(1))));
    expect(new Set(all)).toEqual(new Set([upstream.digests.get("bulk-1")!]));
    expect(asked(1)).toBe(1);
    const [first, ahead, behind] = cluster.nodes;
    upstream.paceMs = 3_000;
    const begun = digestOf(ahead!, tarball(2)).catch(() => "cut");
    await waitFor(
      () => asked(2) === 1,
      () => "it is not asked",
      LONG_MS,
    );
    const waiting = [first!, behind!].map((node) => digestOf(node, tarball(2)));
    process.kill(ahead!.pid, "SIGKILL");
    upstream.paceMs = 0;
    const digest = upstream.digests.get("bulk-2")!;
    expect(await Promise.all(waiting)).toEqual([digest, digest]);
    expect([await begun, asked(2)]).toEqual(["cut", 2]);
    await ahead!.restart();
    expect(await digestOf(ahead!, tarball(2))).toBe(digest);
  }, 180_000);

  test("the append-only log has all of it, whoever appended, and tells one history", async () => {
    await holdfast(["grant", "add", "user:ann", "admin"], cluster.nodes[0]!);
    const made = await holdfast(["token", "create", "ann", "--name", "log"], cluster.nodes[1]!);
    const token = made.trim();
    const checkpoint = async (node: ServerProcess) => {
      const response = await get(node, "/-/log/checkpoint", {
        headers: { authorization: `Bearer ${token}` },
      });
      expect(response.status).toBe(200);
      return (await response.text()).split("\n").slice(0, 3).join(" ");
    };
    await holdfast(["ledger", "audit"], cluster.nodes[2]!);
    await waitFor(
      async () => new Set(await Promise.all(cluster.nodes.map(checkpoint))).size === 1,
      () => "they tell different histories",
      LONG_MS,
    );
    expect(await holdfast(["verify"], cluster.nodes[1]!)).toContain("all true to their digests");
    const bad = cluster.nodes.flatMap((node) =>
      lines(node).filter(
        ({ level, msg }) => level === "error" || /is dead|took this one|does not say/.test(msg),
      ),
    );
    const dead = bad.filter(({ msg }) => msg.includes("is dead"));
    expect(dead.length).toBe(1); // the one that was killed
    expect(bad.filter((line) => !dead.includes(line)).map(({ msg }) => msg)).toEqual([]);
  }, 120_000);
});
