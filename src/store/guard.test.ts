import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../test/support/temp.ts";
import { guard, lookAt, namesIn } from "./guard.ts";

const failing = (code: string) => Promise.reject(Object.assign(new Error(code), { code }));

test("a full disk, a full quota and too many open files are told by name, and nothing else is", async () => {
  for (const code of ["ENOSPC", "EDQUOT"])
    await expect(guard(failing(code))).rejects.toMatchObject({ kind: "full" });
  for (const code of ["EMFILE", "ENFILE"])
    await expect(guard(failing(code))).rejects.toMatchObject({ kind: "unreachable" });
  await expect(guard(failing("ENOENT"))).rejects.toMatchObject({ code: "ENOENT" });
  expect(await guard(Promise.resolve(1))).toBe(1);
});

test("only what the system says is not there is not there", async () => {
  const root = tempFolder("guard");
  try {
    const at = (name: string) => join(root, name);
    mkdirSync(at("folder"));
    writeFileSync(at("folder/b"), "");
    writeFileSync(at("folder/a"), "");
    symlinkSync("loop", at("loop"));
    expect((await lookAt(at("folder/a")))?.size).toBe(0);
    expect(await lookAt(at("folder/c"))).toBe(null);
    expect(await lookAt(at("none/c"))).toBe(null);
    await expect(lookAt(at("loop/c"))).rejects.toMatchObject({ kind: "unusable" });
    expect(await namesIn(at("folder"))).toEqual(["a", "b"]);
    for (const none of ["none", "folder/a"]) expect(await namesIn(at(none))).toEqual([]);
    await expect(namesIn(at("loop"))).rejects.toMatchObject({ kind: "unusable" });
  } finally {
    removeTemp(root);
  }
});
