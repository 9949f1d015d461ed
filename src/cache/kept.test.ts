import { afterEach, expect, test } from "bun:test";
import { createKept } from "./kept.ts";
import { openToy } from "./testkit.ts";

let open: Awaited<ReturnType<typeof openToy>>;
afterEach(() => open.close());

const bytes = (text: string) => Buffer.from(text);

test("a value that only moves forward is kept by who saw the one before it", async () => {
  open = await openToy();
  const { repository } = open;
  const kept = async () => Buffer.from((await repository.kept("head"))!.bytes).toString();
  expect(await repository.swap("head", bytes("1"), bytes("0"))).toBe(false);
  expect(await repository.kept("head")).toBeNull();
  expect(await repository.swap("head", bytes("1"), null)).toBe(true);
  expect(await repository.swap("head", bytes("2"), null)).toBe(false);
  const turns = ["2", "3", "4"].map((text) => repository.swap("head", bytes(text), bytes("1")));
  expect((await Promise.all(turns)).filter(Boolean)).toHaveLength(1);
  expect(await kept()).toBe("2");
  await repository.keep("head", bytes("")); // as when it is forgotten
  expect(await repository.swap("head", bytes("5"), null)).toBe(true);
  expect(await kept()).toBe("5");
});

async function values(limits: { rows: number; bytes: number }) {
  open = await openToy();
  let clock = 1_000_000;
  const { database } = open;
  const shared = { repository: "toy", database, now: () => clock };
  return {
    ...createKept({ ...shared, limits: { ...limits, look: 1 } }),
    wait(ms: number) {
      clock += ms;
    },
    keys: async () =>
      (await database.read`SELECT key FROM kept WHERE repository = 'toy' ORDER BY key`).map(
        ({ key }) => key as string,
      ),
  };
}
const evictable = { evictable: true };
const DAY = 24 * 60 * 60 * 1000;

test("what may be asked for again goes when there is too much of it, least recently used first; the rest stays", async () => {
  const kept = await values({ rows: 3, bytes: 1000 });
  for (const key of ["p1", "p2", "p3", "p4"]) await kept.keep(key, bytes("precious"));
  for (const key of ["a", "b", "c"]) {
    kept.wait(1);
    await kept.keep(key, bytes("again"), evictable);
  }
  kept.wait(2 * DAY);
  expect(await kept.kept("a")).not.toBeNull();
  await kept.keep("d", bytes("again"), evictable);
  expect(await kept.keys()).toEqual(["a", "c", "d", "p1", "p2", "p3", "p4"]);
});

test("it is bounded by its bytes as well, and no value alone is larger than all", async () => {
  const kept = await values({ rows: 100, bytes: 10 });
  for (const key of ["a", "b", "c"]) {
    kept.wait(1);
    await kept.keep(key, bytes("12345"), evictable);
  }
  expect(await kept.keys()).toEqual(["b", "c"]);
  kept.wait(1);
  await kept.keep("large", bytes("12345678901"), evictable);
  expect(await kept.keys()).toEqual([]);
});

test("a value that became precious stays", async () => {
  const kept = await values({ rows: 1, bytes: 1000 });
  await kept.keep("a", bytes("again"), evictable);
  await kept.keep("a", bytes("precious"));
  for (const key of ["b", "c"]) {
    kept.wait(1);
    await kept.keep(key, bytes("again"), evictable);
  }
  expect(await kept.keys()).toEqual(["a", "c"]);
});
