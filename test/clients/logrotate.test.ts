// The log of a server in a file, turned by logrotate with the project's own settings while the server runs.
import { afterAll, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../support/process.ts";
import { run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";
import { withPrograms } from "./clients.ts";

const root = new URL("../../", import.meta.url).pathname;
const home = tempFolder("logrotate");
afterAll(() => removeTemp(home));

withPrograms(["logrotate"], () => {
  test("no line is lost or mixed up when the log is turned", async () => {
    const logs = join(home, "log");
    const file = join(logs, "holdfast.log");
    mkdirSync(logs, { mode: 0o755 });
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const command = [process.execPath, join(root, "src/main.ts"), "serve", "--offline"];
    const where = ["--listen", `127.0.0.1:${port}`, "--data", join(home, "data")];
    const child: ChildProcess = spawn(
      "sh",
      ["-c", `exec "$@" >> ${file} 2>&1`, "sh", ...command, ...where],
      { cwd: home, stdio: "ignore" },
    );
    const gone = new Promise((resolve) => child.once("exit", resolve));
    const lines = (name: string) =>
      readFileSync(join(logs, name), "utf8").split("\n").filter(Boolean);
    const ask = async (name: string) => {
      await fetch(`${url}/npm/${name}`);
      await waitFor(
        () => lines("holdfast.log").some((line) => line.includes(`/npm/${name} `)),
        () => name,
      );
    };
    try {
      const isUp = () =>
        fetch(`${url}/-/health/live`).then(
          ({ ok }) => ok,
          () => false,
        );
      await waitFor(isUp, () => readFileSync(file, "utf8"), 30_000);
      await ask("before");
      const settings = join(home, "logrotate.conf");
      const own = readFileSync(join(root, "deploy/logrotate"), "utf8");
      writeFileSync(settings, own.replace("/var/log/holdfast", logs), { mode: 0o644 });
      const turned = await run(["logrotate", "--force", "--state", join(home, "state"), settings], {
        cwd: home,
      });
      expect([turned.code, turned.output]).toEqual([0, ""]);
      await ask("after");
      expect(lines("holdfast.log.1").join("\n")).toContain("/npm/before ");
      const now = lines("holdfast.log");
      expect(now.join("\n")).not.toContain("/npm/before ");
      for (const line of now) expect(JSON.parse(line)).toHaveProperty("msg");
    } finally {
      child.kill("SIGTERM");
      await gone;
    }
  }, 90_000);
});
