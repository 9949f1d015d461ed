// The clients' own defences keep working behind Holdfast: upload dates, audits, checksums, and a proxy list that stops at an outage.
import { expect } from "bun:test";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { eachClient } from "./clients.ts";
import { Project } from "./job.ts";
import { withScene, withSumdb } from "./scene.ts";

// Versions of a project are thirty days apart from 2024-01-01 on: the first and the second are older than this.
const DAY = "2024-02-15T00:00:00Z";
const dated = ["brine", "abyss", "estuary"];

eachClient(["uv"], ({ driver, test }) => {
  test("uv lock --exclude-newer finds what it finds directly", () =>
    withScene(driver, dated, {}, async ({ upstream, project }) => {
      const direct = new Project(driver, upstream.urls.pypi, dated);
      const versions = (of: Project) =>
        [...of.read("uv.lock").matchAll(/^name = "(.*)"\nversion = "(.*)"$/gm)].map(
          ([, name, version]) => `${name} ${version}`,
        );
      for (const one of [project, direct]) await one.must(["lock", "--exclude-newer", DAY]);
      expect(versions(project)).toContain("abyss 1.0");
      expect(versions(project)).toEqual(versions(direct));
      direct.remove();
    }));
});

eachClient(["pip"], ({ driver, test }) => {
  test("pip --uploaded-prior-to finds what it finds directly", () =>
    withScene(driver, dated, {}, async ({ upstream, project }) => {
      const direct = new Project(driver, upstream.urls.pypi, dated);
      const args = [
        "install",
        "--dry-run",
        "--quiet",
        "--ignore-installed",
        "--report",
        "report.json",
        "--uploaded-prior-to",
        DAY,
        ...dated,
      ];
      for (const one of [project, direct]) await one.must(args);
      const versions = (of: Project) => driver.finish!((name) => of.read(name))["locked.txt"];
      expect(versions(project)).toContain("abyss==1.0 ");
      expect(versions(project)).toBe(versions(direct)!);
      direct.remove();
    }));
});

eachClient(["pip-machine", "pip"], ({ driver, test }) => {
  test("--require-hashes refuses a hash that is not the file's", () =>
    withScene(driver, ["abyss"], {}, async ({ project }) => {
      await project.install();
      project.write({
        "locked.txt": project.read("locked.txt").replace(/sha256:.{8}/, "sha256:00000000"),
      });
      project.forget();
      const result = await project.run(driver.frozen(project)[0]!);
      expect(result.code).not.toBe(0);
      expect(result.output).toContain("DO NOT MATCH THE HASHES");
    }));
});

eachClient(["npm-10", "npm-11", "npm"], ({ driver, test }) => {
  test("npm audit reports the upstream's advisories, also while it is away", () =>
    withScene(driver, ["mussel@1.0.0"], {}, async ({ upstream, server, project }) => {
      await project.install();
      const audit = async () => {
        const { code, stdout } = await project.run(["audit", "--json"]);
        return {
          code,
          advisories: (JSON.parse(stdout) as { vulnerabilities: object }).vulnerabilities,
        };
      };
      const first = await audit();
      expect(first.code).toBe(1);
      expect(JSON.stringify(first.advisories)).toContain("Clock runs backwards");
      await upstream.off();
      await server.restart(["--offline"]);
      expect(await audit()).toEqual(first);
    }));

  test("npm view and npm search are answered", () =>
    withScene(driver, ["tide"], {}, async ({ project }) => {
      const view = await project.must(["view", "tide", "dist-tags", "--json"]);
      // npm 12 gives a list of one.
      const answer = JSON.parse(view.stdout) as unknown;
      expect(Array.isArray(answer) ? answer[0] : answer).toEqual({
        latest: "1.1.0",
        next: "2.0.0-beta.1",
      });
      const search = await project.must(["search", "reef", "--json"]);
      expect(search.stdout).toContain("@reef/coral");
    }));
});

eachClient(["go"], ({ driver, test }) => {
  test("a zip that the checksum database does not vouch for is not unpacked", () =>
    withScene(driver, ["example.test/bell"], {}, async ({ upstream, server, project }) => {
      upstream.go.republish("example.test/bell", "v0.3.0");
      const result = await project.run(["mod", "download", "example.test/bell@v0.3.0"]);
      expect(result.code).not.toBe(0);
      expect([...project.tree().keys()]).toEqual([]);
      expect(server.events().map((event) => `${event.kind} ${event.package}`)).toContain(
        "tampered example.test/bell",
      );
    }));

  test("a proxy list goes on after a no, and stops at an outage", () =>
    withScene(driver, ["example.test/bell"], {}, async ({ upstream, project }) => {
      const next = await startUpstream();
      const env = { GOPROXY: `${project.url},${next.urls.go}` };
      next.go.publish("example.test/only-there", "v1.0.0", []);
      const get = (what: string) =>
        project.run(["mod", "download", what], { ...env, GONOSUMDB: "example.test/only-there" });

      expect((await get("example.test/only-there@v1.0.0")).code).toBe(0);
      expect(next.paths()).not.toEqual([]);

      next.requests.length = 0;
      await upstream.off();
      const stopped = await get("example.test/bell@v0.3.0");
      expect(stopped.code).not.toBe(0);
      expect(stopped.output).toContain("424");
      expect(next.paths()).toEqual([]);
      await next.stop();
    }));

  test("verifies against the checksum database without go.sum while the upstream is away", () =>
    withScene(driver, ["example.test/hull"], {}, async ({ upstream, server, project }) => {
      await project.install();
      const lock = project.read("go.sum");
      await upstream.off();
      await server.restart(["--offline"]);
      project.forget();
      project.forgetLock();
      await project.install();
      expect(project.read("go.sum")).toBe(lock);
    }));
});

eachClient(["go"], ({ driver, test }) => {
  test("go list -m -versions and -u are answered as directly", () =>
    withScene(driver, ["example.test/anchor"], {}, async ({ upstream, project }) => {
      const direct = new Project(withSumdb(driver, upstream), upstream.urls.go, [
        "example.test/anchor",
      ]);
      const ask = async (one: Project) => [
        (await one.must(["list", "-m", "-versions", "example.test/anchor"])).stdout,
        (await one.must(["list", "-m", "-f", "{{.Version}} {{.Time}}", "example.test/rope@latest"]))
          .stdout,
        (
          await one.must([
            "list",
            "-m",
            "-retracted",
            "-f",
            "{{.Version}}",
            "example.test/retracted@v1.0.0",
          ])
        ).stdout,
      ];
      expect(await ask(project)).toEqual(await ask(direct));
      direct.remove();
    }));
});
