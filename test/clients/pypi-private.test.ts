// Real Python clients install private packages, and nobody else hears of them.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sdist, wheel } from "../../src/formats/pypi/testdata/distributions.ts";
import { tempFolder } from "../support/temp.ts";
import { commandOf, withPrograms } from "./clients.ts";
import { type Account, publishers } from "./pypi-publishers.ts";
import { basic, openScene, type Scene, sha256 } from "./pypi-scene.ts";

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
}, 120_000);
afterAll(() => scene.stop());

/** The version of a module that was installed. */
function installed(folder: string, module: string): string {
  const text = readFileSync(join(folder, module, "__init__.py"), "utf8");
  return /version = "(.+)"/.exec(text)![1]!;
}

const installers: [name: string, install: (wants: string[], into: string) => string[]][] = [
  [
    "pip",
    (wants, into) => [
      ...[...commandOf("pip"), "install", "--quiet", "--no-cache-dir", "--target", into],
      ...["--index-url", `${scene.url}/simple/`, "--only-binary", ":all:", ...wants],
    ],
  ],
  [
    "uv",
    (wants, into) => [
      ...[...commandOf("uv"), "pip", "install", "--quiet", "--no-cache", "--target", into],
      ...["--index-url", `${scene.url}/simple/`, ...wants],
    ],
  ],
];
for (const [client, install] of installers)
  withPrograms([client], () => {
    test(`${client} installs what is published, heeds a yank, and what comes from upstream beside it`, async () => {
      const name = `shell-for-${client}`;
      const module = name.replaceAll("-", "_");
      for (const version of ["1.0", "1.1"]) {
        const more = "Requires-Dist: oyster\n";
        await scene.publish(wheel({ name, version, more }));
        await scene.publish(sdist({ name, version, more }));
      }
      const folder = tempFolder("installed");
      const newest = async (want: string) => {
        const into = join(folder, String(Math.random()));
        await scene.must(folder, { command: install([want], into), env: {} });
        expect(existsSync(join(into, "oyster"))).toBe(true);
        return installed(into, module);
      };
      expect(await newest(name)).toBe("1.1");
      const yank = `${scene.url}/-/yank/${name}/1.1`;
      const headers = { authorization: basic(scene.ann), "content-type": "application/json" };
      const body = JSON.stringify({ reason: "It leaks" });
      expect((await fetch(yank, { method: "POST", headers, body })).status).toBe(200);
      expect(await newest(name)).toBe("1.0");
      expect(await newest(`${name}==1.1`)).toBe("1.1");
      expect((await fetch(yank, { method: "DELETE", headers })).status).toBe(200);
      expect(await newest(name)).toBe("1.1");
    }, 60_000);
  });

withPrograms(["poetry"], () => {
  test("poetry installs what is published", async () => {
    await scene.publish(wheel({ name: "shell-for-poetry" }));
    const folder = tempFolder("poetry");
    writeFileSync(
      join(folder, "pyproject.toml"),
      `[project]\nname = "project"\nversion = "1.0.0"\nrequires-python = ">=3.10,<4"\ndependencies = ["shell-for-poetry"]\n\n[tool.poetry]\npackage-mode = false\n\n[[tool.poetry.source]]\nname = "here"\nurl = "${scene.url}/simple/"\npriority = "primary"\n`,
    );
    await scene.must(folder, {
      command: [...commandOf("poetry"), "lock", "--no-interaction"],
      env: {},
    });
    const made = wheel({ name: "shell-for-poetry" });
    expect(readFileSync(join(folder, "poetry.lock"), "utf8")).toContain(sha256(made.bytes));
    const env = { POETRY_VIRTUALENVS_IN_PROJECT: "true" };
    await scene.must(folder, {
      command: [...commandOf("poetry"), "install", "--no-interaction"],
      env,
    });
  }, 60_000);
});

test("no upstream ever hears of a name that is published here, claimed or not", async () => {
  for (const name of ["shell-quiet", "quiet-own"]) {
    const made = wheel({ name });
    await scene.publish(made);
    for (const path of [
      `/simple/${name}/`,
      `/simple/${name}`,
      `/root/pypi/+simple/${name}/`,
      `/legacy/+simple/${name}/`,
      `/files/${name}/${made.file}`,
      `/files/${name}/${made.file}.metadata`,
      `/files/${name}/${made.file}.asc`,
      `/files/${name}/missing-1.0.tar.gz`,
      `/files/other/${made.file}`,
      `/root/pypi/+f/abc/0123456789abc/${made.file}`,
      `/integrity/${name}/1.0/${made.file}/provenance`,
      `/integrity/other/1.0/${made.file}/provenance`,
      `/pypi/${name}/json`,
      `/pypi/${name}/9.9/json`,
    ])
      await (await fetch(scene.url + path)).arrayBuffer();
  }
  const told = scene.upstream.requests.filter(({ target, body }) =>
    /(^|\/)shell[-_]|quiet/.test(target + body),
  );
  expect(told).toEqual([]);
}, 120_000);

describe("where nobody reads without a name", () => {
  const folder = tempFolder("private");
  const at = ({ user, password }: Account) =>
    scene.url.replace("://", `://${user}:${password}@`).concat("/simple/");

  beforeAll(async () => {
    await scene.publish(wheel({ name: "shell-private" }));
    scene.server.configure({ access: { anonymous: "none" } });
    await scene.server.restart();
  }, 60_000);

  test("the index asks for a name, and tells nothing", async () => {
    for (const name of ["shell-private", "shell-nowhere", "brine"]) {
      const answer = await fetch(`${scene.url}/simple/${name}/`);
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toBe('Basic realm="holdfast"');
      expect(await answer.text()).not.toContain("published");
    }
  });

  for (const [client, index] of [
    ["pip", (index: string) => ["--index-url", index]],
    ["uv", (index: string) => ["--default-index", index]],
  ] as const)
    withPrograms([client], () => {
      test(`${client} installs with a token, and not without`, async () => {
        const into = join(folder, client);
        const start =
          client === "uv"
            ? ["pip", "install", "--no-cache"]
            : ["install", "--no-cache-dir", "--no-input"];
        const command = (where: string) => [
          ...commandOf(client),
          ...start,
          ...["--target", into, ...index(where), "shell-private"],
        ];
        const refused = await scene.run(folder, {
          command: command(`${scene.url}/simple/`),
          env: {},
        });
        expect(refused.code).not.toBe(0);
        await scene.must(folder, { command: command(at(scene.reading)), env: {} });
        expect(installed(into, "shell_private")).toBe("1.0");
      }, 60_000);
    });

  withPrograms(["twine"], () => {
    test("twine publishes", async () => {
      const { file, bytes } = wheel({ name: "shell-private", version: "1.1" });
      mkdirSync(join(folder, "dist"), { recursive: true });
      writeFileSync(join(folder, "dist", file), bytes);
      const { command, env } = publishers
        .find(({ name }) => name === "twine")!
        .publish(scene.url, scene.ann);
      await scene.must(folder, { command, env });
    }, 60_000);
  });
});
