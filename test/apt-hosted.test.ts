// Debian packages that are published here, over HTTP and with a clock that the test moves: what is made, what is refused, and what goes when its time is over.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { loadConfig } from "../src/config/load.ts";
import { createLog } from "../src/core/log.ts";
import { parseRelease, type Release } from "../src/formats/apt/release.ts";
import { verifyClearSigned } from "../src/formats/apt/signature.ts";
import { formats } from "../src/formats/index.ts";
import { start } from "../src/server/start.ts";
import { configOf } from "./clients/apt-scene.ts";
import { makeAccounts } from "./support/accounts.ts";
import { type AptPackage, build, source } from "./support/fake-upstream/apt-packages.ts";
import { removeTemp, tempFolder } from "./support/temp.ts";

const HOUR = 60 * 60_000;
const home = tempFolder("apt-hosted");
const data = join(home, "data");
let server: Awaited<ReturnType<typeof start>>;
let shift = 0;
let ann = "";
let eve = "";

const hosted = {
  suites: ["stable", "testing"],
  components: ["main", "contrib"],
  validFor: "4h",
  trash: "30d",
};
const open = () =>
  start({
    config: loadConfig({
      file: join(home, "h.yaml"),
      formats,
      flags: { data, listen: "127.0.0.1:0" },
      env: {},
    }),
    log: createLog("json", () => {}),
    now: () => Date.now() + shift,
  });

beforeAll(async () => {
  writeFileSync(
    join(home, "h.yaml"),
    configOf({
      private: { format: "apt", hosted },
      plain: { format: "apt", offline: true, unverified: true },
    }),
  );
  server = await open();
  await server.stop();
  [ann, eve] = (await makeAccounts(data, [
    { user: "ann", actions: ["publish", "unpublish"], repository: "private" },
    { user: "eve", actions: ["publish"], repository: "private", package: "eve-*" },
  ])) as [string, string];
  server = await open();
});
afterAll(async () => {
  await server.stop();
  removeTemp(home);
});

const url = () => `${server.url.replace(/\/$/, "")}/private`;

