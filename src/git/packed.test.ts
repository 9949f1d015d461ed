import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packRefs, withRefs } from "./packed.ts";
import { makeRepository } from "./testkit.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

const [a, b] = ["a".repeat(40), "b".repeat(40)];

test("lines are added in the order of their bytes, and what follows a line stays behind it", () => {
  const header = "# pack-refs with: peeled fully-peeled sorted \n";
  const text = `${header}${a} refs/heads/main\n${a} refs/tags/v1\n^${b}\n${a} refs/tags/\u00e9\n`;
  const added = new Map([
    [`refs/kept/${b}`, b],
    [`refs/kept/${a}`, a],
  ]);
  expect(withRefs(text, added)).toBe(
    `${header}${a} refs/heads/main\n${a} refs/kept/${a}\n${b} refs/kept/${b}\n${a} refs/tags/v1\n^${b}\n${a} refs/tags/\u00e9\n`,
  );
  expect(withRefs(text, new Map())).toBe(text);
});

test("git reads what was added, beside what it had, in a repository with packed refs and in one without", async () => {
  const code = makeRepository();
  cleanups.push(code.remove);
  const gitDir = join(code.folder, ".git");
  const commit = code.commit({ "a.txt": "one\n" });
  await packRefs(gitDir, new Map([[`refs/kept/${commit}`, commit]]));
  code.git("tag", "--annotate", "--message", "A release", "v1.0.0");
  code.git("pack-refs", "--all");
  const other = code.commit({ "a.txt": "two\n" });
  await packRefs(gitDir, new Map([[`refs/kept/${other}`, other]]));
  const refs = code.git("for-each-ref", "--format=%(objectname) %(*objectname) %(refname)");
  expect(refs.split("\n").sort()).toEqual(
    [
      `${other}  refs/heads/main`,
      `${commit}  refs/kept/${commit}`,
      `${other}  refs/kept/${other}`,
      `${code.git("rev-parse", "v1.0.0")} ${commit} refs/tags/v1.0.0`,
    ].sort(),
  );
  code.git("update-ref", "-d", `refs/kept/${commit}`);
  code.git("fsck", "--strict");
});

test("who has the lock is not disturbed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-packed-"));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "packed-refs"), "as it was\n");
  writeFileSync(join(folder, "packed-refs.lock"), "");
  await expect(packRefs(folder, new Map([["refs/kept/x", a]]))).rejects.toThrow("EEXIST");
  expect(readFileSync(join(folder, "packed-refs"), "utf8")).toBe("as it was\n");
});
