// Who leaves Athens, by the very lines of docs/moving.md: modules of its storage are what they were, for the real go command.
import { expect, test } from "bun:test";
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { configText } from "../support/config.ts";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { startProcess } from "../support/process.ts";
import { run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { eachClient } from "./clients.ts";
import { codeHost, directGo, goCommand, HOST, mod } from "./go-code.ts";

const main = new URL("../../src/main.ts", import.meta.url).pathname;

/** The script in the section about it, for the code host of this test. */
function lines(): string {
  const text = readFileSync(new URL("../../docs/moving.md", import.meta.url), "utf8");
  const section = text.slice(text.indexOf("## From Athens"));
  return /```sh\n([\s\S]+?)```/.exec(section)![1]!.replace("git.example.com", "git.example.test");
}

eachClient(["go"], ({ driver }) => {
  test("modules of Athens' storage are taken over", async () => {
    const folder = tempFolder("go-moving");
    const upstream = await startUpstream();
    const host = codeHost(join(folder, "host"));
    const code = host.make("lib");
    code.commit({ "go.mod": mod("lib.git"), "a.go": "package lib\n" });
    code.tag("v1.0.0");
    code.commit({ "b.go": "package lib\n" });
    code.tag("v1.1.0-rc.1");
    code.commit({ "c.go": "package lib\n" });
    const direct = directGo(driver.command, join(folder, "direct"), host.folder);
    const module = `${HOST}/lib.git`;
    const storage = join(folder, "athens");
    const cache = join(folder, "direct/go/pkg/mod/cache/download", module, "@v");
    const wanted = [];
    for (const query of ["v1.0.0", "v1.1.0-rc.1", "main"]) {
      const found = await direct.download(`${module}@${query}`);
      if (query !== "main") wanted.push(found);
      // As Athens keeps what it fetched: storage/fs/saver.go
      const place = join(storage, module, found.Version!);
      mkdirSync(place, { recursive: true });
      cpSync(join(cache, `${found.Version}.zip`), join(place, "source.zip"));
      cpSync(join(cache, `${found.Version}.mod`), join(place, "go.mod"));
      cpSync(join(cache, `${found.Version}.info`), join(place, `${found.Version}.info`));
    }
    const server = await startProcess({
      config: configText(upstream, { claims: { go: ["git.example.test"] } }),
    });
    try {
      const program = join(folder, "bin", "holdfast");
      mkdirSync(join(folder, "bin"));
      const flags = `--config ${server.config} --data ${server.data}`;
      writeFileSync(program, `#!/bin/sh\nexec ${process.execPath} ${main} "$@" ${flags}\n`);
      chmodSync(program, 0o755);
      const env = { PATH: `${join(folder, "bin")}:${process.env["PATH"]}`, HOME: folder };
      const move = () => run(["sh", "-ec", lines()], { cwd: storage, env });
      const first = await move();
      expect([first.code, first.output]).toEqual([0, expect.stringContaining("v1.0.0")]);
      expect(first.output).not.toContain("stands for a commit");
      expect((await move()).output).toContain("already, with the same bytes");
      const ours = goCommand(driver.command, join(folder, "ours"), { GOPROXY: `${server.url}/go` });
      for (const one of wanted) {
        const { Sum, GoModSum } = await ours.download(`${module}@${one.Version}`);
        expect([Sum, GoModSum]).toEqual([one.Sum, one.GoModSum]);
      }
      const listed = await ours.must("list", "-m", "-versions", module);
      expect(listed).toBe(`${module} v1.0.0 v1.1.0-rc.1`);
    } finally {
      await server.stop();
      await upstream.stop();
      removeTemp(folder);
    }
  }, 120_000);
});
