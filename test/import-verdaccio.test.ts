// A Verdaccio's storage folder, taken over by the command into a running server.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "../src/cli/index.ts";
import { fakeTerminal } from "../src/cli/testing.ts";
import { publishDocument } from "../src/formats/npm/testdata/tarball.ts";
import { commands } from "../src/main.ts";
import { makeAccounts } from "./support/accounts.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { startServer, type TestServer } from "./support/server.ts";
import { tempFolder } from "./support/temp.ts";

let upstream: FakeUpstream;
let server: TestServer;
let token: string;
let storage: string;

beforeEach(async () => {
  upstream = await startUpstream();
  server = await startServer(upstream, { claims: { npm: ["@reef/*", "wreck"] } });
  [token] = (await makeAccounts(server, [{ user: "ann", actions: ["admin"] }])) as [string];
  await server.restart();
  storage = tempFolder("verdaccio");
});
afterEach(async () => {
  await server.stop();
  await upstream.stop();
});

interface Wish {
  tags?: Record<string, string>;
  deprecated?: Record<string, string>;
  /** Versions that were fetched from elsewhere. */
  fetched?: string[];
  /** Versions whose bytes are others by now. */
  damaged?: string[];
}

/** As Verdaccio writes it, in the order in which things were published. */
function store(name: string, versions: string[], wish: Wish = {}) {
  const folder = join(storage, name);
  mkdirSync(folder, { recursive: true });
  const short = name.split("/").at(-1);
  const all: Record<string, object> = {};
  const attachments: Record<string, object> = {};
  const distfiles: Record<string, object> = {};
  for (const version of [...versions, ...(wish.fetched ?? [])]) {
    const document = publishDocument({ name, version });
    const data = Object.values(document._attachments)[0]!.data!;
    const file = `${short}-${version}.tgz`;
    const note = wish.deprecated?.[version];
    const manifest = document.versions[version]!;
    const tarball = `http://old.example.test:4873/${name}/-/${file}`;
    all[version] = {
      ...manifest,
      dist: { ...manifest.dist, tarball },
      ...(note && { deprecated: note }),
    };
    attachments[file] = { shasum: manifest.dist.shasum };
    if (wish.fetched?.includes(version)) distfiles[file] = { url: tarball, sha: "" };
    const bytes = wish.damaged?.includes(version) ? Buffer.from("x") : Buffer.from(data, "base64");
    writeFileSync(join(folder, file), bytes);
  }
  const document = {
    name,
    versions: all,
    "dist-tags": wish.tags ?? {},
    _attachments: attachments,
    _distfiles: distfiles,
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify(document));
}

const list = (...names: string[]) =>
  writeFileSync(join(storage, ".verdaccio-db.json"), JSON.stringify({ list: names, secret: "x" }));

async function take(more: string[] = [], env: Record<string, string> = { HOLDFAST_TOKEN: token }) {
  const terminal = fakeTerminal({ env });
  const line = ["import", "verdaccio", storage, "npm", "--url", `${server.url}/npm`, ...more];
  const code = await runCli(line, commands(), terminal);
  return { code, ...terminal.printed };
}

const packument = async (name: string) =>
  (await (await fetch(`${server.url}/npm/${name.replace("/", "%2f")}`)).json()) as {
    "dist-tags": Record<string, string>;
    versions: Record<string, { deprecated?: string }>;
  };

test("versions, tags and deprecations are as they were, whatever order the files have", async () => {
  list("@reef/six", "wreck");
  const tags = { latest: "1.10.0", next: "2.0.0-beta.1" };
  const deprecated = { "1.9.0": "It leaks" };
  store("@reef/six", ["1.10.0", "1.9.0", "2.0.0-beta.1"], { tags, deprecated });
  store("wreck", ["0.1.0"], { fetched: ["0.2.0"], tags: { latest: "0.1.0" } });
  store("kelp", ["9.9.9"]);
  expect((await take(["--dry-run"], {})).out).toBe(
    "@reef/six: 1.9.0 1.10.0 2.0.0-beta.1 (latest=1.10.0 next=2.0.0-beta.1)\nwreck: 0.1.0 (latest=0.1.0); 1 were only fetched\n",
  );
  for (const _ of ["first", "again"]) {
    expect(await take()).toMatchObject({
      code: 0,
      out: "@reef/six: 3 of 3 versions\nwreck: 1 of 1 versions\n4 versions are here.\n",
      err: "",
    });
    const six = await packument("@reef/six");
    expect(six["dist-tags"]).toEqual(tags);
    expect(Object.entries(six.versions).map(([version, one]) => [version, one.deprecated])).toEqual(
      [
        ["1.9.0", "It leaks"],
        ["1.10.0", undefined],
        ["2.0.0-beta.1", undefined],
      ],
    );
    expect(Object.keys((await packument("wreck")).versions)).toEqual(["0.1.0"]);
  }
});

test("a tag that was moved to what Verdaccio never had stays, and one odd version hurts no other", async () => {
  list("@reef/six", "@reef/gone");
  store("@reef/six", ["1.0.0", "1.1.0", "1.2.0"], {
    tags: { latest: "1.1.0", old: "1.2.0" },
    damaged: ["1.2.0"],
  });
  const first = await take();
  expect(first.code).toBe(1);
  expect(first.err).toContain("@reef/six@1.2.0 is not taken over: its tarball");
  expect(first.err).toContain("The tag old of @reef/six is not taken over: names 1.2.0");
  expect(first.err).toContain("@reef/gone is not taken over");
  expect((await packument("@reef/six"))["dist-tags"]).toEqual({ latest: "1.1.0" });
  await fetch(`${server.url}/npm/@reef%2fsix`, {
    method: "PUT",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(publishDocument({ name: "@reef/six", version: "3.0.0" })),
  });
  await take(["--package", "@reef/six"]);
  expect((await packument("@reef/six"))["dist-tags"]).toEqual({ latest: "3.0.0" });
});

test("what is missing is said before anything is done", async () => {
  expect((await take([], {})).err).toContain("HOLDFAST_TOKEN is not set");
  expect((await take()).err).toContain("is no storage of Verdaccio");
  list("@reef/six");
  store("@reef/six", ["1.0.0", "1.1.0"]);
  expect((await take(["--package", "@reef/sixx"])).err).toContain("did you mean @reef/six?");
  const wrong = await take([], { HOLDFAST_TOKEN: "hf_nonsense" });
  expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining("not one of this server's")]);
  list("../outside");
  expect((await take()).err).toContain("is no name of a package");
});
