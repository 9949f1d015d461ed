// Clients of three nodes that want one file which one of them fetches: all read along, however slowly it comes, and none to the end before it is proven.
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { layoutOf } from "../../src/store/layout.ts";
import { commandOf, withPrograms } from "../clients/clients.ts";
import { type BulkUpstream, type Halt, startBulk } from "../faults/bulk-upstream.ts";
import { type Cluster, npmAlone, startCluster } from "../support/cluster.ts";
import { holdfastAt } from "../support/command.ts";
import { bugsOf, type ServerProcess } from "../support/process.ts";
import { waitFor } from "../support/wait.ts";

const MB = 1024 * 1024;
const SIZE = 20 * MB;
/** Where the upstream halts, and what clients have of that before it goes on. */
const [HALF, SEEN] = [12 * MB, 10 * MB];
/** Each test takes a file that nobody has asked for. */
const [READ, KILLED, FALSE, CUT] = [0, 1, 2, 3];

withPrograms(["versitygw", "postgres", "nginx"], () => {
  let upstream: BulkUpstream;
  let cluster: Cluster;
  beforeAll(async () => {
    upstream = startBulk([SIZE, SIZE, SIZE, SIZE]);
    const config = npmAlone({ upstreams: [{ url: upstream.url }] });
    cluster = await startCluster({ config, gateway: commandOf("versitygw")[0]!, nodes: 3 });
  }, 120_000);
  afterAll(async () => {
    await cluster?.stop();
    await upstream?.stop();
  }, 60_000);
  afterEach(() => {
    upstream.halt = null;
    for (const node of cluster.nodes) expect(bugsOf(node)).toEqual([]);
  });

  const path = (nth: number) => `/bulk-${nth}/-/bulk-${nth}-1.0.0.tgz`;
  const asked = (nth: number) => upstream.asked.filter((one) => one === path(nth)).length;
  const digest = (nth: number) => upstream.digests.get(`bulk-${nth}`)!;
  const get = (node: ServerProcess, nth: number, init: RequestInit = {}) =>
    fetch(`${node.url}/npm${path(nth)}`, { ...init, keepalive: false });

  /** A client that takes all that it can get. */
  function reading(node: ServerProcess, nth: number) {
    const hash = createHash("sha256");
    const client = { bytes: 0, end: null as string | null };
    async function read(): Promise<void> {
      const { status, body } = await get(node, nth);
      if (status !== 200) throw new Error(`answered ${status}`);
      for await (const chunk of body!) {
        client.bytes += chunk.length;
        hash.update(chunk);
      }
    }
    const done = read().then(
      () => hash.digest("hex"),
      () => "cut",
    );
    return Object.assign(client, { done });
  }

  function halt() {
    const { promise, resolve } = Promise.withResolvers<Awaited<Halt["next"]>>();
    upstream.halt = { after: HALF, next: promise };
    return resolve;
  }

  /** One client of each node, the first of which is the one that fetches; all have what came so far. */
  async function allRead(nth: number) {
    const [first, ...others] = cluster.nodes;
    const clients = [reading(first!, nth)];
    await waitFor(
      () => asked(nth) === 1,
      () => "the upstream is not asked",
      20_000,
    );
    clients.push(...others.map((node) => reading(node, nth)));
    await waitFor(
      () => clients.every(({ bytes }) => bytes > SEEN),
      () => `clients have ${clients.map(({ bytes }) => bytes)} bytes`,
      20_000,
    );
    return clients;
  }

  const ends = (clients: readonly ReturnType<typeof reading>[]) =>
    Promise.all(clients.map(({ done }) => done));

  const relayed = join("of/tests/relay");
  const left = () => {
    const folder = join(cluster.gateway.folderOf("packages"), relayed);
    return existsSync(folder)
      ? readdirSync(folder, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map(({ name }) => name)
      : [];
  };
  const nothingLeft = () =>
    waitFor(
      () => left().length === 0,
      () => `the bucket has ${left()}`,
      20_000,
    );

  test("clients of all nodes have what came so far, parts of it too, and the upstream is asked once", async () => {
    const go = halt();
    const clients = await allRead(READ);
    expect(left().length).toBeGreaterThan(0);
    for (const node of cluster.nodes) {
      const head = await get(node, READ, { method: "HEAD" });
      expect([head.status, head.headers.get("content-length")]).toEqual([200, String(SIZE)]);
      const part = await get(node, READ, { headers: { range: "bytes=1000-1999" } });
      expect([part.status, (await part.bytes()).length]).toEqual([206, 1000]);
      const past = await get(node, READ, { headers: { range: `bytes=${SIZE}-` } });
      expect(past.status).toBe(416);
    }
    const late = cluster.nodes.map((node) => reading(node, READ));
    go("on");
    const all = [...clients, ...late];
    expect(await ends(all)).toEqual(all.map(() => digest(READ)));
    expect(asked(READ)).toBe(1);
    await nothingLeft();
    for (const node of cluster.nodes) {
      const { copies } = layoutOf(node.data);
      expect(existsSync(join(copies, digest(READ).slice(0, 2), digest(READ).slice(2)))).toBe(true);
    }
  }, 60_000);

  test("when the node that fetches is killed its clients are cut, another goes on, and clients of the others notice nothing", async () => {
    halt();
    const clients = await allRead(KILLED);
    upstream.halt = null;
    process.kill(cluster.nodes[0]!.pid, "SIGKILL");
    expect(await ends(clients)).toEqual(["cut", digest(KILLED), digest(KILLED)]);
    expect(asked(KILLED)).toBe(2);
    await cluster.nodes[0]!.restart();
    expect(await reading(cluster.nodes[0]!, KILLED).done).toBe(digest(KILLED));
    await holdfastAt(cluster.nodes[1]!, ["gc"]);
    expect(left()).toEqual([]);
  }, 120_000);

  test("of a file that proves false no client of any node has the end, and all nodes say why without asking for themselves", async () => {
    const go = halt();
    const clients = await allRead(FALSE);
    const waiting = cluster.nodes.map((node) =>
      get(node, FALSE, { headers: { range: `bytes=${SIZE - 10}-` } }),
    );
    go("lie");
    expect(await ends(clients)).toEqual(clients.map(() => "cut"));
    for (const { bytes } of clients) expect(bytes).toBeLessThan(SIZE);
    for (const { status } of await Promise.all(waiting)) expect(status).toBe(403);
    for (const node of cluster.nodes) {
      const answer = await get(node, FALSE);
      expect([answer.status, await answer.text()]).toEqual([
        403,
        expect.stringContaining("not the published ones"),
      ]);
    }
    expect(asked(FALSE)).toBe(1);
    expect(cluster.events().filter(({ kind }) => kind === "tampered")).toHaveLength(1);
    await nothingLeft();
  }, 60_000);

  test("of a file that breaks off no client of any node has the end, and each has it once it comes whole", async () => {
    const go = halt();
    const clients = await allRead(CUT);
    go("cut");
    expect(await ends(clients)).toEqual(clients.map(() => "cut"));
    upstream.halt = null;
    for (const node of cluster.nodes)
      await waitFor(
        async () => (await reading(node, CUT).done) === digest(CUT),
        () => `${node.url} does not have it`,
        60_000,
      );
    await nothingLeft();
  }, 120_000);
});
