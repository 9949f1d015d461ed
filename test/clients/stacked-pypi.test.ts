// Every client of PyPI over TLS, with two repositories built on one another: it publishes into each, is refused, and pip, uv and poetry install through the upper one.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { wheel } from "../../src/formats/pypi/testdata/distributions.ts";
import { tempFolder } from "../support/temp.ts";
import { commandOf, withPrograms } from "./clients.ts";
import { type Call, type Publisher, publishers, runIn, writeProject } from "./pypi-publishers.ts";
import { openStacked, type Stacked } from "./stacked-scene.ts";

let scene: Stacked;
beforeAll(async () => {
  scene = await openStacked("pypi");
}, 120_000);
afterAll(() => scene.stop());

const run = (folder: string, { command, env }: Call) =>
  runIn(folder, scene.home, {
    command,
    // What requests (twine, flit, poetry), what OpenSSL and rustls (hatch, uv), and what pip reads.
    env: { REQUESTS_CA_BUNDLE: scene.ca, SSL_CERT_FILE: scene.ca, PIP_CERT: scene.ca, ...env },
  });
async function must(folder: string, call: Call): Promise<string> {
  const { code, output } = await run(folder, call);
  if (code !== 0) throw new Error(`${call.command.join(" ")} ended with ${code}:\n${output}`);
  return output;
}

/** The versions of a project, or the status where there is none. */
async function versions(name: string, where = "pypi") {
  const answer = await scene.get(`/${where}/simple/${name}/`, undefined, {
    headers: { accept: "application/vnd.pypi.simple.v1+json" },
  });
  if (!answer.ok) return answer.status;
  return ((await answer.json()) as { versions: string[] }).versions;
}

/** A project with a wheel that is built already, for those that do not build by themselves. */
function project(one: Publisher, name: string, version: string): string {
  const folder = tempFolder(name);
  writeProject(one, folder, name, version);
  const { file, bytes } = wheel({ name, version });
  mkdirSync(join(folder, "dist"));
  if (one.build) writeFileSync(join(folder, "dist", file), bytes);
  return folder;
}

for (const one of publishers)
  withPrograms([one.name], () => {
    describe(one.name, () => {
      const own = `shoal-${one.name}`;
      const base = `deep-${one.name}`;
      const publish = (folder: string, where: string, password: string) =>
        run(folder, one.publish(`${scene.url}/${where}`, { user: "__token__", password }));

      test("is refused with what is no token, with each that may not, and where a name is another repository's", async () => {
        const folder = project(one, own, "1.0");
        const nobody = await publish(folder, "pypi", "none");
        expect([nobody.code === 0, nobody.output]).toEqual([
          false,
          expect.stringMatching(/401|Unauthorized/),
        ]);
        for (const token of Object.values(scene.tokens.wrong)) {
          const refused = await publish(folder, "pypi", token);
          expect([refused.code === 0, refused.output]).toEqual([
            false,
            expect.stringMatching(/403|Forbidden/),
          ]);
        }
        const shadowing = await publish(project(one, base, "1.0"), "pypi", scene.tokens.ann);
        expect([shadowing.code === 0, shadowing.output]).toEqual([
          false,
          expect.stringMatching(/409|Conflict/),
        ]);
        expect([await versions(own), await versions(base)]).toEqual([404, 404]);
      }, 120_000);

      test("publishes into both", async () => {
        for (const [where, name, version] of [
          ["pypi", own, "1.0"],
          ["pypi", own, "1.1"],
          ["pypi-base", base, "1.0"],
        ] as const) {
          const { code, output } = await publish(
            project(one, name, version),
            where,
            scene.tokens.ann,
          );
          expect([code, output]).toEqual([0, expect.any(String)]);
        }
        expect([await versions(own), await versions(base)]).toEqual([["1.0", "1.1"], ["1.0"]]);
      }, 120_000);
    });
  });

/** Publishes without a client. */
async function upload(where: string, name: string, version: string): Promise<void> {
  const { file, bytes } = wheel({ name, version });
  const form = new FormData();
  for (const [field, value] of Object.entries({
    ":action": "file_upload",
    protocol_version: "1",
    metadata_version: "2.1",
    name,
    version,
    filetype: "bdist_wheel",
    pyversion: "py3",
    sha256_digest: new Bun.CryptoHasher("sha256").update(bytes).digest("hex"),
  }))
    form.set(field, value);
  form.set("content", new Blob([new Uint8Array(bytes)]), file);
  const answer = await scene.get(`/${where}/legacy/`, undefined, { method: "POST", body: form });
  expect([answer.status, await answer.text()]).toEqual([200, expect.any(String)]);
}

interface Installer {
  name: "pip" | "uv";
  start: string[];
  index: string;
}
const installers: Installer[] = [
  { name: "pip", start: ["install", "--no-cache-dir", "--no-input"], index: "--index-url" },
  { name: "uv", start: ["pip", "install", "--no-cache"], index: "--default-index" },
];

