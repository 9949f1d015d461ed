import { afterEach, beforeEach, expect, test } from "bun:test";
import { swapFacts } from "../ledger/fact-rows.ts";
import { meet } from "../ledger/facts.ts";
import { answer, artifact, bytesOf, openToy, request, sha256 } from "./testkit.ts";
import { takeBackPin } from "./unpin.ts";

const WRONG = Buffer.from("what a proxy said");
const RIGHT = Buffer.from("the file itself");
const key = { repository: "toy", package: "thing", file: "a.info" };
const because = { reason: "a proxy sent its page", by: "somebody" };
let toy: Awaited<ReturnType<typeof openToy>>;
let sent = WRONG;
beforeEach(async () => {
  toy = await openToy();
  sent = WRONG;
  toy.upstream.behave = () => answer(200, sent);
});
afterEach(() => toy.close());

const get = async () =>
  bytesOf(await toy.repository.artifact(artifact("a.info", { namedBy: [] }), request()));

test("a file whose pin was taken back is fetched and pinned anew; who, when and why is kept", async () => {
  await get();
  sent = RIGHT;
  expect(sha256(await get())).toBe(sha256(WRONG));
  expect(await takeBackPin(toy.shared, { ...key, ...because })).toBe(sha256(WRONG));
  expect(await toy.blobs.stat(sha256(WRONG))).toBeNull();
  expect(await toy.repository.pinned("thing", "a.info")).toBeNull();
  expect(sha256(await get())).toBe(sha256(RIGHT));
  expect(await toy.repository.pinned("thing", "a.info")).toBe(sha256(RIGHT));
  expect(await toy.events()).toMatchObject([
    { kind: "unpinned", file: "a.info", detail: { ...because, sha256: sha256(WRONG) } },
  ]);
  expect(await toy.database.read`SELECT * FROM unpinned`).toMatchObject([
    { ...key, ...because, sha256: sha256(WRONG) },
  ]);
});

test("what was refused for its pin is asked for again at once", async () => {
  await get();
  await toy.repository.remove([{ package: "thing", file: "a.info" }]);
  sent = RIGHT;
  await expect(get()).rejects.toMatchObject({ kind: "tampered" });
  await takeBackPin(toy.shared, { ...key, ...because });
  expect(sha256(await get())).toBe(sha256(RIGHT));
});

test("the pin that is made anew is as final as any, and so is what was written down", async () => {
  await get();
  await takeBackPin(toy.shared, { ...key, ...because });
  toy.clock.shift += 1000;
  await get();
  for (const statement of ["DELETE FROM pins", "UPDATE pins SET sha256 = 'x'"])
    await expect(toy.database.write((sql) => sql.unsafe(statement))).rejects.toThrow("are final");
  for (const statement of ["DELETE FROM unpinned", "UPDATE unpinned SET reason = 'x'"])
    await expect(toy.database.write((sql) => sql.unsafe(statement))).rejects.toThrow("is final");
});

test("a pin that is not there is told, with those that are", async () => {
  await get();
  await expect(
    takeBackPin(toy.shared, { ...key, file: "b.info", ...because }),
  ).rejects.toMatchObject({ kind: "notFound", message: expect.stringContaining("a.info") });
  expect(await toy.eventKinds()).toEqual([]);
});

test("a pin stays where documents told another integrity since: the first one binds, and nobody would have the file any more", async () => {
  await get();
  const told = (integrity: string) => ({ file: "a.info", version: "1", integrity });
  const when = { complete: true, isKnown: true, now: "2026-01-01T00:00:00.000Z" };
  const [first, second] = ["a", "b"].map((letter) => `sha256-${letter.repeat(43)}=`);
  const { fact } = meet(null, told(first!), when);
  const store = (one: typeof fact) =>
    toy.database.write((sql) => swapFacts(sql, "toy", "thing", [one]));
  await store(fact);
  const { fact: shown } = meet({ ...fact, revision: 1 }, told(second!), when);
  expect(shown.tampered).toMatchObject({ shown: second! });
  await store(shown);
  await expect(takeBackPin(toy.shared, { ...key, ...because })).rejects.toMatchObject({
    kind: "conflict",
    message: expect.stringContaining("block the release"),
  });
  expect(await toy.repository.pinned("thing", "a.info")).toBe(sha256(WRONG));
});
