import { afterAll, expect, test } from "bun:test";
import { chownSync, statSync } from "node:fs";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../test/support/temp.ts";
import { refuseForOwner } from "./owner.ts";

const folder = tempFolder("owner");
afterAll(() => removeTemp(folder));

test("root makes nothing in a folder of another user, who is called by name", () => {
  // For root there is one of somebody else; for anybody else the own one is.
  if (process.getuid!() === 0) chownSync(folder, 1, 1);
  expect(() => refuseForOwner(folder, 0)).toThrow(
    statSync(folder).uid === 1 ? "runuser -u daemon -- holdfast" : "runuser -u ",
  );
  expect(() => refuseForOwner(folder, 1000)).not.toThrow(); // the system says it
  expect(() => refuseForOwner("/", 0)).not.toThrow();
  expect(() => refuseForOwner(join(folder, "none"), 0)).not.toThrow();
});
