// What every command runs first: dependencies are installed when they are not those of the lock file, and left alone when they are.
import { afterAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeTemp, tempFolder } from "./support/temp.ts";

const root = tempFolder("install");
afterAll(() => removeTemp(root));
for (const folder of ["scripts", "node_modules/.bin", "path"])
  mkdirSync(join(root, folder), { recursive: true });
copyFileSync("scripts/install.sh", join(root, "scripts/install.sh"));
writeFileSync(join(root, "package-lock.json"), "one");
for (const [file, text] of [
  ["node_modules/.bin/bun", ""],
  ["path/npm", `#!/bin/sh\necho "npm $1"\n`],
] as const) {
  writeFileSync(join(root, file), text);
  chmodSync(join(root, file), 0o755);
}

function install(): string {
  const env = { PATH: `${join(root, "path")}:/usr/bin:/bin` };
  const { status, stdout, stderr } = spawnSync("sh", [join(root, "scripts/install.sh")], { env });
  expect([status, String(stdout)]).toEqual([0, ""]);
  return String(stderr);
}

test("what is installed is told from the lock file by content, not by times", () => {
  expect(install()).toContain("npm install");
  expect(install()).toBe("");
  // As after a checkout, or in a copy that is somebody else's.
  utimesSync(join(root, "package-lock.json"), new Date(2100, 0), new Date(2100, 0));
  expect(install()).toBe("");
  writeFileSync(join(root, "package-lock.json"), "two");
  expect(install()).toContain("npm install");
  expect(install()).toBe("");
});