for (const { name: client, start, index } of installers)
  withPrograms([client], () => {
    test(`${client} installs through the upper one, passes over what is yanked, and finds nothing that was unpublished`, async () => {
      const own = `shoal-for-${client}`;
      const base = `deep-for-${client}`;
      for (const version of ["1.0", "1.1", "1.2"]) await upload("pypi", own, version);
      await upload("pypi-base", base, "1.0");
      const into = tempFolder(`into-${client}`);
      const install = (token: string, ...wants: string[]) => {
        rmSync(into, { recursive: true, force: true });
        const who = token && `__token__:${token}@`;
        const at = `${scene.url.replace("://", `://${who}`)}/pypi/simple/`;
        const command = [...commandOf(client), ...start, index, at, "--target", into, ...wants];
        return { command, env: {} };
      };
      const version = () => {
        const text = readFileSync(join(into, own.replaceAll("-", "_"), "__init__.py"), "utf8");
        return /\d+\.\d+/.exec(text)?.[0];
      };
      const refused = await run(scene.home, install("", own));
      expect([refused.code === 0, refused.output]).toEqual([
        false,
        expect.stringMatching(/401|Unauthorized|credentials|No matching distribution/),
      ]);
      await must(scene.home, install(scene.tokens.ben, own, base, "abyss"));
      expect(version()).toBe("1.2");
      for (const other of [base.replaceAll("-", "_"), "abyss"])
        expect([other, existsSync(join(into, other))]).toEqual([other, true]);

      const change = (token: string, method: string, path: string, body?: object) =>
        scene.get(path, token, {
          method,
          headers: { "content-type": "application/json" },
          ...(body && { body: JSON.stringify(body) }),
        });
      const leaked = scene.tokens.wrong["leaked, for reading"];
      const yank = (token: string) =>
        change(token, "POST", `/pypi/-/yank/${own}/1.2`, { reason: "It leaks" });
      expect([(await yank(leaked)).status, (await yank(scene.tokens.ann)).status]).toEqual([
        403, 200,
      ]);
      await must(scene.home, install(scene.tokens.ben, own));
      expect(version()).toBe("1.1");
      await must(scene.home, install(scene.tokens.ben, `${own}==1.2`));
      expect(version()).toBe("1.2");

      const unpublish = (token: string) =>
        change(token, "DELETE", `/-/api/v1/repositories/pypi/packages/${own}/releases/1.1`);
      expect([
        (await unpublish(leaked)).status,
        (await unpublish(scene.tokens.ann)).status,
      ]).toEqual([403, 200]);
      expect((await run(scene.home, install(scene.tokens.ben, `${own}==1.1`))).code).not.toBe(0);
      await must(scene.home, install(scene.tokens.ben, own));
      expect(version()).toBe("1.0");
    }, 120_000);
  });

withPrograms(["twine"], () => {
  test("a CI job publishes what its project is trusted with, and another project gets no token for it", async () => {
    expect((await scene.exchange("43", "pypi", "shoal-job")).status).toBe(403);
    const twine = publishers.find(({ name }) => name === "twine")!;
    const account = { user: "__token__", password: scene.tokens.job };
    const folder = project(twine, "shoal-job", "1.0");
    await must(folder, twine.publish(`${scene.url}/pypi`, account));
    expect(await versions("shoal-job")).toEqual(["1.0"]);
  }, 120_000);
});

withPrograms(["poetry"], () => {
  test("poetry installs through the upper one", async () => {
    for (const [where, name] of [
      ["pypi", "shoal-for-poetry"],
      ["pypi-base", "deep-for-poetry"],
    ] as const)
      await upload(where, name, "1.0");
    const folder = tempFolder("stacked-poetry");
    const wants = ["shoal-for-poetry", "deep-for-poetry", "abyss"];
    writeFileSync(
      join(folder, "pyproject.toml"),
      `[project]\nname = "project"\nversion = "1.0.0"\nrequires-python = ">=3.10,<4"\ndependencies = ${JSON.stringify(wants)}\n\n[tool.poetry]\npackage-mode = false\n\n[[tool.poetry.source]]\nname = "here"\nurl = "${scene.url}/pypi/simple/"\npriority = "primary"\n`,
    );
    const env = {
      POETRY_VIRTUALENVS_IN_PROJECT: "true",
      POETRY_HTTP_BASIC_HERE_USERNAME: "__token__",
      POETRY_HTTP_BASIC_HERE_PASSWORD: scene.tokens.ben,
    };
    await must(folder, { command: [...commandOf("poetry"), "install", "--no-interaction"], env });
    const lock = readFileSync(join(folder, "poetry.lock"), "utf8");
    for (const want of wants) expect(lock).toContain(`name = "${want}"`);
  }, 120_000);
});

test("no private name ever reached an upstream: in publishing, install, attestations, on any path", async () => {
  const below = ["deep-twine", "deep-nothing"];
  for (const where of ["pypi", "pypi-base"])
    for (const name of where === "pypi" ? [...below, "shoal-job", "shoal-nothing"] : below) {
      const file = `${name.replace("-", "_")}-9.9-py3-none-any.whl`;
      for (const path of [
        `simple/${name}/`,
        `simple/${name}`,
        `root/pypi/+simple/${name}/`,
        `legacy/+simple/${name}/`,
        `files/${name}/${file}`,
        `files/${name}/${file}.metadata`,
        `files/${name}/${file}.asc`,
        `files/other/${file}`,
        `root/pypi/+f/abc/0123456789abc/${file}`,
        `integrity/${name}/9.9/${file}/provenance`,
        `integrity/other/9.9/${file}/provenance`,
        `pypi/${name}/json`,
        `pypi/${name}/9.9/json`,
      ])
        await (await scene.get(`/${where}/${path}`)).arrayBuffer();
    }
  expect(scene.leaks()).toEqual([]);
  expect(scene.upstream.requests.some(({ target }) => target.includes("abyss"))).toBe(true);
}, 120_000);
