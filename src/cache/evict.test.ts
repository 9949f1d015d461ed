import { afterEach, beforeEach, expect, test } from "bun:test";
import { takeOut } from "./evict.ts";
import { BEGINNING, type Judged, judgedFiles, PAGE } from "./keepers.ts";
import { answer, artifact, bytesOf, index, openToy, request, sha256, sri } from "./testkit.ts";

const MINUTE = 60_000;
const bytes = (file: string) => Buffer.from(`the bytes of ${file}`);
let toy: Awaited<ReturnType<typeof openToy>>;
/** What the upstream has. */
let files: string[];

beforeEach(async () => {
  toy = await openToy();
  files = ["a.tgz", "b.tgz", "c.tgz"];
  toy.upstream.behave = ({ path }) => {
    if (path === "thing")
      return answer(
        200,
        JSON.stringify({
          files: Object.fromEntries(files.map((file) => [file, sri(bytes(file))])),
        }),
      );
    const file = path.split("/").at(-1)!;
    return files.includes(file) ? answer(200, bytes(file)) : answer(404);
  };
});
afterEach(() => toy.close());

async function use(file: string): Promise<string> {
  return Buffer.from(
    await bytesOf(await toy.repository.artifact(artifact(file), request())),
  ).toString();
}
const judged = () =>
  judgedFiles(toy.database.read, "toy", BEGINNING, Date.now() + toy.clock.shift + 1);
const order = async () => (await judged()).map(({ file }) => file);
const keptBy = async () =>
  Object.fromEntries((await judged()).map(({ file, keptBy }) => [file, keptBy]));

test("files stand in the order of their last use, also across a restart", async () => {
  for (const file of files) {
    await use(file);
    toy.clock.shift += MINUTE;
  }
  expect(await order()).toEqual(["a.tgz", "b.tgz", "c.tgz"]);
  toy.clock.shift += 11 * MINUTE;
  await use("a.tgz");
  expect(await order()).toEqual(["a.tgz", "b.tgz", "c.tgz"]); // it is only noted
  await toy.shared.uses.flush();
  expect(await order()).toEqual(["b.tgz", "c.tgz", "a.tgz"]);
  await toy.restart();
  expect(await order()).toEqual(["b.tgz", "c.tgz", "a.tgz"]);
  // From the catalog, and in memory no longer.
  toy.clock.shift += 11 * MINUTE;
  await use("b.tgz");
  await toy.shared.uses.flush();
  expect(await order()).toEqual(["c.tgz", "a.tgz", "b.tgz"]);
});

test("what was taken out comes again with its pin, and other bytes are refused", async () => {
  for (const file of files) await use(file);
  const all = await judged();
  const gone = await takeOut(toy.shared, "toy", all);
  expect(gone).toHaveLength(3);
  // Its bytes are there until they are removed, under the lock of naming.
  expect(await toy.blobs.stored(sha256(bytes("a.tgz")))).not.toBeNull();
  for (const one of gone) expect(await toy.naming.remove(one.sha256)).toBe(true);
  expect(await toy.blobs.stored(sha256(bytes("a.tgz")))).toBeNull();
  const [totals] = await toy.database.read`SELECT files, fetched FROM totals`;
  expect([Number(totals.files), Number(totals.fetched)]).toEqual([0, 0]);

  expect(await use("a.tgz")).toBe("the bytes of a.tgz");
  const behave = toy.upstream.behave;
  toy.upstream.behave = (asked) =>
    asked.path.endsWith("b.tgz") ? answer(200, Buffer.from("others")) : behave(asked);
  await expect(use("b.tgz")).rejects.toThrow("other bytes");
  expect(await toy.repository.pinned("thing", "b.tgz")).toBe(sha256(bytes("b.tgz")));
  expect(await toy.eventKinds()).toContain("tampered");
});

test("one that was used since it was looked at stays", async () => {
  for (const file of files) await use(file);
  const all = await judged();
  toy.clock.shift += 11 * MINUTE;
  await use("b.tgz");
  await toy.shared.uses.flush();
  const gone = await takeOut(toy.shared, "toy", all);
  expect(gone.map(({ file }) => file)).toEqual(["a.tgz", "c.tgz"]);
  expect(await order()).toEqual(["b.tgz"]);
});

