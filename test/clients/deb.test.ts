// The Debian package, as somebody gets it who has an apt repository in Holdfast: installed, upgraded, removed and purged by a Debian of its own.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { buildExecutable } from "../../scripts/build.ts";
import { buildDeb } from "../../scripts/deb.ts";
import { manuals } from "../../scripts/man.ts";
import { freePort, type ServerProcess, startProcess } from "../support/process.ts";
import { run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";
import { configOf } from "./apt-scene.ts";
import { commandOf, withPrograms } from "./clients.ts";
import { unpackedStatus } from "./houses.ts";

const home = tempFolder("deb");
afterAll(() => removeTemp(home), 120_000);
const root = new URL("../../", import.meta.url).pathname;

/** Without a network no package would be fetched; with the machine's own processes in /proc, as programs want it. */
function within(house: string, command: readonly string[]): string[] {
  const enter =
    'mount --bind /proc "$0/proc" && exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"';
  return ["unshare", "--mount", "sh", "-c", enter, house, ...command];
}

withPrograms(["apt-debian-12", "dpkg-dev"], () => {
  const house = join(home, "debian");
  const program = join(home, "holdfast");
  let server: ServerProcess;

  beforeAll(async () => {
    const [, original = ""] = commandOf("apt-debian-12");
    await must(["cp", "-a", original, house]);
    await must(["cp", join(house, unpackedStatus), join(house, "var/lib/dpkg/status")]);
    await buildExecutable("linux-x64", program, null);
    const config = configOf({ private: { format: "apt", hosted: { suites: ["stable"] } } });
    server = await startProcess({ config });
    await publish("1.0.0");
    const key = await (await fetch(`${server.url}/private/-/key.asc`)).text();
    for (const folder of ["etc/apt/keyrings", "etc/apt/preferences.d", "etc/apt/apt.conf.d"])
      mkdirSync(join(house, folder), { recursive: true });
    writeFileSync(join(house, "etc/apt/keyrings/holdfast.asc"), key);
    writeFileSync(
      join(house, "etc/apt/sources.list"),
      `deb [signed-by=/etc/apt/keyrings/holdfast.asc] ${server.url}/private stable main\n`,
    );
    writeFileSync(join(house, "etc/apt/apt.conf"), 'APT::Sandbox::User "root";\n');
  }, 240_000);
  afterAll(() => server?.stop(), 60_000);

  async function must(command: string[]): Promise<string> {
    const { code, output } = await run(command, { cwd: home, timeout: 240_000 });
    expect([command.at(-1), code, output]).toEqual([command.at(-1), 0, output]);
    return output;
  }

  async function publish(version: string): Promise<void> {
    const file = join(home, `holdfast_${version}_amd64.deb`);
    buildDeb({ target: "linux-x64", program, file, version, compression: ["-Znone"] });
    const main = [process.execPath, join(root, "src/main.ts"), "publish", "apt"];
    await must([
      ...main,
      "--repository",
      "private",
      "--config",
      server.config,
      "--data",
      server.data,
      file,
    ]);
  }

  const inside = (...command: string[]) => must(within(house, command));
  const apt = (...words: string[]) =>
    inside("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-q", ...words);
  const at = (path: string) => join(house, path);

  /** As the unit starts it. */
  async function serving(act: (url: string) => Promise<void>): Promise<void> {
    const port = await freePort();
    const options = ["--config", "/etc/holdfast/holdfast.yaml", "--listen", `127.0.0.1:${port}`];
    const asUser = [
      "chroot",
      "--userspec=holdfast:holdfast",
      "/",
      "/usr/bin/holdfast",
      "serve",
      ...options,
    ];
    const [first = "", ...rest] = within(house, asUser);
    const child: ChildProcess = spawn(first, rest, {
      cwd: home,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk) => {
        output += chunk;
      });
    const gone = new Promise<number | null>((resolve) => child.once("exit", resolve));
    const url = `http://127.0.0.1:${port}`;
    const isReady = () =>
      fetch(`${url}/-/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    try {
      await waitFor(
        () => child.exitCode !== null || isReady(),
        () => output,
        30_000,
      );
      expect([child.exitCode, output]).toEqual([null, output]);
      await act(url);
    } finally {
      child.kill("SIGTERM");
      expect([await gone, output]).toEqual([0, output]);
    }
  }

  test("apt installs it from the repository, with its user, its folders and its configuration", async () => {
    await apt("update");
    await apt("install", "holdfast");
    expect(await inside("holdfast", "--version")).toContain("linux-x64");
    expect(readFileSync(at("etc/passwd"), "utf8")).toMatch(
      /^holdfast:[x!]:\d+:\d+::\/var\/lib\/holdfast:\/usr\/sbin\/nologin$/m,
    );
    const data = statSync(at("var/lib/holdfast"));
    expect([data.uid !== 0, data.mode & 0o777]).toEqual([true, 0o700]);
    expect(
      lstatSync(at("etc/systemd/system/multi-user.target.wants/holdfast.service")).isSymbolicLink(),
    ).toBe(true);
    expect(await inside("holdfast", "config", "check")).toContain(
      "/etc/holdfast/holdfast.yaml is right",
    );
  }, 240_000);

  test("its server runs as its own user, and root's commands reach it or are told how", async () => {
    await serving(async (url) => {
      expect((await fetch(`${url}/`)).status).toBe(200);
      expect(await inside("holdfast", "team", "add", "web")).toContain("web");
    });
    const { code, output } = await run(within(house, ["holdfast", "team", "add", "late"]), {
      cwd: home,
    });
    expect([code, output]).toEqual([1, expect.stringContaining("runuser -u holdfast -- holdfast")]);
  }, 120_000);

  test("an upgrade leaves data and configuration as they are, removal too, and a purge nothing", async () => {
    const config = at("etc/holdfast/holdfast.yaml");
    const changed = `${readFileSync(config, "utf8")}access: { anonymous: read }\n`;
    writeFileSync(config, changed);
    await publish("1.0.1");
    await apt("update");
    await apt("install", "holdfast");
    expect(await inside("dpkg-query", "-W", "holdfast")).toContain("1.0.1");
    expect(readFileSync(config, "utf8")).toBe(changed);
    await serving(async () => {
      expect(await inside("holdfast", "team", "list")).toContain("web");
    });
    await apt("remove", "holdfast");
    expect([
      existsSync(at("usr/bin/holdfast")),
      existsSync(config),
      existsSync(at("var/lib/holdfast/holdfast.db")),
    ]).toEqual([false, true, true]);
    await apt("purge", "holdfast");
    expect([existsSync(at("etc/holdfast")), existsSync(at("var/lib/holdfast"))]).toEqual([
      false,
      false,
    ]);
  }, 240_000);
});

withPrograms(["lintian", "dpkg-dev"], () => {
  test("lintian finds no error in how it is packed", async () => {
    // It would look into a hundred megabytes of a runtime for a minute.
    const program = join(home, "stand-in");
    writeFileSync(program, "#!/bin/sh\nexit 0\n");
    chmodSync(program, 0o755);
    const file = join(home, "holdfast_1.0.0_amd64.deb");
    buildDeb({
      target: "linux-x64",
      program,
      file,
      version: "1.0.0",
      compression: ["-Zxz", "-z1"],
    });
    const { output } = await run(["lintian", "--allow-root", "--no-cfg", file], {
      cwd: home,
      timeout: 240_000,
    });
    // The stand-in is no program of an architecture, nor does it hold what the overrides are about.
    expect(output.split("\n").filter((line) => /^[EW]: /.test(line))).toEqual([]);
  }, 300_000);
});

withPrograms(["mandoc"], () => {
  test("mandoc finds nothing wrong with the manual pages but that they have no date", async () => {
    for (const [path, text] of Object.entries(manuals())) {
      const file = join(home, path.replace(/.*\//, ""));
      writeFileSync(file, text);
      const { output } = await run(["mandoc", "-T", "lint", "-W", "warning", file], { cwd: home });
      expect(output.split("\n").filter((line) => line && !line.includes("missing date"))).toEqual(
        [],
      );
    }
  }, 60_000);
});

withPrograms(["systemd"], () => {
  test("systemd takes the unit, and finds it little exposed", async () => {
    const unit = join(root, "deploy/holdfast.service");
    const security = await run(["systemd-analyze", "security", "--offline=yes", unit], {
      cwd: home,
    });
    const [, exposure] =
      /exposure level for holdfast\.service: ([\d.]+)/.exec(security.output) ?? [];
    expect(Number(exposure)).toBeLessThan(2);
    const { output } = await run(["systemd-analyze", "verify", unit], { cwd: home });
    // The program and its manual are not on this machine.
    const faults = output.split("\n").filter((line) => line.includes("holdfast.service"));
    expect(
      faults.filter((line) => !/is not executable|man (holdfast|command)|No manual/.test(line)),
    ).toEqual([]);
  }, 60_000);
});
