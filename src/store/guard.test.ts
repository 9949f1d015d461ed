import { expect, test } from "bun:test";
import { guard } from "./guard.ts";

const failing = (code: string) => Promise.reject(Object.assign(new Error(code), { code }));

test("a full disk, a full quota and too many open files are told by name, and nothing else is", async () => {
  for (const code of ["ENOSPC", "EDQUOT"])
    await expect(guard(failing(code))).rejects.toMatchObject({ kind: "full" });
  for (const code of ["EMFILE", "ENFILE"])
    await expect(guard(failing(code))).rejects.toMatchObject({ kind: "unreachable" });
  await expect(guard(failing("EIO"))).rejects.toMatchObject({ code: "EIO" });
  expect(await guard(Promise.resolve(1))).toBe(1);
});
