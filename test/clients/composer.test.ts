// The real Composer against Holdfast, in front of a fake Packagist and a fake code host: honest, then away, then lying.
import { expect } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "../support/run.ts";
import { waitFor } from "../support/wait.ts";
import { withPrograms } from "./clients.ts";
import { ComposerProject } from "./composer-project.ts";
import { agents, events, lose, scene } from "./composer-scene.ts";

/** A metapackage of nine, one of them a tar; a branch with a slash in its name; a reference that is a path. */
const wants = {
  "harbour/kit": "^1.0",
  "isle/palm": "dev-feature/leaf",
  "isle/shell": "^1.0",
};

const claims = { composer: ["acme/*"] };

withPrograms(["composer"], () => {
  scene("installs, requires and updates", { freshness: "0s" }, async (on) => {
    const { upstream, server } = on;
    const project = on.project(wants);
    upstream.composer.say("warning", "spring tide ahead");
    expect(await project.must("update")).toContain("spring tide ahead");

    // Every file came by way of Holdfast, and so does what the lock file names.
    expect(agents(upstream)).toEqual(["holdfast"]);
    const locked = [...project.locked().values()];
    expect(locked.map((one) => one.name)).toContain("deep/lantern");
    const urls = locked.flatMap((one) => one.dist?.url ?? []);
    expect(urls).toHaveLength(11);
    for (const url of urls) expect(url).toStartWith(`${server.url}/composer/dists/`);

    // It works, not only stands there.
    const script =
      "require 'vendor/autoload.php'; echo Harbour\\Anchor\\Release::NAME, Deep\\Lantern\\Release::NAME;";
    const php = await run(["php", "-r", script], { cwd: project.dir });
    expect(php.stdout).toBe("harbour/anchor 1.1.0deep/lantern 1.1.0");
    expect(project.tree().get("isle/palm/bin/tool")).toStartWith("755 ");

    await project.must("require", "deep/oyster:^1.1");
    expect(project.has("vendor/deep/oyster/src/Release.php")).toBe(true);
    upstream.composer.packages.publish("reef/coral", "1.2.0");
    await project.must("update", "reef/coral");
    expect(project.locked().get("reef/coral")?.version).toBe("1.2.0");
    expect(project.read("vendor/reef/coral/src/Release.php")).toContain("reef/coral 1.2.0");

    const found = await project.must("search", "--format=json", "anemone");
    expect(found).toContain('"reef/anemone"');
    expect(await project.must("show", "--all", "deep/lantern")).toContain(
      "2.0.0-beta1, * 1.1.0, 1.0.0",
    );

    // What did not change is not sent again.
    const again = await project.must("update", "--no-install", "-vvv");
    expect(again).toMatch(/\[304\] \S+\/composer\/packages\.json/);
    expect(again).toMatch(/\[304\] \S+\/composer\/p2\/deep\/lantern\.json/);

    // Counts of what was installed are not passed on.
    expect(upstream.requests.filter(({ target }) => target.startsWith("/downloads"))).toEqual([]);
    expect(events(server)).toEqual([]);
  });

  scene("installs the same while the upstream is away, with fresh caches", {}, async (on) => {
    const { upstream, server } = on;
    const project = on.project(wants);
    await project.must("update");
    const first = project.tree();
    const versions = [...project.locked().values()].map((one) => `${one.name} ${one.version}`);
    expect(first.size).toBeGreaterThanOrEqual(40);

    await upstream.off();
    await server.restart(["--offline"]);
    project.forget();
    await project.must("install");
    expect(project.tree()).toEqual(first);

    // And without the lock file: the same lists give the same tree, now with checksums of every archive.
    project.forget();
    rmSync(join(project.dir, "composer.lock"));
    await project.must("update");
    expect(project.tree()).toEqual(first);
    const locked = [...project.locked().values()];
    expect(locked.map((one) => `${one.name} ${one.version}`)).toEqual(versions);
    for (const { dist } of locked) if (dist) expect(dist.shasum).toMatch(/^[0-9a-f]{40}$/);

    const missing = on.project({ "deep/oyster": "^1.0" });
    const { code, output } = await missing.run("update");
    expect(code).not.toBe(0);
    expect(output).toContain("offline");
  });

  scene("fetches through Holdfast what a lock file made elsewhere names", {}, async (on) => {
    const { upstream } = on;
    const direct = new ComposerProject([upstream.composerUrls.root], wants);
    await direct.must("update");
    expect(direct.read("composer.lock")).toContain(upstream.composerUrls.code);

    // A branch that has moved on since: the lock file names its earlier commit.
    upstream.composer.packages.retag("isle/palm", "dev-feature/leaf");

    const project = on.project(wants);
    project.write("composer.lock", direct.read("composer.lock"));
    upstream.requests.length = 0;
    // Composer takes mirrors from a repository when it updates, and no server can change what a plain install asks of an old lock
    // file: it is brought over once, which moves no version.
    await project.must("update", "mirrors", "--no-install");
    await project.must("install");
    expect(agents(upstream)).toEqual(["holdfast"]);
    expect(project.tree()).toEqual(direct.tree());
    const commits = (one: ComposerProject) =>
      [...one.locked().values()].map(
        ({ name, version, dist }) => `${name} ${version} ${dist?.reference}`,
      );
    expect(commits(project)).toEqual(commits(direct));
    direct.remove();
  });

  scene("reports advisories, also while the upstream is away", {}, async (on) => {
    const { upstream, server } = on;
    const project = on.project({ "deep/oyster": "1.0.0" });
    expect(await project.must("update")).toContain("Found 1 security vulnerability advisory");
    const audit = async (one: ComposerProject) => {
      const { code, stdout } = await one.run("audit", "--format=json");
      return { code, ...(JSON.parse(stdout) as { advisories: Record<string, object[]> }) };
    };
    const first = await audit(project);
    expect(first.code).toBe(1);
    expect(Object.keys(first.advisories)).toEqual(["deep/oyster"]);
    expect(JSON.stringify(first.advisories)).toContain("leaks at high tide");

    await upstream.off();
    await server.restart(["--offline"]);
    project.forget();
    await project.must("install");
    expect(await audit(project)).toEqual(first);
    const plain = await project.run("audit", "--format=plain");
    expect(plain.output).toContain("CVE-2024-1002");
    expect(agents(upstream)).toEqual(["holdfast"]);
  });

  scene("never installs altered bytes, and says why", {}, async (on) => {
    const { upstream, server } = on;
    // The company's list names checksums: the first fetch is held to them.
    upstream.fault("*/satis/dist/dock/crane/*", "flip");
    const company = on.project({ "dock/winch": "^1.0" }, "satis");
    const flipped = await company.run("update");
    expect(flipped.code).not.toBe(0);
    expect(flipped.output).toContain("tampered");
    expect(company.has("vendor/dock/crane/src")).toBe(false);
    expect(events(server)).toContain("tampered dock/crane");
    upstream.clear();

    // The public list names none: what was seen first is what counts.
    const project = on.project({ "reef/polyp": "^1.0" });
    await project.must("update");
    const first = project.tree();
    upstream.composer.packages.tamper("reef/coral", "1.1.0");
    await lose(server, "reef/coral");
    project.forget();
    const altered = await project.run("install");
    expect(altered.code).not.toBe(0);
    expect(altered.output).toContain("tampered");
    expect(project.has("vendor/reef/coral/src")).toBe(false);
    await waitFor(
      () => events(server).includes("tampered reef/coral"),
      () => `events are only: ${events(server).join(", ")}`,
    );
    // Composer asked the code host for no archive. Before 2.10 it goes on to clone the source, where the commit's own hash counts.
    expect(agents(upstream)).not.toContain("Composer");

    // A restart forgets refusals, and the company's archive is honest again.
    company.forget();
    await company.must("update");
    expect(company.has("vendor/dock/crane/src/Release.php")).toBe(true);
    expect(first.size).toBeGreaterThan(0);
  });

  scene("takes packages from two repositories, one of them behind a password", {}, async (on) => {
    const { upstream, server } = on;
    const project = on.project({ "dock/hoist": "^1.0", "reef/polyp": "^1.0" }, "satis", "composer");
    await project.must("update");
    const of = (name: string) => project.locked().get(name)?.dist?.url ?? "";
    expect(of("dock/hoist")).toStartWith(`${server.url}/satis/dists/`);
    expect(of("dock/crane")).toStartWith(`${server.url}/satis/dists/`);
    expect(of("reef/coral")).toStartWith(`${server.url}/composer/dists/`);
    expect([...project.tree().keys()]).toContain("dock/hoist/src/Release.php");
    // Composer knows no password, and the one that Holdfast knows went to no other host.
    const told = upstream.requests.filter(({ headers }) => headers["authorization"]);
    expect(told.length).toBeGreaterThan(0);
    for (const { target } of told) expect(target).toStartWith("/satis/");
  });

  scene("installs from what only Composer 1 could read, and a single file", {}, async (on) => {
    const { upstream } = on;
    upstream.composer.satis.form = "providers";
    const project = on.project({ "dock/hoist": "^1.0", "dock/tool": "^1.0" }, "satis");
    await project.must("update");
    const first = project.tree();
    expect([...first.keys()]).toContain("dock/crane/src/Release.php");
    // It is called as the company calls it, and may be run.
    expect(first.get("dock/tool/tool.phar")).toStartWith("755 ");
    const folder = await on.project({ "dock/gantry": "^1.0" }, "satis").run("update");
    expect(folder.code).not.toBe(0);

    await upstream.off();
    project.forget();
    await project.must("update");
    expect(project.tree()).toEqual(first);
  });

  scene("says what the upstream refuses, and not that it is not found", {}, async (on) => {
    const { upstream } = on;
    const fails = async (require: Record<string, string>) => {
      const { code, output } = await on.project(require).run("update");
      expect(code).not.toBe(0);
      expect(output).not.toContain("could not be found");
      return output;
    };
    upstream.fault("/composer/p2/reef/coral.json", "status", 451);
    expect(await fails({ "reef/coral": "^1.0" })).toContain("it answered 451");
    upstream.clear();
    upstream.fault("/repos/deep/oyster/*", "status", 403);
    expect(await fails({ "deep/oyster": "^1.0" })).toContain("it answered 403");
    upstream.clear();
    upstream.fault("*", "login");
    expect(await fails({ "reef/polyp": "^1.0" })).toContain("malformed");
    upstream.clear();
    expect(await fails({ "isle/far": "^1.0" })).toContain("not listed");
    expect(agents(upstream)).not.toContain("Composer");
  });

  scene(
    "keeps the first bytes when the code host packs a commit anew",
    { freshness: "0s" },
    async (on) => {
      const { upstream, server } = on;
      const project = on.project({ "harbour/kit": "^1.0" });
      await project.must("update");
      const first = project.tree();
      const files = server.files();
      for (const name of ["reef/coral", "deep/lantern"]) {
        const before = upstream.composer.bytes(name, "1.1.0");
        upstream.composer.packages.regenerate(name, "1.1.0");
        expect(upstream.composer.bytes(name, "1.1.0")).not.toEqual(before);
      }
      project.forget();
      rmSync(join(project.dir, "composer.lock"));
      await project.must("update");
      expect(project.tree()).toEqual(first);
      expect(server.files()).toEqual(files);
      expect(events(server)).toEqual([]);

      // A tag that is moved is another matter: the first commit is installed, and the operator is told.
      upstream.composer.packages.retag("reef/coral", "1.1.0");
      project.forget();
      rmSync(join(project.dir, "composer.lock"));
      await project.must("update");
      expect(project.tree()).toEqual(first);
      await waitFor(
        () => events(server).includes("tampered reef/coral"),
        () => `events are only: ${events(server).join(", ")}`,
      );
    },
  );

  scene(
    "never asks for a claimed name, and does not fall for the upstream's",
    { claims },
    async (on) => {
      const { upstream } = on;
      const project = on.project({ "acme/secret": "*" });
      const { code, output } = await project.run("update");
      expect(code).not.toBe(0);
      expect(output).toContain("acme/secret is claimed");
      expect(project.has("vendor/acme")).toBe(false);
      // The audit and the counts of a project that uses such a name say nothing of it either.
      const mixed = on.project({ "reef/coral": "^1.0" });
      await mixed.must("update");
      expect(upstream.requests.length).toBeGreaterThan(0);
      expect(JSON.stringify(upstream.requests)).not.toContain("acme");
    },
  );
});
