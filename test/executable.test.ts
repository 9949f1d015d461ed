// The executable, as somebody has it who has nothing else: one file in an empty folder, with no PATH and no home, serves and publishes packages of every format.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { buildExecutable, commitOf, ownTarget, type Target, targets } from "../scripts/build.ts";
import { configText } from "./support/config.ts";
import { build } from "./support/fake-upstream/apt-packages.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { npmPublication } from "./support/npm-package.ts";
import { freePort, type ServerProcess, startProcess } from "./support/process.ts";
import { run } from "./support/run.ts";
import { removeTemp, tempFolder } from "./support/temp.ts";
import { waitFor } from "./support/wait.ts";

const home = tempFolder("executable");
const program = join(home, "alone", "holdfast");
/** No program can be found by its name, and nobody is at home. */
const env = { PATH: "", HOME: join(home, "nobody") };
let upstream: FakeUpstream;
let server: ServerProcess;

/** A feed that tells of one package. */
const gap = join(home, "gap");

beforeAll(async () => {
  mkdirSync(gap);
  const affected = [{ package: { ecosystem: "npm", name: "nothing" }, versions: ["1.0.0"] }];
  const record = { id: "MAL-1", modified: "2026-01-01T00:00:00Z", affected };
  writeFileSync(join(gap, "MAL-1.json"), JSON.stringify(record));
  const made = join(home, "made", "holdfast");
  await buildExecutable(ownTarget as Target, made, "0123456789ab");
  mkdirSync(join(home, "alone"));
  copyFileSync(made, program);
  // Read by Bun wherever it stands, if it were let.
  writeFileSync(join(home, "alone", ".env"), "HOLDFAST_LISTEN=nowhere\n");
  writeFileSync(join(home, "alone", "bunfig.toml"), 'preload = ["./none.ts"]\n');
  upstream = await startUpstream();
  server = await startProcess({
    program: [program],
    env,
    config: configText(upstream, {
      claims: { npm: ["@acme/*"] },
      own: { private: {} },
      server: { access: { anonymous: "read" }, feeds: [{ name: "gap", directory: gap }] },
    }).replace(
      '"repositories": {',
      '"repositories": { "private": { "format": "apt", "hosted": { "suites": ["stable"] } },',
    ),
  });
}, 240_000);
afterAll(async () => {
  await server?.stop();
  await upstream?.stop();
  removeTemp(home);
});

const holdfast = (...words: string[]) =>
  run([program, ...words], { cwd: join(home, "alone"), env, timeout: 120_000 });

/** A command on the running server's data. */
async function command(...words: string[]): Promise<string> {
  const { code, output } = await holdfast(
    ...words,
    "--config",
    server.config,
    "--data",
    server.data,
  );
  expect([words.join(" "), code, output]).toEqual([words.join(" "), 0, output]);
  return output;
}

async function get(path: string): Promise<string> {
  const response = await fetch(server.url + path);
  const bytes = Buffer.from(await response.arrayBuffer());
  expect([path, response.status]).toEqual([path, 200]);
  return createHash("sha256").update(bytes).digest("hex");
}

const FETCHED = [
  "/npm/kelp",
  "/npm/kelp/-/kelp-2.0.0.tgz",
  "/pypi/simple/estuary/",
  "/pypi/files/estuary/estuary-1.0.1-py3-none-any.whl",
  "/go/example.test/hull/@v/list",
  "/go/example.test/hull/@v/v1.4.0.mod",
  "/go/example.test/hull/@v/v1.4.0.zip",
  "/composer/packages.json",
  "/composer/p2/reef/coral.json",
  "/debian/dists/stable/InRelease",
  "/debian/dists/stable/main/binary-amd64/Packages.xz",
  "/debian/pool/main/h/hello/hello_2.10-3_amd64.deb",
  "/debian/-/key.asc",
];

test("it says which Holdfast it is, and of which sources", async () => {
  const { output } = await holdfast("--version");
  expect(output).toBe(`holdfast ${manifest.version} (0123456789ab, ${ownTarget})\n`);
  expect(commitOf()).toMatch(/^[0-9a-f]{12}(-changed)?$|^null$/);
});

