// Debian's apt against Holdfast, in front of a fake archive that goes back, expires, lies, and turns us away.
import { expect, test } from "bun:test";
import { dirname, join } from "node:path";
import { configText, type TestOptions } from "../support/config.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { type ServerProcess, startProcess, withBugs } from "../support/process.ts";
import { run } from "../support/run.ts";
import { waitFor } from "../support/wait.ts";
import { AptRoot } from "./apt-root.ts";
import { withPrograms } from "./clients.ts";

const main = new URL("../../src/main.ts", import.meta.url).pathname;

interface Scene {
  upstream: FakeUpstream;
  server: ServerProcess;
  /** A new machine. */
  machine(repository?: string, suite?: string, settings?: string[]): AptRoot;
}

function scene(title: string, options: TestOptions, act: (scene: Scene) => Promise<void>): void {
  test(title, async () => {
    const upstream = await startUpstream();
    const server = await startProcess({ config: configText(upstream, options) });
    const machines: AptRoot[] = [];
    try {
      await act({
        upstream,
        server,
        machine(repository = "debian", suite = "stable main contrib", settings = []) {
          const url = `${server.url}/${repository}`;
          machines.push(
            new AptRoot([{ url, suite, key: upstream.apt.keyFiles.archive }], settings),
          );
          return machines.at(-1)!;
        },
      });
    } catch (error) {
      throw withBugs(error, server);
    } finally {
      for (const one of machines) one.remove();
      await server.stop();
      await upstream.stop();
    }
  }, 60_000);
}

async function told(server: ServerProcess, kind: string): Promise<void> {
  await waitFor(
    () => server.events().some((event) => event.kind === kind),
    () => `no event ${kind}, only ${server.events().map((event) => event.kind)}`,
  );
}

const always = { freshness: "0s" };
const wants = ["hello", "kelp++", "barnacle"];

