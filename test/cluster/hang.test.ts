// A node that hangs: it is stopped without having ended, so that its machine still takes connections, and goes on some seconds later.
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { commandOf, withPrograms } from "../clients/clients.ts";
import { type BulkUpstream, startBulk } from "../faults/bulk-upstream.ts";
import { type Cluster, npmAlone, startCluster } from "../support/cluster.ts";
import { holdfastAt } from "../support/command.ts";
import { npmPublication } from "../support/npm-package.ts";
import { bugsOf, type ServerProcess } from "../support/process.ts";
import { waitFor } from "../support/wait.ts";

withPrograms(["versitygw", "postgres", "nginx"], () => {
  let upstream: BulkUpstream;
  let cluster: Cluster;
  let token: string;
  beforeAll(async () => {
    upstream = startBulk([900, 20_000]);
    const config = npmAlone({ upstreams: [{ url: upstream.url }], claims: ["@own/*"] });
    cluster = await startCluster({ config, gateway: commandOf("versitygw")[0]!, nodes: 3 });
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

  test("a node that goes on believes no token that was revoked while it hung", async () => {
    const [first, second] = cluster.nodes;
    const who = (node: ServerProcess, token: string) =>
      fetch(`${node.url}/npm/-/whoami`, {
        headers: { authorization: `Bearer ${token}` },
        keepalive: false,
      }).then(({ status }) => status);
    // As long as others wait for it, and so long that they take it for dead.
    for (const seconds of [0, 5]) {
      const token = (await holdfast(["token", "create", "ann", "--name", `of ${seconds}`])).trim();
      for (const node of cluster.nodes) expect(await who(node, token)).toBe(200);
      hang(first!);
      await holdfast(["token", "revoke", token], "", second!);
      await Bun.sleep(seconds * 1000);
      // They wait in the kernel, and are the first that it sees.
      const asked = Array.from({ length: 20 }, () => who(first!, token));
      await Bun.sleep(200);
      goOn(first!);
      expect(new Set(await Promise.all(asked))).toEqual(new Set([401]));
    }
  }, 60_000);

  async function publish(at: { url: string }, version: string, signal?: AbortSignal) {
    const { body } = npmPublication("@own/hull", version, "x".repeat(40_000));
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const init = { method: "PUT", headers, body, keepalive: false, ...(signal && { signal }) };
    return (await fetch(`${at.url}/npm/@own%2fhull`, init)).status;
  }
  async function versions(at: { url: string }): Promise<string[]> {
    const document = await fetch(`${at.url}/npm/@own%2fhull`, { keepalive: false });
    return Object.keys(((await document.json()) as { versions?: object }).versions ?? {});
  }

  test("what a client sent to a node that hung, and gave up on, is not done when the node goes on", async () => {
    const [first] = cluster.nodes;
    expect(await publish(first!, "1.0.0")).toBe(201);
    hang(first!);
    const given = publish(first!, "1.1.0", AbortSignal.timeout(500)).catch(() => "given up");
    expect(await given).toBe("given up");
    await Bun.sleep(4_000);
    goOn(first!);
    await waitFor(
      async () => (await publish(first!, "1.2.0")) < 400,
      () => "it does not publish",
      20_000,
    );
    expect(await versions(first!)).toEqual(["1.0.0", "1.2.0"]);
  }, 60_000);
});
