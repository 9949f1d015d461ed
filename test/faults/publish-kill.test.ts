// `kill -9` while packages are published: what was acknowledged is there, whole, and nothing is there by half. In two repositories, one built on the other.
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { makeAccounts } from "../support/accounts.ts";
import { holdfastAt } from "../support/command.ts";
import { npmPublication } from "../support/npm-package.ts";
import { startProcess } from "../support/process.ts";

const ROUNDS = 6;
const AT_ONCE = 12;

const config = JSON.stringify({
  repositories: {
    npm: false,
    pypi: false,
    go: false,
    composer: false,
    debian: false,
    "debian-security": false,
    staging: { format: "npm", offline: true, upstreams: [] },
    release: { format: "npm", offline: true, upstreams: [] },
    all: { format: "npm", upstreams: [{ repository: "release" }, { repository: "staging" }] },
  },
});

/** Of a version: the digest of its tarball. */
type Acknowledged = Map<string, string>;

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test(`${ROUNDS} kills in the middle of publishing: nothing acknowledged is lost, and nothing is there by half`, async () => {
  const server = await startProcess({ config });
  const acknowledged: Acknowledged = new Map();
  const isSeveral = server.nodes.length > 1;
  let node = server.nodes[0]!;
  const holdfast = (...words: string[]) => holdfastAt(node, words);
  try {
    await server.pause();
    const [token] = await makeAccounts(server, [{ user: "ann", actions: ["publish"] }]);
    await server.restart();
    const publish = async (version: string) => {
      const { body, tarball } = npmPublication("shell", version, "x".repeat(40_000));
      try {
        const response = await fetch(`${server.url}/staging/shell`, {
          method: "PUT",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body,
        });
        const text = await response.text();
        if (response.status === 201) acknowledged.set(version, sha256(tarball));
        // nginx says so: what is published goes to one node, once.
        else if (isSeveral && response.status === 502) return;
        else expect([version, response.status, text]).toEqual([version, 201, ""]);
      } catch (error) {
        if (error instanceof Error && "matcherResult" in error) throw error;
        return; // the connection died with the server
      }
    };
    const check = async () => {
      const document = await fetch(`${server.url}/all/shell`);
      const { versions = {} } = (document.status === 200 ? await document.json() : {}) as {
        versions?: Record<string, unknown>;
      };
      for (const version of acknowledged.keys()) expect(Object.keys(versions)).toContain(version);
      for (const version of Object.keys(versions)) {
        const file = await fetch(`${server.url}/all/shell/-/shell-${version}.tgz`);
        const digest = sha256(new Uint8Array(await file.arrayBuffer()));
        const { tarball } = npmPublication("shell", version, "x".repeat(40_000));
        expect([version, file.status, digest]).toEqual([version, 200, sha256(tarball)]);
      }
    };

    for (let round = 0; round < ROUNDS; round += 1) {
      const running = Promise.all(
        Array.from({ length: AT_ONCE }, (_, at) => publish(`${round}.${at}.0`)),
      );
      await Bun.sleep(10 + round * 25); // where the kill falls differs from round to round; nothing is asserted of it
      node = await server.kill();
      await running;
      if (isSeveral) await check(); // by those that live
      await node.restart();
      expect(readdirSync(join(node.data, "incoming"))).toEqual([]);
      await check();
      expect(await holdfast("verify")).toContain("all true to their digests");
    }
    await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => publish(`9.${at}.0`)));
    expect([...acknowledged.keys()].filter((version) => version.startsWith("9."))).toHaveLength(
      AT_ONCE,
    );
    await check();

    // Once more in the other repository, through the running server; and what is taken away goes from where it was built on at once.
    await holdfast("promote", "shell@9.1.0", "staging", "release");
    const released = (await (await fetch(`${server.url}/all/shell`)).json()) as {
      versions: object;
    };
    expect(Object.keys(released.versions)).toEqual(["9.1.0"]);
    const deprecated = async () =>
      ((await (await fetch(`${server.url}/all/shell/9.1.0`)).json()) as { deprecated?: string })
        .deprecated;
    await holdfast("yank", "shell@9.1.0", "release", "--reason", "loses data");
    expect(await deprecated()).toBe("loses data");
    await holdfast("unyank", "shell@9.1.0", "release");
    expect(await deprecated()).toBeUndefined();
    await holdfast("unpublish", "release", "shell@9.1.0");
    expect((await fetch(`${server.url}/all/shell/-/shell-9.1.0.tgz`)).status).toBe(404);
    expect(await holdfast("trash", "list")).toContain("shell@9.1.0");
    await holdfast("trash", "restore", "release", "shell@9.1.0");
    expect((await fetch(`${server.url}/all/shell/-/shell-9.1.0.tgz`)).status).toBe(200);
    expect(server.output()).not.toContain("because of a bug");
  } finally {
    await server.stop();
  }
}, 120_000);
