// Three processes on one PostgreSQL and one bucket, behind nginx: what one of them knows all know, and what dies is not missed.
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { commandOf, withPrograms } from "../clients/clients.ts";
import { type BulkUpstream, startBulk } from "../faults/bulk-upstream.ts";
import { type Cluster, npmAlone, startCluster } from "../support/cluster.ts";
import { holdfastAt } from "../support/command.ts";
import { npmPublication } from "../support/npm-package.ts";
import { bugsOf, type ServerProcess } from "../support/process.ts";
import { waitFor } from "../support/wait.ts";

const MB = 1024 * 1024;
/** Packages of the upstream: small ones, and large ones of which each test takes one that nobody has asked for. */
const SIZES = [900, 20_000, 70_000, 400_000, 50 * MB, 8 * MB, 8 * MB, 300_000, 300_000];
const [LARGE, KILLED, HUNG] = [4, 5, 6];

const sha256 = (bytes: ArrayBuffer | Uint8Array) =>
  createHash("sha256").update(new Uint8Array(bytes)).digest("hex");

withPrograms(["versitygw", "postgres", "nginx"], () => {
  let upstream: BulkUpstream;
  let cluster: Cluster;
  let token: string;
  beforeAll(async () => {
    upstream = startBulk(SIZES);
    const config = npmAlone({ upstreams: [{ url: upstream.url }], claims: ["@own/*"] });
    cluster = await startCluster({ config, gateway: commandOf("versitygw")[0]!, nodes: 3 });
    await holdfast(["user", "add", "ann", "--password-stdin"], "correct horse battery\n");
    await holdfast(["grant", "add", "user:ann", "publish", "--repository", "npm"]);
    token = (await holdfast(["token", "create", "ann", "--name", "ci"])).trim();
  }, 120_000);
  afterAll(async () => {
    await cluster?.stop();
    await upstream?.stop();
  }, 60_000);
  afterEach(async () => {
    for (const node of cluster.nodes) if (await isDead(node)) await node.restart(); // where a test failed
    for (const node of cluster.nodes) expect(bugsOf(node)).toEqual([]);
  });

  /** A command beside a node, as an operator gives it there. */
  const holdfast = (words: string[], input = "", node = cluster.nodes[0]!) =>
    holdfastAt(node, words, { input });
  const get = (at: { url: string }, path: string, init: RequestInit = {}) =>
    fetch(`${at.url}${path}`, { ...init, keepalive: false });
  const status = async (...asked: Parameters<typeof get>) => {
    const response = await get(...asked);
    await response.arrayBuffer();
    return response.status;
  };
  const tarball = (nth: number) => `/npm/bulk-${nth}/-/bulk-${nth}-1.0.0.tgz`;
  const asked = (nth: number) =>
    upstream.asked.filter((path) => path === `/bulk-${nth}/-/bulk-${nth}-1.0.0.tgz`).length;
  /** As a client does that tries again where a connection breaks. */
  async function digestOf(at: { url: string }, nth: number, attempts = 1): Promise<string> {
    for (let attempt = 1; ; attempt += 1)
      try {
        const response = await get(at, tarball(nth));
        const bytes = await response.arrayBuffer();
        if (response.status !== 200) throw new Error(`answered ${response.status}`);
        return sha256(bytes);
      } catch (error) {
        if (attempt >= attempts) throw error;
        await Bun.sleep(200);
      }
  }
  async function publish(at: { url: string }, name: string, version: string): Promise<number> {
    const { body } = npmPublication(name, version, "x".repeat(40_000));
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    return status(at, `/npm/${name.replace("/", "%2f")}`, { method: "PUT", headers, body });
  }
  const digestOfPublished = (name: string, version: string) =>
    sha256(npmPublication(name, version, "x".repeat(40_000)).tarball);
  async function installs(at: { url: string }, name: string, version: string): Promise<string> {
    const response = await get(at, `/npm/${name}/-/${name.split("/").at(-1)}-${version}.tgz`);
    const bytes = await response.arrayBuffer();
    return response.status === 200 ? sha256(bytes) : `answered ${response.status}`;
  }
  const isDead = (node: ServerProcess) =>
    get(node, "/-/health/live").then(
      () => false,
      () => true,
    );
  async function kill(node: ServerProcess): Promise<void> {
    process.kill(node.pid, "SIGKILL");
    await waitFor(
      () => isDead(node),
      () => "the node lives",
      20_000,
    );
  }

  test("48 clients of all nodes that ask for one cold file of 50 MB are one question to the upstream", async () => {
    const clients = Array.from({ length: 48 }, (_, at) => digestOf(cluster.nodes[at % 3]!, LARGE));
    expect(new Set(await Promise.all(clients))).toEqual(
      new Set([upstream.digests.get(`bulk-${LARGE}`)!]),
    );
    expect(asked(LARGE)).toBe(1);
  }, 120_000);

  test("what is published at one node is installed from the others at once, and what is revoked at one lets nobody in at another", async () => {
    for (const [at, version] of ["1.0.0", "1.1.0", "1.2.0"].entries()) {
      expect(await publish(cluster.nodes[at]!, "@own/hull", version)).toBe(201);
      for (const node of cluster.nodes)
        expect(await installs(node, "@own/hull", version)).toBe(
          digestOfPublished("@own/hull", version),
        );
    }
    const other = (await holdfast(["token", "create", "ann", "--name", "second"])).trim();
    const who = (node: ServerProcess) =>
      status(node, "/npm/-/whoami", { headers: { authorization: `Bearer ${other}` } });
    for (const node of cluster.nodes) expect(await who(node)).toBe(200);
    await holdfast(["token", "revoke", other], "", cluster.nodes[1]!);
    for (const node of cluster.nodes) expect(await who(node)).toBe(401);
  }, 60_000);

  test("a node that is killed in the middle of a fetch is not missed: another one goes on, and clients that try again have the file", async () => {
    upstream.paceMs = 4_000;
    const [first, ...others] = cluster.nodes;
    const begun = digestOf(first!, KILLED).catch(() => "cut");
    await waitFor(
      () => asked(KILLED) === 1,
      () => "it is not asked",
      20_000,
    );
    const waiting = others.map((node) => digestOf(node, KILLED));
    const through = digestOf(cluster, KILLED, 5);
    await Bun.sleep(500); // somewhere in the middle
    await kill(first!);
    upstream.paceMs = 0;
    expect(await begun).toBe("cut");
    const digest = upstream.digests.get(`bulk-${KILLED}`)!;
    expect([...(await Promise.all(waiting)), await through]).toEqual([digest, digest, digest]);
    expect(asked(KILLED)).toBe(2);
    await first!.restart();
    expect(await digestOf(first!, KILLED)).toBe(digest);
    expect(asked(KILLED)).toBe(2);
  }, 120_000);

  test("a node that hangs in the middle of a fetch is not waited for: another one fetches, and the first has the same when it goes on", async () => {
    upstream.paceMs = 4_000;
    const [first, ...others] = cluster.nodes;
    const begun = digestOf(first!, HUNG).catch(() => "cut");
    await waitFor(
      () => asked(HUNG) === 1,
      () => "it is not asked",
      20_000,
    );
    const waiting = others.map((node) => digestOf(node, HUNG));
    await Bun.sleep(500); // somewhere in the middle
    process.kill(first!.pid, "SIGSTOP");
    upstream.paceMs = 0;
    const digest = upstream.digests.get(`bulk-${HUNG}`)!;
    try {
      expect(await Promise.all(waiting)).toEqual([digest, digest]);
    } finally {
      process.kill(first!.pid, "SIGCONT");
    }
    expect(["cut", digest]).toContain(await begun);
    expect(await digestOf(first!, HUNG)).toBe(digest);
    expect(asked(HUNG)).toBe(2);
    expect(cluster.events()).toEqual([]);
  }, 120_000);

  test("nodes that are killed in the middle of publishing lose nothing that was acknowledged, and nothing is there by half", async () => {
    const acknowledged = new Set<string>();
    for (let round = 0; round < 3; round += 1) {
      const victim = cluster.nodes[round]!;
      const running = Array.from({ length: 9 }, async (_, at) => {
        const version = `${round}.${at}.0`;
        // To the node itself, or through nginx.
        const done = await publish(at % 2 ? victim : cluster, "@own/keel", version).catch(() => 0);
        if (done === 201) acknowledged.add(version);
      });
      await Bun.sleep(20 + 60 * round); // where it falls differs from round to round; nothing is asserted of it
      await kill(victim);
      await Promise.all(running);
      for (const node of cluster.nodes.filter((one) => one !== victim)) {
        const document = await get(node, "/npm/@own%2fkeel");
        const { versions = {} } = (document.status === 200 ? await document.json() : {}) as {
          versions?: object;
        };
        for (const version of acknowledged) expect(Object.keys(versions)).toContain(version);
        for (const version of Object.keys(versions))
          expect([version, await installs(node, "@own/keel", version)]).toEqual([
            version,
            digestOfPublished("@own/keel", version),
          ]);
      }
      await victim.restart();
      expect(readdirSync(join(victim.data, "incoming"))).toEqual([]);
    }
    expect(await publish(cluster, "@own/keel", "9.0.0")).toBe(201);
    expect((await holdfast(["verify"])).includes("all true to their digests")).toBe(true);
  }, 120_000);

  test("a node whose data directory is gone has all that there was, with the upstream away", async () => {
    const node = cluster.nodes[2]!;
    const names = [0, 1, 2, 3];
    for (const nth of names) {
      expect(await status(cluster, `/npm/bulk-${nth}`)).toBe(200);
      expect(await digestOf(cluster, nth)).toBe(upstream.digests.get(`bulk-${nth}`)!);
    }
    await node.pause();
    rmSync(node.data, { recursive: true });
    await node.restart(["--offline"]);
    for (const nth of names) {
      expect(await status(node, `/npm/bulk-${nth}`)).toBe(200);
      expect(await digestOf(node, nth)).toBe(upstream.digests.get(`bulk-${nth}`)!);
    }
    await node.restart();
  }, 60_000);

  const ready = async (node: ServerProcess) => [
    await status(node, "/-/health/ready"),
    await status(node, "/-/health/live"),
  ];

  test("without the database nodes serve what they have in memory, refuse what would be written, and go on when it is back", async () => {
    const [node] = cluster.nodes;
    expect(await status(node!, "/npm/bulk-1")).toBe(200);
    expect(await digestOf(node!, 1)).toBe(upstream.digests.get("bulk-1")!);
    await cluster.database.kill();
    await waitFor(
      async () => (await ready(node!))[0] === 503,
      () => "it says that it is ready",
      40_000,
    );
    expect(await ready(node!)).toEqual([503, 200]);
    expect(await status(node!, "/npm/bulk-1")).toBe(200);
    expect(await digestOf(node!, 1)).toBe(upstream.digests.get("bulk-1")!);
    expect(await publish(node!, "@own/sail", "1.0.0")).toBe(503);
    await cluster.database.revive();
    await waitFor(
      async () => (await ready(node!))[0] === 200,
      () => "it does not come back",
      40_000,
    );
    await waitFor(
      async () => (await publish(node!, "@own/sail", "1.0.1")) === 201,
      () => "it does not publish",
      40_000,
    );
    for (const one of cluster.nodes)
      await waitFor(
        async () =>
          (await installs(one, "@own/sail", "1.0.1")) === digestOfPublished("@own/sail", "1.0.1"),
        () => `${one.url} does not have it`,
        40_000,
      );
    expect(await installs(node!, "@own/sail", "1.0.0")).toBe("answered 404");
  }, 180_000);

  test("without the bucket nodes serve what they have a copy of, call nothing missing that is there, and go on when it is back", async () => {
    const [has, lacks] = [cluster.nodes[0]!, cluster.nodes[1]!];
    expect(await digestOf(has, 7)).toBe(upstream.digests.get("bulk-7")!);
    await cluster.gateway.kill();
    try {
      expect(await digestOf(has, 7)).toBe(upstream.digests.get("bulk-7")!);
      const cold = await status(lacks, tarball(7));
      expect([503, 424]).toContain(cold);
      const [isReady, isLive] = await ready(has);
      expect([isReady, isLive]).toEqual([503, 200]);
      expect(await publish(has, "@own/mast", "1.0.0")).toBe(503);
    } finally {
      await cluster.gateway.revive();
    }
    await waitFor(
      async () => (await ready(has))[0] === 200,
      () => "it does not come back",
      40_000,
    );
    await waitFor(
      () =>
        digestOf(lacks, 7).then(
          (digest) => digest === upstream.digests.get("bulk-7"),
          () => false,
        ),
      () => "the file does not come back",
      40_000,
    );
    expect(await installs(has, "@own/mast", "1.0.0")).toBe("answered 404");
    expect(await publish(has, "@own/mast", "1.0.0")).toBe(201);
    expect(asked(7)).toBe(1);
  }, 180_000);
});
