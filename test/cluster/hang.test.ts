// A node that hangs: it is stopped without having ended, so that its machine still takes connections, and goes on some seconds later. What it then believes and
// does, and what clients notice, behind nginx and behind HAProxy.
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { commandOf, withPrograms } from "../clients/clients.ts";
import { driverOf } from "../clients/driver.ts";
import { Project } from "../clients/job.ts";
import { withSumdb } from "../clients/scene.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { holdfastAt } from "../support/command.ts";
import { configText } from "../support/config.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { npmPublication } from "../support/npm-package.ts";
import { bugsOf, type ServerProcess } from "../support/process.ts";
import { METRICS_PATHS, OTHER_PATHS } from "../support/proxies.ts";
import { sendRaw } from "../support/raw.ts";
import { waitFor } from "../support/wait.ts";

/** Until HAProxy has seen twice that a node is well, and nginx has forgotten that it was not. */
const SEEN_AGAIN_MS = 3_000;

const wants = {
  npm: ["harbor-kit@^1.0.0", "tide@^1.0.0"],
  uv: ["oyster", "inlet>=2"],
  go: ["example.test/hull"],
};

withPrograms(["versitygw", "postgres", "nginx", "haproxy", ...Object.keys(wants)], () => {
  let upstream: FakeUpstream;
  let cluster: Cluster;
  let token: string;
  beforeAll(async () => {
    upstream = await startUpstream();
    cluster = await startCluster({
      config: configText(upstream, { access: { anonymous: "read" }, claims: { npm: ["@own/*"] } }),
      gateway: commandOf("versitygw")[0]!,
      hasHaproxy: true,
      silence: "4s",
    });
    await holdfast(["user", "add", "ann", "--password-stdin"], "correct horse battery\n");
    await holdfast(["grant", "add", "user:ann", "publish", "--repository", "npm"]);
    token = (await holdfast(["token", "create", "ann", "--name", "ci"])).trim();
  }, 120_000);
  afterAll(async () => {
    for (const node of cluster?.nodes ?? []) goOn(node); // where a test failed
    await cluster?.stop();
    await upstream?.stop();
  }, 60_000);
  afterEach(() => {
    for (const node of cluster.nodes) expect(bugsOf(node)).toEqual([]);
  });

  const holdfast = (words: string[], input = "", node = cluster.nodes[0]!) =>
    holdfastAt(node, words, { input });
  const hang = (node: ServerProcess) => process.kill(node.pid, "SIGSTOP");
  const goOn = (node: ServerProcess) => process.kill(node.pid, "SIGCONT");
  const get = async (at: { url: string }, path: string) => {
    const response = await fetch(`${at.url}${path}`, { keepalive: false });
    await response.arrayBuffer();
    return response.status;
  };
  const put = async (at: { url: string }, path: string, body: string, signal?: AbortSignal) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const init = { method: "PUT", headers, body, keepalive: false, ...(signal && { signal }) };
    const response = await fetch(`${at.url}${path}`, init);
    await response.arrayBuffer();
    return response.status;
  };
  const publish = (
    at: { url: string },
    name: string,
    version: string,
    size: number,
    signal?: AbortSignal,
  ) =>
    put(
      at,
      `/npm/@own%2f${name}`,
      npmPublication(`@own/${name}`, version, "x".repeat(size)).body,
      signal,
    );
  async function versions(at: { url: string }, name: string): Promise<string[]> {
    const document = await fetch(`${at.url}/npm/@own%2f${name}`, { keepalive: false });
    return Object.keys(((await document.json()) as { versions?: object }).versions ?? {});
  }
  const isWell = (node: ServerProcess) =>
    waitFor(
      async () => (await publish(node, "probe", "1.0.0", 10)) < 400,
      () => "it does not publish",
      20_000,
    );

  test("while the database is away HAProxy finds the node that has what is asked for", async () => {
    const paths = ["/npm/tide/-/tide-1.0.0.tgz", "/npm/harbor-kit", "/npm/kelp/-/kelp-1.0.0.tgz"];
    for (const [at, path] of paths.entries())
      expect([path, await get(cluster.nodes[at]!, path)]).toEqual([path, 200]);
    const behind = { url: cluster.haproxy! };
    try {
      await cluster.database.kill();
      for (const path of [...paths, ...paths])
        expect([path, await get(behind, path)]).toEqual([path, 200]);
      expect(await get(behind, "/npm/oyster-of-nobody")).toBe(503);
    } finally {
      await cluster.database.revive();
    }
    for (const node of cluster.nodes) await isWell(node);
  });

  test("a node that goes on believes no token that was revoked while it hung", async () => {
    const [first, second] = cluster.nodes;
    const who = (node: ServerProcess, secret: string) =>
      fetch(`${node.url}/npm/-/whoami`, {
        headers: { authorization: `Bearer ${secret}` },
        keepalive: false,
      }).then(({ status }) => status);
    // As long as others wait for it, and so long that they take it for dead.
    for (const seconds of [0, 4]) {
      const secret = (await holdfast(["token", "create", "ann", "--name", `of ${seconds}`])).trim();
      for (const node of cluster.nodes) expect(await who(node, secret)).toBe(200);
      hang(first!);
      await holdfast(["token", "revoke", secret], "", second!);
      await Bun.sleep(seconds * 1000);
      // They wait in the kernel, and are the first that it sees.
      const asked = Array.from({ length: 20 }, () => who(first!, secret));
      await Bun.sleep(200);
      goOn(first!);
      expect(new Set(await Promise.all(asked))).toEqual(new Set([401]));
    }
  }, 60_000);

  test("what a client sent to a node that hung, and gave up on, is not done when the node goes on", async () => {
    const [first] = cluster.nodes;
    await isWell(first!); // it refuses what may have waited also for a moment after it went on
    expect(await publish(first!, "hull", "1.0.0", 40_000)).toBe(201);
    hang(first!);
    const given = publish(first!, "hull", "1.1.0", 40_000, AbortSignal.timeout(500));
    expect(await given.catch(() => "given up")).toBe("given up");
    await Bun.sleep(4_000);
    goOn(first!);
    await isWell(first!);
    expect(await versions(first!, "hull")).toEqual(["1.0.0"]);
  }, 60_000);

  /** Status of each answer to a PUT of the path, as the nodes logged it. */
  const logged = (path: string) =>
    cluster.nodes.flatMap((node) =>
      [...node.output().matchAll(/PUT (\S+) (\d+) /g)].flatMap(([, of, status]) =>
        of === path ? [Number(status)] : [],
      ),
    );
  const several = <T>(count: number, work: (nth: number) => Promise<T>) =>
    Promise.all(Array.from({ length: count }, (_, nth) => work(nth)));

  for (const proxy of ["nginx", "haproxy"] as const)
    test(`behind ${proxy} who reads is answered while a node hangs; what changes something goes to one node, and what failed is not done later`, async () => {
      const front = { url: proxy === "nginx" ? cluster.url : cluster.haproxy! };
      const [first] = cluster.nodes;
      const tags = `/npm/-/package/@own%2f${proxy}/dist-tags`;
      await Bun.sleep(SEEN_AGAIN_MS);
      expect(await publish(front, proxy, "1.0.0", 40_000)).toBe(201);
      for (const node of cluster.nodes) expect(await get(node, "/npm/kelp")).toBe(200);
      hang(first!);
      const changed: [path: string, status: number][] = [];
      try {
        const read = several(9, () => get(front, "/npm/kelp"));
        const published = several(3, async (nth) => {
          const status = await publish(front, `${proxy}-${nth}`, "1.0.0", 40_000);
          changed.push([`/npm/@own%2f${proxy}-${nth}`, status]);
        });
        // So short that it fits beside the headers.
        const tagged = several(6, async (nth) =>
          changed.push([`${tags}/t${nth}`, await put(front, `${tags}/t${nth}`, '"1.0.0"')]),
        );
        expect(new Set(await read)).toEqual(new Set([200]));
        await Promise.all([published, tagged]);
      } finally {
        goOn(first!);
      }
      await isWell(first!);
      expect(changed.some(([, status]) => status >= 500)).toBe(true);
      for (const [path, status] of changed) {
        const done = status < 400 ? [201] : [503];
        expect([path, status, logged(path)]).toEqual([path, status, done]);
      }
    }, 60_000);

  test("HAProxy lets nobody have figures, and passes on nothing that a client says of itself", async () => {
    const front = { url: cluster.haproxy! };
    const asked = async (path: string) =>
      (await sendRaw(front.url, [`GET ${path} HTTP/1.1`, "host: localhost"])).status;
    for (const path of METRICS_PATHS) expect([path, await asked(path)]).toEqual([path, 403]);
    for (const path of OTHER_PATHS)
      expect([path, (await asked(path)) === 403]).toEqual([path, false]);
    const said = { "x-forwarded-for": "203.0.113.9", "x-forwarded-host": "evil.example.com" };
    const headers = { ...said, "x-forwarded-proto": "https" };
    const text = await (await fetch(`${front.url}/npm/kelp?said`, { headers })).text();
    expect([text.includes(`${front.url}/npm/kelp/-/`), text.includes("evil")]).toEqual([
      true,
      false,
    ]);
    const lines = cluster.nodes.map((node) => node.output()).join("");
    expect([lines.includes("203.0.113.9"), lines.includes('"address":"127.0.0.1"')]).toEqual([
      false,
      true,
    ]);
  }, 60_000);

  async function faults(): Promise<void> {
    const [killed, hung, ended] = cluster.nodes;
    process.kill(killed!.pid, "SIGKILL");
    await killed!.restart();
    await Bun.sleep(SEEN_AGAIN_MS);
    hang(hung!);
    await Bun.sleep(5_000);
    goOn(hung!);
    await Bun.sleep(SEEN_AGAIN_MS);
    await ended!.restart();
  }

  test("behind HAProxy clients install while a node is killed, another one hangs, and the third is ended as an operator does; nothing is published twice", async () => {
    const front = { url: cluster.haproxy! };
    const projects = Object.entries(wants).map(([name, list]) => {
      const driver = withSumdb(driverOf(name, commandOf(name)), upstream);
      return new Project(driver, `${front.url}/${driver.repository}`, list);
    });
    let isDone = false;
    async function installs(project: Project): Promise<void> {
      await project.install();
      const tree = project.tree();
      while (!isDone) {
        project.forget();
        await project.installFrozen();
        expect(project.tree()).toEqual(tree);
      }
    }
    const statuses = new Map<string, number>();
    async function publishes(): Promise<void> {
      for (let nth = 0; !isDone; nth += 1) {
        statuses.set(`keel-${nth}`, await publish(front, `keel-${nth}`, "1.0.0", 40_000));
        await Bun.sleep(50);
      }
    }
    const working = [...projects.map(installs), publishes()];
    try {
      await Promise.race([faults(), Promise.all(working)]);
      isDone = true;
      await Promise.all(working);
    } finally {
      isDone = true;
      for (const project of projects) project.remove();
    }
    expect([...statuses.values()]).toContain(201);
    for (const [name, status] of statuses) {
      const seen = logged(`/npm/@own%2f${name}`);
      expect([name, seen.length > 1]).toEqual([name, false]);
      if (status !== 201) continue; // it was cut, and is done or not
      expect([name, seen, await versions(front, name)]).toEqual([name, [201], ["1.0.0"]]);
    }
  }, 120_000);
});