test("a client that was answered before reads to the end", async () => {
  await use("a.tgz");
  const reply = await toy.repository.artifact(artifact("a.tgz"), request());
  await takeOut(toy.shared, "toy", await judged());
  expect(Buffer.from(await bytesOf(reply)).toString()).toBe("the bytes of a.tgz");
});

test("what its upstream no longer has, or has altered, is kept", async () => {
  await toy.repository.view(index, { variant: "all", base: "" }, {});
  for (const file of files) await use(file);
  expect(await keptBy()).toEqual({ "a.tgz": null, "b.tgz": null, "c.tgz": null });
  const named = files.map((file) => [
    file,
    file === "b.tgz" ? sri(Buffer.from("x")) : sri(bytes(file)),
  ]);
  const without = named.filter(([file]) => file !== "a.tgz");
  toy.upstream.behave = () => answer(200, JSON.stringify({ files: Object.fromEntries(without) }));
  await toy.repository.model(index, "now").catch(() => {});
  expect(await keptBy()).toEqual({
    "a.tgz": "gone upstream",
    "b.tgz": "altered upstream",
    "c.tgz": null,
  });
  toy.upstream.behave = () => answer(404);
  await toy.repository.model(index, "now").catch(() => {});
  expect((await keptBy())["c.tgz"]).toBe("gone upstream");
});

test("what the upstream says that it has no more, when its bytes were lost, is kept", async () => {
  await use("a.tgz");
  await toy.blobs.remove(sha256(bytes("a.tgz")));
  toy.clock.shift += MINUTE;
  await toy.restart();
  files = [];
  toy.upstream.behave = () => answer(404);
  await expect(use("a.tgz")).rejects.toThrow();
  expect(await keptBy()).toEqual({ "a.tgz": "gone upstream" });
});

test("an archive that is packed anew is kept where nobody promises its bytes", async () => {
  await toy.repository.view(index, { variant: "all", base: "" }, {});
  for (const file of files) await use(file);
  await toy.database.write(
    (
      sql,
    ) => sql`INSERT INTO pins (repository, package, file, sha256, size, first_seen, upstream, content)
      VALUES ('toy', 'thing', 'e.tgz', 'e', 1, 1, 'u', 'what it holds')`,
  );
  await toy.database.write(
    (
      sql,
    ) => sql`INSERT INTO artifacts (repository, package, file, version, purl, sha256, size, fetched_at, upstream, path, used_at)
      VALUES ('toy', 'thing', 'e.tgz', '1', 'p', 'e', 1, 1, 'u', '/', 1)`,
  );
  expect((await keptBy())["e.tgz"]).toBe("packed anew upstream");
  expect((await keptBy())["a.tgz"]).toBeNull();
});

test("what is published here is never looked at, nor counted", async () => {
  await use("a.tgz");
  await toy.database.write(async (sql) => {
    await sql`INSERT INTO artifacts (repository, package, file, version, purl, sha256, size, fetched_at, upstream, path)
      VALUES ('toy', 'own', 'own.tgz', '1', 'p', 'o', 1000, 1, 'published here', '/')`;
  });
  expect(await order()).toEqual(["a.tgz"]);
  const [totals] = await toy.database.read`SELECT bytes, fetched FROM totals`;
  expect(Number(totals.bytes) - Number(totals.fetched)).toBe(1000);
});

test("a walk has each file once, page by page, also where all were used at one time", async () => {
  const count = 2 * PAGE + 3;
  await toy.database.write(async (sql) => {
    for (let at = 0; at < count; at += 1)
      await sql`INSERT INTO artifacts (repository, package, file, version, purl, sha256, size, fetched_at, upstream, path, used_at)
        VALUES ('toy', ${`p${at % 7}`}, ${`f${at}`}, '1', 'p', ${`s${at}`}, 1, 1, 'u', '/', 5)`;
  });
  const seen: string[] = [];
  let after = BEGINNING;
  for (;;) {
    const page: Judged[] = await judgedFiles(toy.database.read, "toy", after, 10);
    if (page.length === 0) break;
    for (const { package: name, file } of page) seen.push(`${name}/${file}`);
    after = page.at(-1)!;
  }
  expect(new Set(seen).size).toBe(count);
  expect(seen).toHaveLength(count);
});
