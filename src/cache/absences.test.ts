import { afterEach, expect, test } from "bun:test";
import { Problem } from "../core/problem.ts";
import { createAbsences } from "./absences.ts";
import { answer, artifact, bytesOf, index, openToy, request } from "./testkit.ts";

let toy: Awaited<ReturnType<typeof openToy>>;
afterEach(() => toy.close());

const see = (variant = "all") => toy.repository.view(index, { variant, base: "" }, {});
const get = (file: string, changes = {}) =>
  toy.repository.artifact(artifact(file, changes), request());
const outcome = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "found",
    (error) => (error instanceof Problem ? error.kind : String(error)),
  );
const rows = async () =>
  (await toy.database.read`SELECT what, key FROM absences`).map(
    (row: { what: string; key: string }) => `${row.what} ${row.key}`,
  );
const names = (files: Record<string, string | null>) => answer(200, JSON.stringify({ files }));

test("a no of the upstream stays a no while it is away, for ever and after a restart, and says when it was said", async () => {
  toy = await openToy();
  expect(await outcome(see())).toBe("notFound");
  for (const away of ["unreachable", "offline"] as const) {
    toy.upstream.away = away;
    toy.clock.shift += 30 * 86_400_000;
    expect(await outcome(see())).toBe("notFound");
    await toy.restart();
    expect(await outcome(see())).toBe("notFound");
  }
  const problem = (await see().catch((error) => error)) as Problem;
  expect(problem.message).toMatch(
    /^thing is not known to the upstream upstream\.example\.test \(as it was on \d{4}-\d\d-\d\d; it cannot be asked now\)$/,
  );
});

test("an upstream that never said no is not taken to have said it", async () => {
  toy = await openToy();
  toy.upstream.away = "offline";
  expect(await outcome(see())).toBe("offline");
  expect(await outcome(get("a", { namedBy: [] }))).toBe("offline");
  expect(await outcome(toy.repository.ask({ path: "a", package: null }))).toBe("offline");
  toy.upstream.away = null;
  toy.upstream.behave = () => {
    throw new Problem("unreachable", "It answers 500");
  };
  expect(await outcome(see())).toBe("unreachable");
  expect(await rows()).toEqual([]);
});

test("a no is asked again after a minute while the upstream is up, and at once when it is back", async () => {
  toy = await openToy({ freshnessMs: 300_000 });
  for (const _ of [1, 2]) expect(await outcome(see())).toBe("notFound");
  expect(toy.upstream.asked).toHaveLength(1);
  toy.clock.shift += 61_000;
  expect(await outcome(see())).toBe("notFound");
  expect(toy.upstream.asked).toHaveLength(2);
  toy.clock.shift += 61_000;
  toy.upstream.away = "unreachable";
  expect(await outcome(see())).toBe("notFound");
  toy.upstream.away = null;
  toy.upstream.behave = () => names({ a: null });
  expect(await outcome(see())).toBe("found");
});

test("what is stored outlives a no, and a no is forgotten when it is no longer true", async () => {
  toy = await openToy();
  const bytes = Buffer.from("the bytes");
  expect(await outcome(see())).toBe("notFound");
  expect(await outcome(get("a", { namedBy: [] }))).toBe("notFound");
  expect(await rows()).toHaveLength(2);
  toy.clock.shift += 61_000;
  toy.upstream.behave = ({ path }) => (path === "thing" ? names({ a: null }) : answer(200, bytes));
  await see();
  expect(await bytesOf(await get("a", { namedBy: [] }))).toEqual(bytes);
  expect(await rows()).toEqual([]);
  toy.clock.shift += 61_000;
  toy.upstream.behave = () => answer(404);
  expect(await outcome(see())).toBe("found");
  toy.upstream.away = "unreachable";
  expect(await outcome(see())).toBe("found");
  // Gone from here as well: that is no word of the upstream.
  await toy.repository.remove([{ package: "thing", file: "a" }]);
  expect(await outcome(get("a", { namedBy: [] }))).toBe("unreachable");
});

