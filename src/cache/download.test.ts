import { afterEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { readdirSync, renameSync, rmSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { tarGz } from "../../test/support/fake-upstream/archives.ts";
import type { Artifact } from "../core/artifact.ts";
import type { Problem } from "../core/problem.ts";
import type { UpstreamResponse } from "../core/upstream.ts";
import { answer, artifact, bytesOf, openToy, request, sha256, sri } from "./testkit.ts";

const BYTES = Buffer.from("small and honest");
const LARGE = randomBytes(300 * 1024);
const TARBALL = tarGz({ "p/a": LARGE });
const HTML = { "content-type": "text/html; charset=utf-8" };
let toy: Awaited<ReturnType<typeof openToy>>;
afterEach(() => toy.close());

const get = async (file: string, changes: Partial<Artifact> = {}) =>
  bytesOf(await toy.repository.artifact(artifact(file, changes), request()));
const problemOf = (promise: Promise<unknown>): Promise<Problem> =>
  promise.then(
    () => {
      throw new Error("expected a problem");
    },
    (error) => error,
  );
const index = (files: Record<string, unknown>) => answer(200, JSON.stringify({ files }));

/** An answer that tells whether its body was let go of before the end. */
function watched(bytes: Uint8Array, headers: Record<string, string>) {
  const seen = { closed: false };
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for (let at = 0; at < bytes.length; at += 32 * 1024) yield bytes.subarray(at, at + 32 * 1024);
    } finally {
      seen.closed = true;
    }
  }
  return { seen, response: (): UpstreamResponse => answer(200, chunks(), headers) };
}

for (const [what, body, headers] of [
  ["a login page", Buffer.from("<html>Please log in"), HTML],
  ["a long login page", Buffer.alloc(200_000, "<p>Please log in"), HTML],
  ["nothing at all", Buffer.alloc(0), {}],
] as const)
  test(`${what} is not taken for the first bytes of a file that has no digest`, async () => {
    toy = await openToy();
    toy.upstream.behave = () => answer(200, body, headers);
    expect((await problemOf(get("a.info", { namedBy: [] }))).kind).toBe("malformed");
    toy.upstream.behave = () => answer(200, BYTES, { "content-type": "application/json" });
    expect(sha256(await get("a.info", { namedBy: [] }))).toBe(sha256(BYTES));
  });

test("a page in place of a file that has a digest is no attack; the file itself may come as text/html", async () => {
  toy = await openToy();
  let body: Uint8Array = Buffer.from("<html>Please log in");
  toy.upstream.behave = ({ path }) =>
    path === "thing" ? index({ "a.tgz": sri(BYTES) }) : answer(200, body, HTML);
  expect((await problemOf(get("a.tgz"))).kind).toBe("malformed");
  expect(await toy.eventKinds()).toEqual([]);
  body = BYTES;
  expect(sha256(await get("a.tgz"))).toBe(sha256(BYTES));
  const page = { namedBy: [], contentType: "text/html" };
  expect(sha256(await get("page.html", page))).toBe(sha256(BYTES));
});

test("a refusal at the usual place is no answer where the document names another", async () => {
  toy = await openToy();
  toy.upstream.behave = ({ path }) => {
    if (path === "thing") return index({ "a.tgz": { integrity: sri(BYTES), location: "other/a" } });
    return path === "other/a" ? answer(200, BYTES) : answer(403);
  };
  expect(sha256(await get("a.tgz"))).toBe(sha256(BYTES));
});

test("a compressed answer is undone; a broken one is a refusal that lets go of the upstream", async () => {
  toy = await openToy();
  const packed = gzipSync(TARBALL);
  const broken = Buffer.from(packed).fill(0, 100, 40_000);
  for (const [bytes, limit] of [
    [broken, undefined],
    [packed.subarray(0, 200_000), undefined],
    [packed, 100_000],
  ] as const) {
    const { seen, response } = watched(bytes, { "content-encoding": "gzip" });
    toy.upstream.behave = response;
    const changes = { kind: "tarball", namedBy: [], ...(limit && { limit }) };
    expect((await problemOf(get("a.tgz", changes))).kind).toBe("malformed");
    expect(seen.closed).toBe(true);
  }
  toy.upstream.behave = watched(packed, { "content-encoding": "gzip" }).response;
  expect(sha256(await get("a.tgz", { kind: "tarball", namedBy: [] }))).toBe(sha256(TARBALL));
  expect(readdirSync(toy.layout.incoming)).toEqual([]);
});

