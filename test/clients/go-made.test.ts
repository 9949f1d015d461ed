// Go modules that are made from Git, as the real go command makes them.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { configText } from "../support/config.ts";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { startProcess } from "../support/process.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { eachClient } from "./clients.ts";
import { awkward, codeHost, type Downloaded, directGo, goCommand } from "./go-code.ts";

eachClient(["go"], ({ driver }) => {
  test("what is made of code is what the go command makes of it", async () => {
    const folder = tempFolder("go-code");
    const upstream = await startUpstream();
    const host = codeHost(join(folder, "host"));
    const cases = awkward(host.make);
    const config = configText(upstream, { sources: { go: [host.source] } });
    const server = await startProcess({ config });
    try {
      const direct = directGo(driver.command, join(folder, "direct"), host.folder);
      const ours = goCommand(driver.command, join(folder, "ours"), { GOPROXY: `${server.url}/go` });
      const differ: [string, Downloaded, Downloaded][] = [];
      let made = 0;
      for (const [module, version] of cases) {
        const what = `${module}@${version}`;
        const [wanted, found] = [await direct.download(what), await ours.download(what)];
        const isSame =
          wanted.Error !== undefined ? found.Error !== undefined : Bun.deepEquals(wanted, found);
        if (!isSame) differ.push([what, wanted, found]);
        if (found.Sum !== undefined) made += 1;
      }
      expect(differ).toEqual([]);
      expect(made).toBeGreaterThan(40);
      for (const module of new Set(cases.map(([name]) => name))) {
        const [wanted, found] = await Promise.all(
          [direct, ours].map((go) => go.command("list", "-m", "-versions", module)),
        );
        // Of a folder that is no module the go command lists nothing, and a proxy says that it is none.
        if (wanted!.stdout.includes(" ")) expect(found!.stdout).toBe(wanted!.stdout);
      }
    } finally {
      await server.stop();
      await upstream.stop();
      removeTemp(folder);
    }
  }, 300_000);
});