async function send(path: string, body: Uint8Array, token = ann, to = url()) {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${to}/-/upload/${path}`, {
    method: "PUT",
    headers,
    body: new Uint8Array(body),
  });
  return { status: answer.status, text: await answer.text() };
}

const put = (item: AptPackage, suite = "stable") =>
  send(`${suite}/${item.name}.deb`, build(item, null).bytes);

async function get(path: string): Promise<Buffer> {
  const answer = await fetch(`${url()}/${path}`);
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
  return Buffer.from(await answer.arrayBuffer());
}
const statusOf = async (path: string) => (await fetch(`${url()}/${path}`)).status;

async function releaseOf(suite = "stable"): Promise<Release> {
  const signed = await get(`dists/${suite}/InRelease`);
  const { text } = await verifyClearSigned(signed, await get("-/key.asc"), {
    at: Date.now() + shift,
  });
  expect((await get(`dists/${suite}/Release`)).toString()).toBe(text);
  return parseRelease(text);
}

async function indexOf(path: string, suite = "stable"): Promise<string> {
  const { files } = await releaseOf(suite);
  const bytes = await get(`dists/${suite}/${path}`);
  expect(createHash("sha256").update(bytes).digest("hex")).toBe(files.get(path)!.hash);
  return gunzipSync(bytes).toString();
}

const packages = async (path = "main/binary-amd64/Packages.gz", suite = "stable") =>
  [...(await indexOf(path, suite)).matchAll(/^(?:Package|Version): (.*)$/gm)].map(
    ([, name]) => name,
  );

const tidy = async () => {
  const { signal } = new AbortController();
  const lines: string[] = [];
  const call = { progress() {}, say: (line: string) => void lines.push(line), signal };
  const wanted = { name: "apt tidy", repository: "private", flags: new Set<string>() };
  expect(await server.operations.run(wanted, call)).toBe(true);
  return lines;
};

test("a suite is there before anything is in it, and no other is", async () => {
  expect((await get("dists/testing/")).toString()).toContain("InRelease");
  expect(await packages(undefined, "testing")).toEqual([]);
  expect(await statusOf("dists/unstable/InRelease")).toBe(404);
  expect(await statusOf("pool/main/s/shell/shell_1.0_all.deb")).toBe(404);
});

test("a release names what its suite has, in each component, with Contents and sources", async () => {
  expect((await put({ name: "shell", version: "1.0", architecture: "amd64" })).status).toBe(201);
  expect((await put({ name: "coral", version: "2.0" }, "stable/contrib")).status).toBe(201);
  const { files, fields, architectures, components } = await releaseOf();
  expect([architectures, components, fields.get("Origin"), fields.get("Codename")]).toEqual([
    ["amd64"],
    ["main", "contrib"],
    "private",
    "stable",
  ]);
  expect([...files.keys()].filter((path) => path.startsWith("main"))).toEqual(
    ["binary-amd64/Packages", "Contents-amd64", "i18n/Translation-en", "source/Sources"].flatMap(
      (name) =>
        ["", ".gz", ".xz"]
          .filter((form) => form !== ".xz" || !name.startsWith("Contents"))
          .map((form) => `main/${name}${form}`),
    ),
  );
  expect(await packages()).toEqual(["shell", "1.0"]);
  expect(await packages("contrib/binary-amd64/Packages.gz")).toEqual(["coral", "2.0"]);
  expect(await indexOf("main/Contents-amd64.gz")).toBe("usr/share/doc/shell/README misc/shell\n");
  // Named for its hash, and made of the compressed one when somebody asks.
  expect((await get("dists/stable/main/binary-amd64/Packages")).toString()).toContain("shell");
  // And folders list what is published.
  expect((await get("")).toString()).toMatch(/-\/.*dists\/.*pool\//s);
  expect((await get("pool/main/s/shell/")).toString()).toContain("shell_1.0_amd64.deb");
});

test("what cannot be published is refused, and nothing of it is kept", async () => {
  const other = { name: "shell", version: "1.0", architecture: "amd64", salt: "x" };
  expect(await put(other)).toMatchObject({
    status: 409,
    text: expect.stringContaining("other bytes"),
  });
  expect(await put({ name: "arm", version: "1", architecture: "arm64" })).toMatchObject({
    status: 400,
    text: expect.stringContaining("it is of arm64, and its suite of amd64"),
  });
  const shell = build({ name: "shell", version: "3" }, null).bytes;
  expect((await send("unstable/shell.deb", shell)).text).toContain("it has stable, testing");
  expect((await send("stable/free/shell.deb", shell)).text).toContain("it has main, contrib");
  expect((await send("stable/shell.deb", Buffer.from("<html>"))).status).toBe(400);
  // dput-ng goes on after a 403.
  expect((await send("stable/shell.deb", shell, eve)).status).toBe(400);
  expect((await send("stable/shell.deb", shell, "")).status).toBe(401);
  expect((await send("x/shell.deb", shell, ann, url().replace("private", "plain"))).status).toBe(
    400,
  );
  expect(await packages()).toEqual(["shell", "1.0"]);
});

/** A package without its .changes, that, and what is answered where the one is missing for the other. */
function late() {
  const bytes = build({ name: "late", version: "1" }, null).bytes;
  const sums = ` ${createHash("sha256").update(bytes).digest("hex")} ${bytes.length} late_1_all.deb`;
  const changes = Buffer.from(
    `Distribution: stable\nChecksums-Sha256:\n${sums}\nFiles:\n ${"0".repeat(32)} ${bytes.length} misc optional late_1_all.deb\n`,
  );
  const missing = {
    status: 400,
    text: expect.stringContaining("late_1_all.deb that it lists did not come"),
  };
  return { bytes, changes, missing };
}

test("files that came without their .changes are their sender's, who may let go of them", async () => {
  const { bytes, changes, missing } = late();
  expect((await send("late_1_all.deb", bytes)).status).toBe(201);
  const headers = { authorization: `Bearer ${ann}` };
  const gone = await fetch(`${url()}/-/upload/late_1_all.deb`, { method: "DELETE", headers });
  expect(gone.status).toBe(200);
  expect(await send("late.changes", changes)).toMatchObject(missing);
  expect((await send("late_1_all.deb", bytes)).status).toBe(201);
  // Nobody else's are taken for one's own.
  expect(await send("late.changes", changes, eve)).toMatchObject(missing);
  expect((await send("late.changes", changes)).status).toBe(201);
  expect(await packages()).toEqual(["late", "1", "shell", "1.0"]);
});

test("sources stand in Sources, with the authors' tarball of an earlier revision", async () => {
  for (const version of ["1.0-1", "1.0-2"]) {
    const { files } = source("kelp", version);
    const sent = [...files].filter(([path]) => version === "1.0-1" || !path.includes(".orig."));
    const list = sent.map(([path, bytes]) => [path.split("/").at(-1)!, bytes] as const);
    const sums = list.map(
      ([name, bytes]) =>
        ` ${createHash("sha256").update(bytes).digest("hex")} ${bytes.length} ${name}`,
    );
    const changes = `Distribution: stable\nChecksums-Sha256:\n${sums.join("\n")}\nFiles:\n${list.map(([name, bytes]) => ` ${"0".repeat(32)} ${bytes.length} misc optional ${name}`).join("\n")}\n`;
    for (const [name, bytes] of list) expect((await send(name, bytes)).status).toBe(201);
    expect(await send(`kelp_${version}_source.changes`, Buffer.from(changes))).toMatchObject({
      status: 201,
    });
  }
  expect(await packages("main/source/Sources.gz")).toEqual(["kelp", "1.0-1", "kelp", "1.0-2"]);
  expect(await statusOf("pool/main/k/kelp/kelp_1.0.orig.tar.gz")).toBe(200);
});

test("a release is made anew before it is no longer valid, and the same when it is asked for before", async () => {
  const before = await get("dists/stable/InRelease");
  shift += HOUR;
  expect(await get("dists/stable/InRelease")).toEqual(before);
  const { date } = await releaseOf();
  shift += HOUR + 1000;
  const after = await releaseOf();
  expect(after.date! - date!).toBeGreaterThan(HOUR);
  expect(after.validUntil! - after.date!).toBe(4 * HOUR);
});

test("what left a suite, and the indices before, can be fetched for a while", async () => {
  const { files } = await releaseOf();
  const byHash = (path: string, hash: string) => `dists/stable/${path}/by-hash/SHA256/${hash}`;
  const old = byHash("main/binary-amd64", files.get("main/binary-amd64/Packages.gz")!.hash);
  const { signal } = new AbortController();
  const call = { progress() {}, say() {}, signal };
  const values = { package: "late", suite: "stable", by: "the test" };
  await server.operations.run(
    { name: "apt remove", repository: "private", flags: new Set(), values },
    call,
  );
  expect(await packages()).toEqual(["shell", "1.0"]);
  const deb = "pool/main/l/late/late_1_all.deb";
  expect([await statusOf(old), await statusOf(deb)]).toEqual([200, 200]);
  expect(await tidy()).toEqual([]);
  for (let at = 0; at < 6; at += 1) {
    shift += 1000; // no two releases are of the same second
    await put({ name: `more${at}`, version: "1" });
  }
  expect([await statusOf(old), await statusOf(deb)]).toEqual([200, 200]);
  shift += HOUR + 60_000;
  expect(await tidy()).toEqual(["1 files that no suite has any more are in the trash"]);
  expect([await statusOf(old), await statusOf(deb)]).toEqual([404, 404]);
  expect((await packages()).slice(-2)).toEqual(["shell", "1.0"]);
  expect(await packages("main/source/Sources.gz")).toEqual(["kelp", "1.0-1", "kelp", "1.0-2"]);
  expect(await statusOf("pool/main/k/kelp/kelp_1.0.orig.tar.gz")).toBe(200);
}, 30_000);

test("upstreams and `hosted` are two repositories", () => {
  const file = join(home, "wrong.yaml");
  const load = (repository: object) => {
    writeFileSync(file, configOf({ wrong: { format: "apt", ...repository } }));
    return () => loadConfig({ file, formats, flags: {}, env: {} });
  };
  const upstreams = [{ url: "https://vendor.example.test/" }];
  expect(load({ hosted, upstreams })).toThrow("give `hosted` a repository of its own");
  expect(load({ hosted, unverified: true })).toThrow("makes no sense beside `hosted`");
  expect(load({ hosted: { components: ["main"] } })).toThrow("suites");
  expect(load({ hosted: { quota: "5GiB" }, upstreams, unverified: true })).not.toThrow();
});

test("files that came without their .changes are forgotten after a day", async () => {
  const { bytes, changes, missing } = late();
  expect((await send("late_1_all.deb", bytes)).status).toBe(201);
  shift += 23 * HOUR;
  await tidy();
  expect((await send("late.changes", changes)).status).toBeLessThan(300);
  expect((await send("late_1_all.deb", bytes)).status).toBe(201);
  shift += 24 * HOUR + 1000;
  await tidy();
  expect(await send("late.changes", changes)).toMatchObject(missing);
});
