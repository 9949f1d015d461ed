// Real Python clients publish and install private packages, with tokens of this server.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Action } from "../../src/core/grant.ts";
import { attestation } from "../../src/formats/pypi/testdata/attestations.ts";
import {
  contentType,
  type Made,
  sdist,
  uploadForm,
  wheel,
} from "../../src/formats/pypi/testdata/distributions.ts";
import { makeAccounts } from "../support/accounts.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { commandOf, withPrograms } from "./clients.ts";
import {
  type Account,
  type Publisher,
  publishers,
  runIn,
  writeProject,
} from "./pypi-publishers.ts";

/** May publish. */
let ann: Account;
/** May read. */
let ben: Account;
/** Ann's token that may read alone. */
let reading: Account;

const basic = ({ user, password }: Account) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

let upstream: FakeUpstream;
let server: TestServer;
let home: string;
let url: string;

beforeAll(async () => {
  upstream = await startUpstream();
  server = await startServer(upstream, { claims: { pypi: ["shell-*"] } });
  const all = { user: "ann", actions: ["publish", "unpublish"] as Action[], repository: "pypi" };
  const tokens = await makeAccounts(server.data, [
    all,
    { user: "ben", actions: ["read"] },
    { ...all, scope: ["read"] },
  ]);
  [ann, ben, reading] = tokens.map((password) => ({ user: "__token__", password })) as [
    Account,
    Account,
    Account,
  ];
  await server.restart();
  url = `${server.url}/pypi`;
  home = tempFolder("home");
});
afterAll(async () => {
  await server.stop();
  await upstream.stop();
  removeTemp(home);
});

/** Throws unless the client is content. */
async function must(folder: string, command: string[], env: Record<string, string> = {}) {
  const result = await runIn(folder, home, { command, env });
  if (result.code !== 0)
    throw new Error(`${command.join(" ")} ended with ${result.code}:\n${result.output}`);
  return result.output;
}

async function build({ build }: Publisher, folder: string): Promise<void> {
  rmSync(join(folder, "dist"), { recursive: true, force: true });
  if (build) await must(folder, build);
}

interface Shown {
  filename: string;
  hashes: { sha256: string };
  provenance?: string;
}

async function page(name: string): Promise<Shown[]> {
  const answer = await fetch(`${url}/simple/${name}/`, {
    headers: { accept: "application/vnd.pypi.simple.v1+json" },
  });
  if (answer.status === 404) return [];
  return ((await answer.json()) as { files: [] }).files;
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

async function post(made: Made): Promise<Response> {
  const headers = { "content-type": contentType, authorization: basic(ann) };
  return fetch(`${url}/legacy/`, {
    method: "POST",
    headers,
    body: new Uint8Array(uploadForm(made)),
  });
}

for (const one of publishers)
  withPrograms([one.name], () => {
    describe(one.name, () => {
      const name = `shell-${one.name}`;
      const folder = tempFolder(name);
      const publish = (account: Account) => runIn(folder, home, one.publish(url, account));

      test("is refused with a wrong password, and with tokens that may only read", async () => {
        writeProject(one, folder, name, "1.0");
        await build(one, folder);
        // Each another one: who guesses the password of one has to wait.
        const stranger = await publish({ user: `stranger-${one.name}`, password: "guessed" });
        expect(stranger.code).not.toBe(0);
        expect(stranger.output).toMatch(/401|Unauthorized/);
        for (const account of [ben, reading]) {
          const forbidden = await publish(account);
          expect(forbidden.code).not.toBe(0);
          expect(forbidden.output).toMatch(/403|Forbidden/);
        }
        expect(await page(name)).toEqual([]);
      }, 60_000);

      test("publishes, and the same files again", async () => {
        for (const _ of ["first", "again"]) {
          const result = await publish(ann);
          expect([result.code, result.output]).toEqual([0, expect.any(String)]);
        }
        const built = readdirSync(join(folder, "dist"))
          .filter((file) => /\.(whl|gz)$/.test(file))
          .sort();
        expect(built).toHaveLength(2);
        const files = await page(name);
        expect(files.map(({ filename }) => filename).sort()).toEqual(built);
        for (const { filename, hashes } of files)
          expect(hashes.sha256).toBe(sha256(readFileSync(join(folder, "dist", filename))));
      }, 60_000);

      // hatch looks what is there, and does not send it.
      if (one.name !== "hatch")
        test("is told that a version with other bytes exists", async () => {
          const module = join(folder, "src", name.replaceAll("-", "_"), "__init__.py");
          writeFileSync(module, `${readFileSync(module, "utf8")}more = 1\n`);
          await build(one, folder);
          const before = await page(name);
          const result = await publish(ann);
          expect(result.code).not.toBe(0);
          if (one.name !== "flit") expect(result.output).toContain("File already exists");
          expect(await page(name)).toEqual(before);
        }, 60_000);
    });
  });

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
      ...["--index-url", `${url}/simple/`, "--only-binary", ":all:", ...wants],
    ],
  ],
  [
    "uv",
    (wants, into) => [
      ...[...commandOf("uv"), "pip", "install", "--quiet", "--no-cache", "--target", into],
      ...["--index-url", `${url}/simple/`, ...wants],
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
        expect((await post(wheel({ name, version, more }))).status).toBe(200);
        expect((await post(sdist({ name, version, more }))).status).toBe(200);
      }
      const folder = tempFolder("installed");
      const newest = async (want: string) => {
        const into = join(folder, String(Math.random()));
        await must(folder, install([want], into));
        expect(existsSync(join(into, "oyster"))).toBe(true);
        return installed(into, module);
      };
      expect(await newest(name)).toBe("1.1");
      const yank = `${url}/-/yank/${name}/1.1`;
      const headers = { authorization: basic(ann), "content-type": "application/json" };
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
    await post(wheel({ name: "shell-for-poetry" }));
    const folder = tempFolder("poetry");
    writeFileSync(
      join(folder, "pyproject.toml"),
      `[project]\nname = "project"\nversion = "1.0.0"\nrequires-python = ">=3.10,<4"\ndependencies = ["shell-for-poetry"]\n\n[tool.poetry]\npackage-mode = false\n\n[[tool.poetry.source]]\nname = "here"\nurl = "${url}/simple/"\npriority = "primary"\n`,
    );
    await must(folder, [...commandOf("poetry"), "lock", "--no-interaction"]);
    const made = wheel({ name: "shell-for-poetry" });
    expect(readFileSync(join(folder, "poetry.lock"), "utf8")).toContain(sha256(made.bytes));
    const env = { POETRY_VIRTUALENVS_IN_PROJECT: "true" };
    await must(folder, [...commandOf("poetry"), "install", "--no-interaction"], env);
  }, 60_000);

  test("poetry publish --skip-existing passes over what is there", async () => {
    const folder = tempFolder("skip");
    const one = publishers.find(({ name }) => name === "poetry")!;
    writeProject(one, folder, "shell-skip", "1.0");
    await build(one, folder);
    await post(wheel({ name: "shell-skip" }));
    const { command, env } = one.publish(url, ann);
    expect(await must(folder, [...command, "--skip-existing"], env)).toContain(
      "File exists. Skipping",
    );
    expect(await page("shell-skip")).toHaveLength(2);
  }, 60_000);
});

