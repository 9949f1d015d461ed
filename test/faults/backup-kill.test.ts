// A server is backed up under load, killed, and restored elsewhere: clients get the same bytes, of npm, Python, Go, Composer and apt, and
// all that was acknowledged before the backup began.
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { makeAccounts } from "../support/accounts.ts";
import { configText } from "../support/config.ts";
import { ask, askAll, EVERY_FORMAT } from "../support/every-format.ts";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { npmPublication } from "../support/npm-package.ts";
import { type ServerProcess, startOne, startProcess } from "../support/process.ts";
import { run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";
import { startBulk } from "./bulk-upstream.ts";

const root = new URL("../../", import.meta.url).pathname;

test("a backup that is made under load restores what clients had", async () => {
  const upstream = await startUpstream();
  const bulk = startBulk(Array.from({ length: 300 }, (_, at) => 2_000 + (at % 7) * 40_000));
  const config = JSON.parse(configText(upstream));
  config.repositories.bulk = { format: "npm", upstreams: [{ url: bulk.url }] };
  config.repositories.own = { format: "npm", upstreams: [] };
  const text = JSON.stringify(config);
  const home = tempFolder("backup-kill");
  const folder = join(home, "backup");
  const data = join(home, "restored");
  const server = await startProcess({ config: text });
  const holdfast = (...words: string[]) =>
    run([process.execPath, join(root, "src/main.ts"), ...words], { cwd: home });
  let restored: ServerProcess | null = null;
  try {
    await server.pause();
    const [token] = await makeAccounts(server, [{ user: "ann", actions: ["publish"] }]);
    await server.restart();
    const before = await askAll(server.url, EVERY_FORMAT);

    let isLoaded = true;
    const acknowledged = new Map<string, string>();
    const fetched: string[] = [];
    const publish = async () => {
      for (let nth = 0; isLoaded; nth += 1) {
        const { body, tarball } = npmPublication("shell", `1.0.${nth}`, "x".repeat(20_000));
        const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
        const url = `${server.url}/own/shell`;
        const response = await fetch(url, { method: "PUT", headers, body }).catch(() => null);
        if (response?.ok)
          acknowledged.set(
            `/own/shell/-/shell-1.0.${nth}.tgz`,
            createHash("sha256").update(tarball).digest("hex"),
          );
      }
    };
    const download = async () => {
      for (const name of bulk.names) {
        if (!isLoaded) return;
        const path = `/bulk/${name}/-/${name}-1.0.0.tgz`;
        const response = await fetch(server.url + path).catch(() => null);
        if (response?.ok && (await response.arrayBuffer().catch(() => null))) fetched.push(name);
      }
    };
    const load = [publish(), download()];
    await waitFor(
      () => acknowledged.size > 5 && fetched.length > 5,
      () => server.output(),
    );
    const options = ["--config", server.config, "--data", server.data];
    const first = await holdfast("backup", folder, ...options);
    expect(first.output).toContain("is backed up to");
    expect(first.code).toBe(0);
    const owed = new Map(acknowledged);
    const had = [...fetched];
    const second = await holdfast("backup", folder, ...options);
    expect(second.code).toBe(0);
    for (const _ of server.nodes) await server.kill();
    isLoaded = false;
    await Promise.all(load);

    expect(await holdfast("backup", "verify", folder)).toMatchObject({ code: 0 });
    expect(await holdfast("restore", folder, "--data", data)).toMatchObject({ code: 0 });
    const again = await holdfast("restore", folder, "--data", data);
    expect([again.code, again.output]).toEqual([1, expect.stringContaining("is not empty")]);
    expect(await holdfast("verify", "--data", data)).toMatchObject({ code: 0 });
    expect(existsSync(join(data, "restore.json"))).toBe(false);
    // Its log is that of the catalog: nothing is lost between them, and receipts of before hold.
    const audited = await holdfast("ledger", "audit", "--data", data);
    expect([audited.code, audited.output]).toEqual([0, expect.stringContaining("say the same")]);
    const keys = [options, ["--data", data]].map((of) => holdfast("ledger", "key", ...of));
    const [own, copied] = await Promise.all(keys);
    expect(copied!.stdout).toBe(own!.stdout);

    restored = await startOne({ config: text, data, flags: ["--offline"] });
    expect(await askAll(restored.url, EVERY_FORMAT)).toEqual(before);
    expect(owed.size).toBeGreaterThan(5);
    const headers = { authorization: `Bearer ${token}` }; // accounts are in it
    for (const [path, digest] of owed) {
      const response = await fetch(restored.url + path, { headers });
      const bytes = Buffer.from(await response.arrayBuffer());
      const found = createHash("sha256").update(bytes).digest("hex");
      expect([path, response.status, found]).toEqual([path, 200, digest]);
    }
    for (const name of had) {
      const [, status, found] = await ask(restored.url, `/bulk/${name}/-/${name}-1.0.0.tgz`);
      expect([name, status, found]).toEqual([name, 200, bulk.digests.get(name)!]);
    }
  } finally {
    await restored?.stop();
    await server.stop();
    await bulk.stop();
    await upstream.stop();
    removeTemp(home);
  }
}, 180_000);
