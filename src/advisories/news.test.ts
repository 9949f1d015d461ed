import { expect, test } from "bun:test";
import type { Advisories } from "../core/advisory.ts";
import { type Change, createChanges } from "../store/changes.ts";
import type { Query } from "../store/query.ts";
import { createCurrent } from "./current.ts";
import { hearNames, noteNames } from "./news.ts";

const sql = (() => {
  throw new Error("Nothing is asked");
}) as unknown as Query;

/** A server that remembers, and what another one would hear of what is noted here. */
function setUp() {
  const noted: Change[] = [];
  const changes = createChanges({
    isShared: true,
    note: async (_sql, change) => void noted.push(change),
    everywhere: async () => {},
    behind: () => null,
    isHearing: () => true,
    catchUp: async () => {},
  });
  let asked = 0;
  const known = {
    about: async () => {
      asked += 1;
      return [];
    },
  } as unknown as Advisories;
  const current = createCurrent(known);
  hearNames(changes, current);
  const ask = async (name: string) => {
    const before = asked;
    await current.about("toy", name);
    return asked > before;
  };
  return { changes, noted, current, ask };
}

test("packages of which another server's feed told something are looked up again, and no others", async () => {
  const { changes, noted, current, ask } = setUp();
  for (const name of ["thing", "other"]) await ask(name);
  const before = current.revision("toy", "thing");
  await noteNames(changes, sql, [
    { purlType: "toy", name: "thing" },
    { purlType: "php", name: "a/b" },
  ]);
  await noteNames(changes, sql, []);
  expect(noted).toHaveLength(1);
  for (const change of noted) changes.announce(change);
  expect(await ask("thing")).toBe(false); // who read the feed has forgotten it by itself
  await changes.hear(noted);
  expect(await ask("thing")).toBe(true);
  expect(await ask("other")).toBe(false);
  expect(current.revision("toy", "thing")).toBeGreaterThan(before);
});

test("too many to name, a feed's first reading, and what was missed are told as any", async () => {
  const { changes, noted, ask } = setUp();
  const many = Array.from({ length: 201 }, (_, at) => ({ purlType: "toy", name: `p${at}` }));
  await noteNames(changes, sql, many);
  await noteNames(changes, sql, null);
  expect(noted.map(({ key }) => key)).toEqual(["", ""]);
  for (const told of [noted.slice(0, 1), noted.slice(1), null]) {
    await ask("thing");
    expect(await ask("thing")).toBe(false);
    await changes.hear(told);
    expect(await ask("thing")).toBe(true);
  }
});