withPrograms(["uv"], () => {
  test("uv publish --check-url sends what is missing, and tells what differs", async () => {
    const folder = tempFolder("check");
    const one = publishers.find(({ name }) => name === "uv")!;
    writeProject(one, folder, "shell-check", "1.0");
    await build(one, folder);
    const { command, env } = one.publish(url, ann);
    const check = [...command, "--check-url", `${url}/simple/`];
    await must(folder, check, env);
    expect(await must(folder, check, env)).toContain("already exists, skipping");
    const { file, bytes } = wheel({ name: "shell-check", more: "Summary: other\n" });
    writeFileSync(join(folder, "dist", file), bytes);
    const result = await runIn(folder, home, { command: check, env });
    expect(result.code).not.toBe(0);
    expect(result.output).toContain("do not match");
  }, 60_000);
});

withPrograms(["uv"], () => {
  test("uv publishes the attestations that lie beside a file", async () => {
    const folder = tempFolder("attested");
    const { file, bytes } = wheel({ name: "shell-attested" });
    const said = attestation({ file, sha256: sha256(bytes) });
    mkdirSync(join(folder, "dist"));
    writeFileSync(join(folder, "dist", file), bytes);
    writeFileSync(join(folder, "dist", `${file}.publish.attestation`), JSON.stringify(said));
    const { command, env } = publishers.find(({ name }) => name === "uv")!.publish(url, ann);
    await must(folder, command, env);
    const [shown] = await page("shell-attested");
    expect(shown!.provenance).toBe(`${url}/integrity/shell-attested/1.0/${file}/provenance`);
    const provenance = await (await fetch(shown!.provenance!)).json();
    expect(provenance).toMatchObject({
      version: 1,
      attestation_bundles: [{ publisher: { kind: "GitHub" }, attestations: [said] }],
    });
  }, 60_000);
});

test("no upstream ever hears of a name that is published here, claimed or not", async () => {
  for (const name of ["shell-quiet", "quiet-own"]) {
    const made = wheel({ name });
    expect((await post(made)).status).toBe(200);
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
      await (await fetch(url + path)).arrayBuffer();
  }
  const told = upstream.requests.filter(({ target, body }) =>
    /(^|\/)shell[-_]|quiet/.test(target + body),
  );
  expect(told).toEqual([]);
}, 60_000);

describe("where nobody reads without a name", () => {
  const folder = tempFolder("private");
  const at = ({ user, password }: Account) =>
    url.replace("://", `://${user}:${password}@`).concat("/simple/");

  beforeAll(async () => {
    expect((await post(wheel({ name: "shell-private" }))).status).toBe(200);
    await server.restart({ access: { anonymous: "none" } });
  });

  test("the index asks for a name, and tells nothing", async () => {
    for (const name of ["shell-private", "shell-nowhere", "brine"]) {
      const answer = await fetch(`${url}/simple/${name}/`);
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
        const refused = await runIn(folder, home, { command: command(`${url}/simple/`), env: {} });
        expect(refused.code).not.toBe(0);
        await must(folder, command(at(reading)));
        expect(installed(into, "shell_private")).toBe("1.0");
      }, 60_000);
    });

  withPrograms(["twine"], () => {
    test("twine publishes", async () => {
      const { file, bytes } = wheel({ name: "shell-private", version: "1.1" });
      mkdirSync(join(folder, "dist"), { recursive: true });
      writeFileSync(join(folder, "dist", file), bytes);
      const { command, env } = publishers.find(({ name }) => name === "twine")!.publish(url, ann);
      await must(folder, command, env);
    }, 60_000);
  });
});
