import { expect, test } from "bun:test";
import { type Change, createChanges } from "./changes.ts";

const missed = () => {
  throw new Error("Nothing was missed");
};
const change: Change = { kind: "artifact", repository: "npm", key: "left-pad\0left-pad-1.3.0.tgz" };

test("who listens to a kind hears it at once, until the end, and nothing of other kinds", () => {
  const changes = createChanges();
  const heard: Change[] = [];
  const leave = changes.on("artifact", (one) => heard.push(one), missed);
  changes.on("artifact", (one) => heard.push(one), missed);
  changes.announce(change);
  expect(heard).toEqual([change, change]);
  changes.announce({ ...change, kind: "document" });
  expect(heard).toHaveLength(2);
  leave();
  leave();
  changes.announce(change);
  expect(heard).toHaveLength(3);
});

test("who leaves while a change is told keeps nobody else from hearing it", () => {
  const changes = createChanges();
  let heard = 0;
  const leave = changes.on("document", () => leave(), missed);
  changes.on(
    "document",
    () => {
      heard += 1;
    },
    missed,
  );
  changes.announce({ ...change, kind: "document" });
  expect(heard).toBe(1);
});

test("who keeps a copy has read it again before a change made elsewhere is told, and one made here is told at once", async () => {
  const changes = createChanges();
  const steps: string[] = [];
  changes.copy("access", async (some) => {
    await Promise.resolve();
    steps.push(`read for ${some.map(({ key }) => key)}`);
  });
  changes.on(
    "access",
    ({ key }, from) => steps.push(`${key} ${from}`),
    () => steps.push("all"),
  );
  const of = (key: string): Change => ({ kind: "access", repository: "", key });
  changes.announce(of("here"));
  await changes.hear([of("a"), { ...change }, of("b")]);
  await changes.hear([change]);
  await changes.hear(null);
  expect(steps).toEqual([
    "here here",
    "read for a,b",
    "a elsewhere",
    "b elsewhere",
    "read for ",
    "all",
  ]);
});

test("where there is no other server nothing is written, and nothing is waited for", async () => {
  const changes = createChanges();
  const sql = Object.assign(() => missed(), { unsafe: missed, finalize: missed });
  await changes.note(sql, change);
  await changes.everywhere(change);
  expect([changes.isShared, changes.isHearing()]).toEqual([false, true]);
});

test("nobody is told of a change made elsewhere while a copy cannot be read", async () => {
  const changes = createChanges();
  changes.copy("policy", async () => {
    throw new Error("The database is away");
  });
  changes.on("policy", missed, missed);
  await expect(changes.hear([{ ...change, kind: "policy" }])).rejects.toThrow("away");
  await expect(changes.hear(null)).rejects.toThrow("away");
});