test("a stronger hash that a later document adds does not replace the first one", async () => {
  toy = await openToy();
  const lie = Buffer.from("a lie");
  let shown = sri(BYTES, "sha1");
  let sent: Uint8Array = lie;
  toy.upstream.behave = ({ path }) =>
    path === "thing" ? index({ "a.tgz": shown }) : answer(200, sent);
  expect((await problemOf(get("a.tgz"))).kind).toBe("tampered");
  shown = `${sri(lie)} ${shown}`;
  toy.clock.shift += 61_000;
  await toy.repository.view(
    { kind: "index", key: "thing", package: "thing", path: "thing" },
    { variant: "all", base: "" },
    {},
  );
  expect((await problemOf(get("a.tgz"))).kind).toBe("tampered");
  sent = BYTES;
  toy.clock.shift += 61_000;
  // What both lists say can be met by no bytes: nothing is served.
  expect((await problemOf(get("a.tgz"))).kind).toBe("tampered");
});

test("a file whose bytes are out of reach for a while is served again when they are back", async () => {
  toy = await openToy();
  toy.upstream.behave = () => answer(200, LARGE);
  await get("a.bin", { namedBy: [] });
  const path = toy.blobPath(sha256(LARGE));
  renameSync(path, `${path}-away`);
  toy.upstream.away = "offline";
  toy.clock.shift += 2_000;
  expect((await problemOf(get("a.bin", { namedBy: [] }))).kind).toBe("offline");
  renameSync(`${path}-away`, path);
  expect(sha256(await get("a.bin", { namedBy: [] }))).toBe(sha256(LARGE));
});

test("a file that is removed while the server knows it is fetched again", async () => {
  toy = await openToy();
  toy.upstream.behave = () => answer(200, LARGE);
  await get("a.bin", { namedBy: [] });
  rmSync(toy.blobPath(sha256(LARGE)));
  toy.clock.shift += 2_000;
  expect(sha256(await get("a.bin", { namedBy: [] }))).toBe(sha256(LARGE));
});

test("what says that it is too large is not even begun", async () => {
  toy = await openToy();
  const { seen, response } = watched(LARGE, { "content-length": `${LARGE.length}` });
  toy.upstream.behave = () => response();
  const problem = await problemOf(get("a", { namedBy: [], limit: 1000 }));
  expect(problem.kind).toBe("malformed");
  expect(problem.message).toContain("larger than 1000 bytes");
  expect(seen.closed).toBe(false);
});

test("a pin is told of also when the file was removed", async () => {
  toy = await openToy();
  toy.upstream.behave = () => answer(200, BYTES);
  expect(await toy.repository.pinned("thing", "a")).toBeNull();
  await get("a", { namedBy: [] });
  await toy.repository.remove([{ package: "thing", file: "a" }]);
  expect(await toy.repository.stored()).toEqual([]);
  expect(await toy.repository.pinned("thing", "a")).toBe(sha256(BYTES));
});

test("all that is stored is told of, however much it is", async () => {
  toy = await openToy();
  await toy.database.write(async (sql) => {
    for (let at = 0; at < 12_000; at++)
      await sql`INSERT INTO artifacts (repository, package, file, version, purl, sha256, size, fetched_at, upstream, path)
        VALUES ('toy', ${`p${at % 7}`}, ${`f${at}`}, '1', '', '', 1, 1, '', '')`;
  });
  const rows = await toy.repository.stored();
  expect(new Set(rows.map(({ file }) => file)).size).toBe(12_000);
  expect(rows).toHaveLength(12_000);
});

const elsewhere: [where: string, changes: Partial<Artifact>, files: object][] = [
  ["a second place", { otherPaths: ["thing/b"], namedBy: [] }, {}],
  ["the document's place", {}, { "a.tgz": { integrity: sri(BYTES), location: "thing/b" } }],
];
for (const [where, changes, files] of elsewhere)
  test(`a no from ${where} is none while the first place is refused`, async () => {
    toy = await openToy();
    toy.upstream.behave = ({ path }) =>
      path === "thing" ? index({ ...files }) : answer(path === "thing/b" ? 404 : 403);
    expect(await problemOf(get("a.tgz", changes))).toMatchObject({
      kind: "refused",
      message: expect.stringContaining("answered 403"),
    });
  });
