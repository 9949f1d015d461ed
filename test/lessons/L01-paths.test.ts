// L1: no URL becomes a file path. Hostile paths end in a refusal, and nothing but digests and numbers names a stored file.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { openViewFiles } from "../../src/store/view-files.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { sendRaw } from "../support/raw.ts";
import { startServer, type TestServer } from "../support/server.ts";

const SECRET = "what stands outside of the data folder";
let upstream: FakeUpstream;
let server: TestServer;
let home: string;

beforeAll(async () => {
  upstream = await startUpstream();
  server = await startServer(upstream);
  home = dirname(server.data);
  writeFileSync(join(home, "secret.txt"), SECRET);
});
afterAll(async () => {
  await server.stop();
  await upstream.stop();
});

/** Always the same numbers. https://en.wikipedia.org/wiki/Xorshift */
function createDice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % sides;
  };
}

const starts = [
  "/",
  "/npm/",
  "/npm/left-pad/-/",
  "/npm/@reef%2f",
  "/npm/-/package/",
  "/pypi/simple/",
  "/pypi/files/abyss/",
  "/pypi/root/pypi/+f/",
  "/go/example.test/anchor/@v/",
  "/go/sumdb/sum.example.test/tile/",
  "/-/",
];
// Each of them is refused before anything is routed.
const climbs = [
  "%2e%2e/",
  "%2E%2e/",
  ".%2e/",
  "%2e/",
  "..%2f",
  "%2e%2e%2f",
  "..%2F..%2F",
  "%2f",
  "%2f%2e%2e%2f",
  "..%5c",
  "%5c",
  "%00",
  "%0a",
  "%7f",
  "%",
  "%zz",
  "%c0%ae%c0%ae/",
  "%252e%252e/",
  "%25%32%65",
  "..;/",
];
const ends = ["secret.txt", "holdfast.db", "etc/passwd", "v1.0.0.zip", "left-pad-1.3.0.tgz", ""];

/** Everything below a folder, with sizes. */
function tree(folder: string, skip?: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (path === skip) return [];
    return entry.isDirectory() ? tree(path, skip) : [`${path} ${statSync(path).size}`];
  });
}

async function get(path: string) {
  return sendRaw(server.url, [`GET ${path} HTTP/1.1`, `host: ${new URL(server.url).host}`]);
}

test("two thousand random climbs reach no file, no route and no bug", async () => {
  const outside = tree(home, server.data);
  const dice = createDice(0x5eed);
  const pick = (list: string[]) => list[dice(list.length)]!;
  for (let round = 0; round < 2000; round += 1) {
    let path = pick(starts);
    for (let steps = 1 + dice(6); steps > 0; steps -= 1) path += pick(climbs);
    path += pick(ends);
    const { status, body } = await get(path);
    const text = body.toString("latin1");
    const leaks = text.includes(SECRET) || text.includes("SQLite format") || text.includes("root:");
    // What resolves to an ordinary path, such as "/" or "/pypi/simple/", is that path.
    const ordinary = /^[a-zA-Z0-9@./+-]*$/.test(new URL(path, server.url).pathname);
    const fits = ordinary ? [200, 301, 400, 404, 424] : [400, 404];
    expect({ path, leaks, refused: fits.includes(status), status }).toMatchObject({
      leaks: false,
      refused: true,
    });
  }
  expect(tree(home, server.data)).toEqual(outside);
}, 60_000);

test("climbs are refused before anything is routed", async () => {
  // Plain dot segments and backslashes are gone before a path is seen here: Bun resolves them as the URL standard says.
  const faults = ["..%2f", ".%2e%2f", "%2f%2e%2e%2f", "%5c", "%00", "%0d%0a", "%zz", "%", "%7f"];
  for (const start of starts)
    for (const fault of faults) {
      const { status } = await get(`${start}${fault}x`);
      expect({ path: `${start}${fault}x`, status }).toMatchObject({ status: 400 });
    }
});

test("no part of a view's identity is part of its path", async () => {
  const root = join(home, "views");
  const views = openViewFiles(root);
  for (const part of ["../../../up", "/etc/passwd", "a/b", "a\0b", "..", "x".repeat(5000)]) {
    const path = await views.file([part, part], part, [part]).begin();
    expect(path.slice(root.length)).toMatch(/^\/[0-9a-f]{2}\/[0-9a-f]{30}\/[0-9a-z.-]+$/);
  }
});

test("whatever is asked for, stored files are named by digests and numbers", async () => {
  const good = [
    "/npm/left-pad",
    "/npm/left-pad/-/left-pad-1.3.0.tgz",
    "/npm/@reef%2fcoral",
    "/pypi/simple/abyss/",
    "/pypi/files/abyss/abyss-1.2-py3-none-any.whl",
    "/go/example.test/!capstan/!deck/@v/v1.0.0.zip",
    "/go/example.test/old/wreck/@v/v2.1.0+incompatible.mod",
  ];
  for (const path of good) expect((await get(path)).status).toBe(200);
  upstream.fault("*/kelp-2.0.0.tgz", "flip");
  await get("/npm/kelp/-/kelp-2.0.0.tgz");
  upstream.clear();
  const names = tree(server.data).map((line) =>
    line.slice(server.data.length + 1).replace(/ \d+$/, ""),
  );
  expect(names.length).toBeGreaterThan(good.length);
  const allowed =
    /^(?:(?:blobs|evidence)\/sha256\/[0-9a-f]{2}\/[0-9a-f]{62}|views\/[0-9a-f]{2}\/[0-9a-f]{30}\/[0-9a-z.-]+|incoming\/\d+-\d+|(?:holdfast|lock)\.db(?:-wal|-shm|-journal)?|(?:lock|tenure)\.json|log\/(?:key|checkpoint|tile\/(?:\d+|entries)\/(?:x\d{3}\/)*\d{3}(?:\.p\/\d+)?)(?:\.part)?)$/;
  expect(names.filter((name) => !allowed.test(name))).toEqual([]);
});
