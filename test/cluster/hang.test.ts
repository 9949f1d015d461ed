// A node that hangs: it is stopped without having ended, so that its machine still takes connections, and goes on some seconds later.
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { commandOf, withPrograms } from "../clients/clients.ts";
import { type BulkUpstream, startBulk } from "../faults/bulk-upstream.ts";
import { type Cluster, npmAlone, startCluster } from "../support/cluster.ts";
import { holdfastAt } from "../support/command.ts";
import { bugsOf, type ServerProcess } from "../support/process.ts";

withPrograms(["versitygw", "postgres", "nginx"], () => {
  let upstream: BulkUpstream;
  let cluster: Cluster;
  beforeAll(async () => {
    upstream = startBulk([900, 20_000]);
    const config = npmAlone({ upstreams: [{ url: upstream.url }], claims: ["@own/*"] });
    cluster = await startCluster({ config, gateway: commandOf("versitygw")[0]!, nodes: 3 });
    await holdfast(["user", "add", "ann", "--password-stdin"], "correct horse battery\n");
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
});
