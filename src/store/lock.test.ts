// The data directory's lock beside further processes of its server.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../test/support/temp.ts";
import { joinLock, lockData } from "./lock.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = tempFolder("lock");
  path = join(folder, "lock.db");
});
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
  removeTemp(folder);
});

test("nobody gets the lock while a process of the last server lives, and the next one does as soon as it is gone", async () => {
  const script = `const { joinLock } = await import(${JSON.stringify(join(import.meta.dir, "lock.ts"))});
    globalThis.held = joinLock(${JSON.stringify(path)}); console.log("joined"); setInterval(() => {}, 1000);`;
  const first = lockData(path);
  const other = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
  ends.push(() => other.kill("SIGKILL"));
  const { value } = await other.stdout.getReader().read();
  expect(Buffer.from(value!).toString()).toBe("joined\n");
  first.release();
  expect(() => lockData(path, 0)).toThrow(
    `Processes of the last Holdfast on the data directory ${folder} have not ended yet`,
  );
  other.kill("SIGKILL");
  await other.exited;
  lockData(path, 0).release();
}, 30_000);

test("several may join", () => {
  const first = lockData(path);
  const others = [joinLock(path), joinLock(path)];
  for (const other of others) other.release();
  first.release();
  lockData(path, 0).release();
});