test("a file that no document names, and one that is not where it is named, stay not found", async () => {
  toy = await openToy();
  toy.upstream.behave = ({ path }) => (path === "thing" ? names({ lost: null }) : answer(404));
  expect(await outcome(get("unnamed"))).toBe("notFound");
  expect(await outcome(get("lost"))).toBe("notFound");
  toy.upstream.away = "unreachable";
  toy.clock.shift += 86_400_000;
  await toy.restart();
  expect(await outcome(get("unnamed"))).toBe("notFound");
  expect(await outcome(get("lost"))).toBe("notFound");
  expect(await outcome(get("other"))).toBe("unreachable");
});

test("a no about a file is no longer the last word when a document has named the file since", async () => {
  toy = await openToy();
  toy.upstream.behave = ({ path }) => (path === "thing" ? names({ a: null }) : answer(404));
  expect(await outcome(get("later"))).toBe("notFound");
  toy.clock.shift += 61_000;
  toy.upstream.behave = ({ path }) =>
    path === "thing" ? names({ a: null, later: null }) : answer(404);
  expect(await outcome(see())).toBe("found");
  toy.upstream.away = "unreachable";
  expect(await outcome(get("later"))).toBe("unreachable");
  toy.upstream.away = null;
  toy.clock.shift += 1_000;
  expect(await outcome(get("later"))).toBe("notFound"); // and this is its word of today
  toy.upstream.away = "unreachable";
  await toy.restart();
  expect(await outcome(get("later"))).toBe("notFound");
});

test("a part that the document lacked when it was asked for stays not found; another part is not known", async () => {
  toy = await openToy();
  toy.upstream.behave = () => names({ a: null });
  expect(await outcome(see("file/b"))).toBe("notFound");
  toy.upstream.away = "unreachable";
  toy.clock.shift += 86_400_000;
  await toy.restart();
  expect(await outcome(see("file/b"))).toBe("notFound");
  expect(await outcome(see("file/c"))).toBe("unreachable");
});

test("a question that was answered with no is answered so again, with its status", async () => {
  toy = await openToy();
  const ask = (path: string) => toy.repository.ask({ path, package: null });
  toy.upstream.behave = ({ path }) => answer(path === "lookup/a" ? 410 : 200, "yes");
  await ask("lookup/a");
  await ask("lookup/b");
  await toy.repository.ask({ path: "lookup/c", package: null, method: "POST", body: "x" });
  toy.upstream.away = "offline";
  await toy.restart();
  const { status, bytes, upstream } = await ask("lookup/a");
  expect([status, bytes.length, upstream]).toEqual([410, 0, "upstream.example.test"]);
  expect(await outcome(ask("lookup/b"))).toBe("offline");
  toy.upstream.away = null;
  toy.upstream.behave = () => answer(200, "yes");
  await ask("lookup/a");
  expect(await rows()).toEqual([]);
});

test("a claimed name is no word of the upstream: it leaves no row", async () => {
  toy = await openToy({ claims: ["thing"] });
  expect(await outcome(see())).toBe("notFound");
  expect(await outcome(get("a", { namedBy: [] }))).toBe("notFound");
  expect(await outcome(toy.repository.ask({ path: "a", package: "thing" }))).toBe("notFound");
  toy.upstream.away = "offline";
  expect(await outcome(see())).toBe("notFound");
  expect(await rows()).toEqual([]);
});

test("the oldest are forgotten when there are many", async () => {
  toy = await openToy();
  const limit = 100;
  const absences = createAbsences({
    repository: "toy",
    database: toy.database,
    unavailable: () => null,
    now: () => toy.repository.now(),
    limit,
  });
  for (let at = 0; at < 350; at += 1) {
    toy.clock.shift += 1000;
    await absences.keep("question", [String(at)], "no");
    if (at % 10 === 0) await absences.keep("question", ["used"], "no");
  }
  expect((await rows()).length).toBeLessThanOrEqual(2 * limit);
  expect(await absences.find("question", ["0"])).toBeNull();
  expect(await absences.find("question", ["349"])).not.toBeNull();
  expect(await absences.find("question", ["used"])).not.toBeNull();
});
