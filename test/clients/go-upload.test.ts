// Go modules that are published as a zip, without any code host, by command and through the API; installed by the real go command.
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { configText } from "../support/config.ts";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { startProcess } from "../support/process.ts";
import { run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { eachClient } from "./clients.ts";
import { codeHost, directGo, goCommand, HOST, mod } from "./go-code.ts";

const main = new URL("../../src/main.ts", import.meta.url).pathname;

eachClient(["go"], ({ driver }) => {
  test("a zip is published once, and is what the go command finds", async () => {
    const folder = tempFolder("go-upload");
    const upstream = await startUpstream();
    const host = codeHost(join(folder, "host"));
    const code = host.make("lib");
    code.commit({ "go.mod": mod("lib.git"), "a.go": "package lib\n" });
    code.tag("v1.0.0");
    const direct = directGo(driver.command, join(folder, "direct"), host.folder);
    const module = `${HOST}/lib.git`;
    const wanted = await direct.download(`${module}@v1.0.0`);
    const cached = join(folder, "direct/go/pkg/mod/cache/download", module, "@v/v1.0.0.zip");
    const server = await startProcess({
      config: configText(upstream, { claims: { go: ["git.example.test"] } }),
    });
    const holdfast = (...words: string[]) =>
      run([process.execPath, main, ...words, "--config", server.config, "--data", server.data], {
        cwd: folder,
      });
    try {
      const zip = join(folder, "lib.zip");
      writeFileSync(zip, readFileSync(cached));
      const done = await holdfast("publish", "go", `${module}@v1.0.0`, zip);
      expect([done.code, done.output]).toEqual([0, expect.stringContaining("is published in go")]);
      const again = await holdfast(
        "publish",
        "go",
        `${module}@v1.0.0`,
        "lib.zip",
        "--repository",
        "go",
      );
      expect(again.output).toContain("already, with the same bytes");
      const ours = goCommand(driver.command, join(folder, "ours"), { GOPROXY: `${server.url}/go` });
      const found = await ours.download(`${module}@v1.0.0`);
      expect([found.Sum, found.GoModSum]).toEqual([wanted.Sum, wanted.GoModSum]);
      expect(await ours.must("list", "-m", "-versions", module)).toBe(`${module} v1.0.0`);
      await ours.must("get", `${module}@latest`);

      await holdfast("user", "add", "ann", "--no-password");
      await holdfast("grant", "add", "user:ann", "publish");
      const { stdout } = await holdfast("token", "create", "ann", "--name", "ci");
      const at = `${server.url}/-/api/v1/repositories/go/packages/${encodeURIComponent(module)}/releases`;
      const put = (version: string, bytes: Uint8Array) =>
        fetch(`${at}/${version}/files/lib.zip`, {
          method: "PUT",
          body: Buffer.from(bytes),
          headers: { authorization: `Bearer ${stdout.trim()}` },
        });
      const same = await put("v1.0.0", readFileSync(cached));
      expect(await same.json()).toEqual({
        published: [{ package: module, version: "v1.0.0", file: "v1.0.0.zip", isNew: false }],
      });
      code.commit({ "b.go": "package lib\n" });
      code.tag("v1.1.0");
      await direct.download(`${module}@v1.1.0`);
      const next = readFileSync(cached.replace("v1.0.0", "v1.1.0"));
      const refusals: [string, Uint8Array, number, RegExp][] = [
        ["v1.0.0", next, 400, /not below git\.example\.test\/team\/lib\.git@v1\.0\.0\//],
        ["v2.0.0", next, 400, /from v2 on the path ends in \/v2/],
        ["v1.1.0", Buffer.from("no zip"), 400, /zip archive/],
        ["v1.1.0", next.subarray(0, next.length - 30), 400, /zip archive/],
        ["v1.1.1-0.20240102030405-0123456789ab", next, 400, /stands for a commit/],
      ];
      for (const [version, bytes, status, detail] of refusals) {
        const said = await put(version, bytes);
        expect([version, said.status, (await said.json()).detail]).toEqual([
          version,
          status,
          expect.stringMatching(detail),
        ]);
      }
      expect((await put("v1.1.0", next)).status).toBe(200);
      expect(await ours.must("list", "-m", "-versions", module)).toBe(`${module} v1.0.0 v1.1.0`);
      expect(upstream.paths().join("\n")).not.toContain("git.example.test");
    } finally {
      await server.stop();
      await upstream.stop();
      removeTemp(folder);
    }
  }, 120_000);
});
