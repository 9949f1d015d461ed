import { expect, test } from "bun:test";
import { type Change, createChanges } from "./changes.ts";

const change: Change = { kind: "artifact", repository: "npm", key: "left-pad\0left-pad-1.3.0.tgz" };

test("who listens to a kind hears it at once, until the end, and nothing of other kinds", () => {
  const changes = createChanges();
  const heard: Change[] = [];
  const leave = changes.on("artifact", (one) => heard.push(one));
  changes.on("artifact", (one) => heard.push(one));
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
  const leave = changes.on("document", () => {
    leave();
  });
  changes.on("document", () => {
    heard += 1;
  });
  changes.announce({ ...change, kind: "document" });
  expect(heard).toBe(1);
});