test("it serves packages of every format, and goes on without their upstreams", async () => {
  const paths = [await distOf("/composer/p2/reef/coral.json"), ...FETCHED];
  const before = new Map<string, string>();
  for (const path of paths) before.set(path, await get(path));
  await upstream.off();
  try {
    await server.restart();
    for (const path of paths) expect([path, await get(path)]).toEqual([path, before.get(path)!]);
  } finally {
    await upstream.on();
  }
  expect(server.events()).toEqual([]);
}, 60_000);

test("it knows of bad releases before it reads a feed of them", async () => {
  const seeds = ["Go", "Packagist", "PyPI", "npm"].map((name) => `seed/${name} `);
  let list = "";
  const isTold = async () => {
    list = await command("feeds", "list");
    return seeds.every((name) => list.includes(name));
  };
  await waitFor(isTold, () => list, 60_000);
  const words = ["--config", server.config, "--data", server.data];
  const show = () => holdfast("advisories", "show", "GO-2021-0113", ...words);
  await waitFor(
    async () => (await show()).output.includes("golang.org/x/text"),
    () => list,
    60_000,
  );
}, 130_000);

/** An archive that a document of Composer's names. */
async function distOf(document: string): Promise<string> {
  const text = await (await fetch(server.url + document)).text();
  const [path] = /\/composer\/dists\/[^"]+/.exec(text.replaceAll("\\/", "/")) ?? [];
  return path!;
}

test("it publishes, with accounts of its own", async () => {
  const added = spawnSync(
    program,
    ["user", "add", "ann", "--password-stdin", "--data", server.data, "--config", server.config],
    { env, input: "correct horse battery\n", encoding: "utf8" },
  );
  expect([added.status, added.stderr]).toEqual([0, ""]);
  await command("grant", "add", "user:ann", "publish", "--repository", "npm");
  const said = await command("token", "create", "ann");
  const [token] = /hfp?_\w+/.exec(said) ?? [];
  const { body } = npmPublication("@acme/one", "1.0.0");
  const published = await fetch(`${server.url}/npm/@acme%2fone`, {
    method: "PUT",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body,
  });
  expect([published.status, await published.text()]).toEqual([201, expect.any(String)]);
  await get("/npm/@acme%2fone");
  const file = join(home, "shell_1.0_all.deb");
  writeFileSync(file, build({ name: "shell", version: "1.0" }, null).bytes);
  await command("publish", "apt", "--repository", "private", file);
  await get("/private/dists/stable/InRelease");
}, 60_000);

test("its commands work beside it, and a backup of it is served", async () => {
  expect(await command("doctor")).toContain("npm");
  expect(await command("config", "check")).toBeString();
  expect(await command("health", "--listen", new URL(server.url).host)).toContain("127.0.0.1");
  expect(await command("verify")).toContain("all true to their digests");
  await command("gc", "--dry-run");
  await command("policy", "held");
  const copy = join(home, "copy");
  await command("backup", copy);
  expect((await holdfast("backup", "verify", copy)).code).toBe(0);
  const restored = join(home, "restored");
  await command("reload");
  const { code, output } = await holdfast("restore", copy, "--data", restored);
  expect([code, output]).toEqual([0, expect.any(String)]);
  const other = await startProcess({
    program: [program],
    env,
    data: restored,
    port: await freePort(),
    config: readFileSync(server.config, "utf8"),
  });
  try {
    expect((await fetch(`${other.url}/npm/kelp/-/kelp-2.0.0.tgz`)).status).toBe(200);
  } finally {
    await other.stop();
  }
}, 90_000);

test("the same sources make the same bytes", async () => {
  const again = join(home, "again", "holdfast-other-name");
  await buildExecutable(ownTarget as Target, again, "0123456789ab");
  const digest = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");
  expect(digest(again)).toBe(digest(program));
  expect(Object.keys(targets)).toContain(ownTarget);
}, 120_000);
