// What people are told of three servers on one catalog: who is who, who died, whose configuration is another, and what they stand on that is away.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { commandOf, withPrograms } from "../clients/clients.ts";
import { type BulkUpstream, startBulk } from "../faults/bulk-upstream.ts";
import { type Cluster, npmAlone, startCluster } from "../support/cluster.ts";
import { holdfastAt } from "../support/command.ts";
import { npmPublication } from "../support/npm-package.ts";
import type { ServerProcess } from "../support/process.ts";
import { waitFor } from "../support/wait.ts";

const LONG_MS = 40_000;
/** Of a test that waits for several of those, on a machine that may be busy. */
const TEST_MS = 240_000;

interface Line {
  level: string;
  msg: string;
  node?: string;
  [field: string]: unknown;
}

interface Told {
  state: string;
  reasons: { text: string; about: string }[];
  nodes: { id: string; pid: number; url: string; silentSeconds: number; differs: string[] }[];
}

withPrograms(["versitygw", "postgres", "nginx"], () => {
  let upstream: BulkUpstream;
  let cluster: Cluster;
  let token: string;
  beforeAll(async () => {
    upstream = startBulk([900, 900]);
    const npm = { upstreams: [{ url: upstream.url }], claims: ["@own/*"] };
    const config = npmAlone(npm, { alarms: { storageAway: "1s", nodesDiffer: "1s" } });
    cluster = await startCluster({ config, gateway: commandOf("versitygw")[0]!, nodes: 3 });
    await holdfast(["user", "add", "ann", "--password-stdin"], "correct horse battery\n");
    await holdfast(["grant", "add", "user:ann", "admin"]);
    token = (await holdfast(["token", "create", "ann", "--name", "ci"])).trim();
  }, 120_000);
  afterAll(async () => {
    await cluster?.stop();
    await upstream?.stop();
  }, 60_000);

  /** A command beside a node. `codes`: with which it may end. */
  const holdfast = (words: string[], input = "", codes = [0]) =>
    holdfastAt(cluster.nodes[0]!, words, { input, codes });
  const lines = (node: ServerProcess, start = ""): Line[] =>
    node
      .output()
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Line)
      .filter(({ msg }) => msg.startsWith(start));
  async function until(node: ServerProcess, start: string, count = 1): Promise<Line> {
    await waitFor(
      () => lines(node, start).length >= count,
      () => `"${start}" is not told:\n${node.output().split("\n").slice(-30).join("\n")}`,
      LONG_MS,
    );
    return lines(node, start)[count - 1]!;
  }
  async function state(node: ServerProcess): Promise<Told> {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${node.url}/-/api/v1/state`, { headers, keepalive: false });
    if (!response.ok) throw new Error(`state is answered ${response.status}`);
    return (await response.json()) as Told;
  }
  const reasons = async (node: ServerProcess) =>
    (await state(node)).reasons.map(({ text, about }) => `${about}: ${text}`);
  const home = async (node: ServerProcess) => {
    const response = await fetch(`${node.url}/`, {
      headers: { accept: "text/html" },
      keepalive: false,
    });
    return { status: response.status, text: await response.text() };
  };
  const idOf = (node: ServerProcess) =>
    lines(node)
      .findLast((line) => line.node !== undefined)!
      .node!.toString();
  const look = () => holdfast(["alarms", "look"], "", [0, 1]);
  /** By a word of what they say. */
  const alarms = (word: string) =>
    cluster
      .events()
      .filter(({ kind, message }) => kind.startsWith("alarm") && message.includes(word))
      .map(({ kind, message }) => `${kind} ${message}`);
  /** Until a look has told of it. */
  const untilAlarms = (word: string, count: number) =>
    waitFor(
      async () => {
        await look();
        return alarms(word).length >= count;
      },
      () => `"${word}" is not told: ${alarms(word)}`,
      LONG_MS,
    );
  async function publish(at: ServerProcess, version: string): Promise<number> {
    const { body } = npmPublication("@own/hull", version, "x".repeat(100));
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const url = `${at.url}/npm/@own%2fhull`;
    const response = await fetch(url, { method: "PUT", headers, body, keepalive: false });
    await response.arrayBuffer();
    return response.status;
  }

  let version = 1;
  const publishes = async (node: ServerProcess) => {
    version += 1;
    return (await publish(node, `2.${version}.0`)) === 201;
  };

  test(
    "each line of the log says which node wrote it, and state and doctor name them all",
    async () => {
      const ids: string[] = [];
      for (const node of cluster.nodes) {
        await fetch(`${node.url}/npm/bulk-0`).then((response) => response.arrayBuffer());
        const line = await until(node, "GET /npm/bulk-0 ");
        expect(line.node).toMatch(/^[0-9a-f]{8}$/);
        ids.push(line.node!);
      }
      expect(new Set(ids).size).toBe(3);
      let nodes = (await state(cluster.nodes[0]!)).nodes;
      // What one says of itself at its start is heard by the others within moments.
      await waitFor(
        async () => {
          ({ nodes } = await state(cluster.nodes[0]!));
          return nodes.length === 3 && nodes.every(({ url }) => url !== null);
        },
        () => `one says nothing of itself: ${JSON.stringify(nodes)}`,
        20_000,
      );
      expect(nodes.map(({ id, pid, url }) => `${id} ${pid} ${url}`).toSorted()).toEqual(
        cluster.nodes.map(({ pid, url }, at) => `${ids[at]} ${pid} ${url}`).toSorted(),
      );
      for (const { silentSeconds, differs } of nodes)
        expect([Number.isInteger(silentSeconds), differs]).toEqual([true, []]);
      const page = await fetch(`${cluster.nodes[0]!.url}/-/operator`, {
        headers: { authorization: `Bearer ${token}`, accept: "text/html" },
      });
      const shown = await page.text();
      for (const id of ids) expect(shown).toContain(`<span class="mono">${id}</span>`);
      const found = await holdfast(["doctor", "--json"], "", [0, 1]);
      for (const [at, { pid }] of cluster.nodes.entries())
        expect(found).toContain(`${ids[at]} (${hostname()}, process ${pid})`);
    },
    TEST_MS,
  );

  test(
    "claims that one has otherwise are told by each, as a reason, by doctor and as an alarm; and that they are alike again",
    async () => {
      const [first, second, third] = cluster.nodes;
      const before = readFileSync(third!.config, "utf8");
      writeFileSync(third!.config, before.replace("@own/*", "@other/*"));
      process.kill(third!.pid, "SIGHUP");
      const other = idOf(third!);
      for (const node of [first!, second!]) {
        const told = await until(node, `The server ${other} `);
        expect(told).toMatchObject({ level: "warn", other, keys: "repositories" });
        expect(told.msg).toEndWith("has another configuration than this one: repositories");
      }
      for (const node of [first!, second!])
        expect(await until(third!, `The server ${idOf(node)} `)).toMatchObject({
          keys: "repositories",
        });
      expect((await reasons(first!)).join()).toMatch(
        new RegExp(
          `nodes: Servers have other configurations than .*: ${other} .* in repositories$`,
        ),
      );
      const { nodes } = await state(first!);
      expect(nodes.filter(({ differs }) => differs.length > 0)).toMatchObject([
        { id: other, differs: ["repositories"] },
      ]);
      expect(await holdfast(["doctor"], "", [0, 1])).toMatch(
        new RegExp(`${other} .*another configuration`),
      );
      await untilAlarms("other configurations", 1);
      writeFileSync(third!.config, before);
      process.kill(third!.pid, "SIGHUP");
      for (const node of cluster.nodes)
        await until(node, "All servers have the same configuration");
      await untilAlarms("other configurations", 2);
      expect(alarms("other configurations").map((line) => line.split(":", 1)[0])).toEqual([
        "alarm Alarm",
        "alarm-over Over",
      ]);
      for (const node of [first!, second!])
        expect(lines(node, `The server ${other} `)).toHaveLength(1);
    },
    TEST_MS,
  );

  test(
    "a node that dies is told of once, and nobody who publishes waits for it",
    async () => {
      const [first, second, third] = cluster.nodes;
      const dead = idOf(third!);
      const told = () =>
        [first!, second!]
          .flatMap((node) => lines(node, `The server ${dead} (`))
          .filter(({ msg }) => msg.includes(" is dead"));
      process.kill(third!.pid, "SIGKILL");
      await waitFor(
        () => told().length > 0,
        () => "its death is not told",
        LONG_MS,
      );
      const deaf = (node: ServerProcess) =>
        lines(node).filter(({ msg }) => msg.includes("does not say that it hears"));
      expect([await publish(first!, "1.0.0"), await publish(second!, "1.1.0")]).toEqual([201, 201]);
      expect([...deaf(first!), ...deaf(second!)]).toEqual([]);
      expect(told()).toMatchObject([{ level: "warn", dead }]);
      await third!.restart();
      await until(third!, "Holdfast serves on", 2);
    },
    TEST_MS,
  );

  test(
    "a bucket that is away is a line each way, and neither home page nor state say that all is well",
    async () => {
      const [first] = cluster.nodes;
      expect((await home(first!)).text).toContain("Serving");
      await cluster.gateway.kill();
      try {
        for (const node of cluster.nodes) await until(node, "The bucket cannot be reached");
        const { text } = await home(first!);
        expect(text).toContain("The bucket cannot be reached: what has a copy here is served");
        expect(text).not.toContain("Serving");
        expect((await state(first!)).state).toBe("degraded");
        expect((await reasons(first!)).join()).toContain("storage: The bucket cannot be reached");
        await untilAlarms("The bucket", 1);
      } finally {
        await cluster.gateway.revive();
      }
      for (const node of cluster.nodes) await until(node, "The bucket answers again");
      for (const node of cluster.nodes)
        expect(lines(node, "The bucket ").map(({ level }) => level)).toEqual(["warn", "info"]);
      await untilAlarms("The bucket", 2);
      expect((await home(first!)).text).toContain("Serving");
      expect((await reasons(first!)).join()).not.toContain("storage");
    },
    TEST_MS,
  );

  test(
    "a database that is away is a line each way and told when it is back, and the home page says no other",
    async () => {
      const [first] = cluster.nodes;
      const before = alarms("The database").length;
      await cluster.database.kill();
      for (const node of cluster.nodes) await until(node, "The database cannot be reached");
      const shown = await home(first!);
      expect(shown.status).toBe(503);
      expect(shown.text).toContain("The database cannot be reached: what is in memory is served");
      expect(shown.text).not.toContain("Serving");
      await cluster.database.revive();
      for (const node of cluster.nodes) await until(node, "The database answers again");
      await waitFor(
        () => publishes(first!),
        () => "it does not go on",
        LONG_MS,
      );
      await untilAlarms("The database", before + 2);
      const [begun, over] = alarms("The database").slice(before);
      expect(begun).toStartWith("alarm Alarm: The database could not be reached from ");
      expect(over).toStartWith("alarm-over Over: The database could not be reached from ");
      for (const node of cluster.nodes)
        expect(lines(node, "The database ").map(({ level }) => level)).toEqual(["warn", "info"]);
    },
    TEST_MS,
  );
});
