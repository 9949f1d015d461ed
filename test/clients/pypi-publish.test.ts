// Real Python clients publish private packages, with tokens of this server.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { attestation, attested } from "../../src/formats/pypi/testdata/attestations.ts";
import { wheel } from "../../src/formats/pypi/testdata/distributions.ts";
import { tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";
import { withPrograms } from "./clients.ts";
import { type Account, publishers, writeProject } from "./pypi-publishers.ts";
import { openScene, type Scene, sha256 } from "./pypi-scene.ts";

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
}, 120_000);
afterAll(() => scene.stop());

for (const one of publishers)
  withPrograms([one.name], () => {
    describe(one.name, () => {
      const name = `shell-${one.name}`;
      const folder = tempFolder(name);
      const publish = (account: Account) => scene.run(folder, one.publish(scene.url, account));

      test("is refused with a wrong password, and with tokens that may only read", async () => {
        writeProject(one, folder, name, "1.0");
        await scene.build(one, folder);
        // Each another one: who guesses the password of one has to wait.
        const stranger = await publish({ user: `stranger-${one.name}`, password: "guessed" });
        expect(stranger.code).not.toBe(0);
        expect(stranger.output).toMatch(/401|Unauthorized/);
        for (const account of [scene.ben, scene.reading]) {
          const forbidden = await publish(account);
          expect(forbidden.code).not.toBe(0);
          expect(forbidden.output).toMatch(/403|Forbidden/);
        }
        expect(await scene.page(name)).toEqual([]);
      }, 60_000);

      test("publishes, and the same files again", async () => {
        for (const _ of ["first", "again"]) {
          const result = await publish(scene.ann);
          expect([result.code, result.output]).toEqual([0, expect.any(String)]);
        }
        const built = readdirSync(join(folder, "dist"))
          .filter((file) => /\.(whl|gz)$/.test(file))
          .sort();
        expect(built).toHaveLength(2);
        const files = await scene.page(name);
        expect(files.map(({ filename }) => filename).sort()).toEqual(built);
        for (const { filename, hashes } of files)
          expect(hashes.sha256).toBe(sha256(readFileSync(join(folder, "dist", filename))));
      }, 60_000);

      // hatch looks what is there, and does not send it.
      if (one.name !== "hatch")
        test("is told that a version with other bytes exists", async () => {
          const module = join(folder, "src", name.replaceAll("-", "_"), "__init__.py");
          writeFileSync(module, `${readFileSync(module, "utf8")}more = 1\n`);
          await scene.build(one, folder);
          const before = await scene.page(name);
          const result = await publish(scene.ann);
          expect(result.code).not.toBe(0);
          if (one.name !== "flit") expect(result.output).toContain("File already exists");
          expect(await scene.page(name)).toEqual(before);
        }, 60_000);
    });
  });

withPrograms(["poetry"], () => {
  test("poetry publish --skip-existing passes over what is there", async () => {
    const folder = tempFolder("skip");
    const one = publishers.find(({ name }) => name === "poetry")!;
    writeProject(one, folder, "shell-skip", "1.0");
    await scene.build(one, folder);
    await scene.publish(wheel({ name: "shell-skip" }));
    const { command, env } = one.publish(scene.url, scene.ann);
    expect(await scene.must(folder, { command: [...command, "--skip-existing"], env })).toContain(
      "File exists. Skipping",
    );
    expect(await scene.page("shell-skip")).toHaveLength(2);
  }, 60_000);
});

withPrograms(["uv"], () => {
  test("uv publish --check-url sends what is missing, and tells what differs", async () => {
    const folder = tempFolder("check");
    const one = publishers.find(({ name }) => name === "uv")!;
    writeProject(one, folder, "shell-check", "1.0");
    await scene.build(one, folder);
    const { command, env } = one.publish(scene.url, scene.ann);
    const check = [...command, "--check-url", `${scene.url}/simple/`];
    await scene.must(folder, { command: check, env });
    expect(await scene.must(folder, { command: check, env })).toContain("already exists, skipping");
    const { file, bytes } = wheel({ name: "shell-check", more: "Summary: other\n" });
    writeFileSync(join(folder, "dist", file), bytes);
    const result = await scene.run(folder, { command: check, env });
    expect(result.code).not.toBe(0);
    expect(result.output).toContain("do not match");
  }, 60_000);
});

withPrograms(["uv"], () => {
  test("uv publishes the attestations that lie beside a file", async () => {
    const folder = tempFolder("attested");
    const { file, bytes } = wheel({ name: "shell-attested" });
    const subject = { file, sha256: sha256(bytes) };
    mkdirSync(join(folder, "dist"));
    writeFileSync(join(folder, "dist", file), bytes);
    const write = (said: unknown) =>
      writeFileSync(join(folder, "dist", `${file}.publish.attestation`), JSON.stringify(said));
    const { command, env } = publishers
      .find(({ name }) => name === "uv")!
      .publish(scene.url, scene.ann);
    // Signed by a key for which no authority vouches that is known here.
    write(attestation(subject));
    const refused = await scene.run(folder, { command, env });
    expect([refused.code !== 0, refused.output]).toEqual([
      true,
      expect.stringContaining("Invalid attestations"),
    ]);
    expect(await scene.page("shell-attested")).toEqual([]);

    const said = attested(subject);
    write(said);
    await scene.must(folder, { command, env });
    const [shown] = await scene.page("shell-attested");
    expect(shown!.provenance).toBe(`${scene.url}/integrity/shell-attested/1.0/${file}/provenance`);
    const provenance = await (await fetch(shown!.provenance!)).json();
    expect(provenance).toMatchObject({
      version: 1,
      attestation_bundles: [{ publisher: { kind: "GitHub" }, attestations: [said] }],
    });
    // What was verified is a fact of the release.
    const api = `${scene.server.url}/-/api/v1/repositories/pypi/packages/shell-attested/releases/1.0/policy`;
    const headers = { authorization: `Bearer ${scene.ann.password}` };
    let told: unknown[] = [];
    await waitFor(
      async () => {
        const answer = await (await fetch(api, { headers })).json();
        told = answer.provenance ?? [];
        return told.length > 0;
      },
      () => "Nobody looked at it",
    );
    expect(told).toMatchObject([
      { file, state: "verified", builder: { repository: "https://github.com/reef/shell" } },
    ]);
  }, 60_000);
});