withPrograms(["apt"], () => {
  for (const [repository, suite] of [
    ["plain", "stable main"],
    ["detached", "stable main"],
    ["flat", "./"],
    ["flat", "ubuntu2204/x86_64/"],
  ] as const)
    scene(
      `${repository} ${suite}: installs, and again while the upstream is away`,
      always,
      async ({ upstream, server, machine }) => {
        const one = machine(repository, suite);
        await one.update();
        const first = await one.download("hello", "kelp++");
        expect(first.size).toBe(3);
        await upstream.off();
        await server.restart(["--offline"]);
        one.forget();
        await one.update();
        expect(await one.download("hello", "kelp++")).toEqual(first);
      },
    );

  scene(
    "sources, translations and a list of before: whole indices in place of patches",
    always,
    async ({ upstream, machine }) => {
      const one = machine();
      await one.update();
      const before = one.lists();
      expect([...before.keys()].some((name) => name.includes("Translation-en"))).toBe(true);
      await upstream.apt.archives.debian.publish("stable", { name: "extra", version: "1.0" });
      // apt has a list now, so it looks for patches to it first.
      const output = await one.update();
      expect(output).not.toContain("Err");
      expect(one.lists()).not.toEqual(before);
      expect((await one.download("extra")).size).toBe(1);
    },
  );

  scene(
    "the lines of `holdfast setup apt` and the key of the repository are all that apt needs",
    {
      apt: { debian: { mirror: { suites: ["stable"], components: ["main"] } } },
    },
    async ({ server, machine }) => {
      const config = join(dirname(server.data), "holdfast.yaml");
      const words = ["setup", "apt", "--repository", "debian", "--url", server.url];
      const { output } = await run([process.execPath, main, ...words, "--config", config], {
        cwd: server.data,
      });
      const lines = /^ *Types: deb$[\s\S]*?^ *Signed-By: (\S+)$/m.exec(output);
      const [block = "", keyring = ""] = lines ?? [];
      expect(block).toContain(`URIs: ${server.url}/debian`);
      const one = machine();
      const key = one.write(
        "key.asc",
        await (await fetch(`${server.url}/debian/-/key.asc`)).text(),
      );
      one.write("etc/sources.list", "");
      const text = block.replaceAll(/^ +/gm, "").replace(keyring, key);
      one.write("etc/sources.list.d/debian.sources", `${text}\n`);
      await one.update();
      expect((await one.download("hello")).size).toBe(2);
    },
  );

  scene(
    "a rollback upstream is not followed, and is told of",
    always,
    async ({ upstream, server, machine }) => {
      await upstream.apt.archives.debian.publish("stable", { name: "extra", version: "1.0" });
      const one = machine();
      await one.update();
      const lists = one.lists();
      upstream.apt.archives.debian.rollback("stable");
      one.forget();
      await one.update();
      expect(one.lists()).toEqual(lists);
      await told(server, "rollback");
    },
  );

  const expired = { validUntil: new Date(Date.UTC(2024, 5, 8)) };
  scene(
    "nothing is begun with an expired release, and apt says why",
    always,
    async ({ upstream, server, machine }) => {
      await upstream.apt.archives.debian.renew("stable", expired);
      const first = await machine().run("update");
      expect(first.code).toBe(100);
      expect(first.output).toContain("424");
      await told(server, "expired");
    },
  );

  scene(
    "with validUntil: ignore an expired release reaches apt, whose own check decides",
    { ...always, apt: { debian: { validUntil: "ignore" } } },
    async ({ upstream, machine }) => {
      await upstream.apt.archives.debian.renew("stable", expired);
      const strict = await machine().run("update");
      expect(strict.code).toBe(100);
      expect(strict.output).toContain("is expired");
      const lenient = machine("debian", "stable main", ['Acquire::Check-Valid-Until "false";']);
      await lenient.update();
      expect((await lenient.download("hello")).size).toBe(2);
    },
  );

  scene(
    "a captive portal changes nothing for who was served, and is no repository for who was not",
    always,
    async ({ upstream, server, machine }) => {
      upstream.fault("*", "login");
      const one = machine();
      const cold = await one.run("update");
      expect(cold.code).toBe(100);
      expect(one.lists().size).toBe(0);

      upstream.clear();
      await server.restart();
      await one.update();
      const files = await one.download(...wants);
      upstream.fault("*", "login");
      one.forget();
      await one.update();
      expect(await one.download(...wants)).toEqual(files);
    },
  );

  scene(
    "a flipped byte never arrives, and the file does once the upstream is honest",
    always,
    async ({ upstream, server, machine }) => {
      const one = machine();
      await one.update();
      upstream.fault("*libtide0*", "flip");
      const bad = await one.run("install", "-y", "--download-only", "hello");
      expect(bad.code).toBe(100);
      expect(bad.output).not.toContain("Hash Sum mismatch");
      expect([...one.downloaded().keys()].filter((name) => name.startsWith("libtide0"))).toEqual(
        [],
      );
      await told(server, "tampered");
      upstream.clear();
      await server.restart();
      expect((await one.download("hello")).size).toBe(2);
    },
  );

  scene(
    "a rebuilt package: everybody goes on with the first bytes until somebody accepts the others",
    always,
    async ({ upstream, server, machine }) => {
      const one = machine();
      await one.update();
      const first = await one.download("hello");
      await upstream.apt.archives.debian.rebuild("stable", "hello", "2.10-3");
      one.forget();
      await one.update();
      expect(await one.download("hello")).toEqual(first);
      await told(server, "tampered");

      const config = join(dirname(server.data), "holdfast.yaml");
      const words = ["apt", "accept", "debian", "--data", server.data, "--config", config];
      const accepted = await run([process.execPath, main, ...words], { cwd: server.data });
      expect(`${accepted.code} ${accepted.output}`).toStartWith("0 ");
      expect(accepted.output).toContain("hello 2.10-3");
      one.forget();
      await one.update();
      const second = await one.download("hello");
      const changed = [...second].filter(([name, digest]) => first.get(name) !== digest);
      expect(changed.map(([name]) => name)).toEqual(["hello_2.10-3_amd64.deb"]);
    },
  );

  scene(
    "an upstream that blocks us is told as that, at once, and never as not found",
    always,
    async ({ upstream, server, machine }) => {
      upstream.fault("*", "status", 403);
      const result = await machine().run("update");
      expect(result.code).toBe(100);
      expect(result.output).toContain("424  Failed Dependency");
      expect(result.output).not.toMatch(/\b404\b/);
      // apt retries what it takes for a passing failure for seven seconds.
      expect(result.output).not.toContain("Ign:1");
      const answer = await fetch(`${server.url}/debian/dists/stable/InRelease`);
      expect(await answer.text()).toContain("Blocked by the upstream");
    },
  );
});
