import { expect, test } from "bun:test";
import { shortageOf } from "./shortage.ts";

const of = (code: string, message = code) => {
  const problem = shortageOf(Object.assign(new Error(message), { code }));
  return problem && `${problem.kind}: ${problem.message}`;
};

test("a disk that takes nothing more is told by name, whoever says so", () => {
  const disk = "full: The disk that holds the data directory";
  expect(of("ENOSPC")).toBe(`${disk} is full`);
  expect(of("EDQUOT")).toBe(`${disk} is full`);
  expect(of("EROFS")).toBe(`${disk} can only be read`);
  expect(of("SQLITE_FULL", "database or disk is full")).toBe(`${disk} is full`);
  expect(of("SQLITE_READONLY", "attempt to write a readonly database")).toBe(
    `${disk} can only be read`,
  );
  expect(of("SQLITE_IOERR_WRITE", "disk I/O error")).toBe(`${disk} cannot be written to`);
});

test("what is no shortage is none", () => {
  expect(of("EIO")).toBe(null);
  expect(of("SQLITE_CONSTRAINT", "UNIQUE constraint failed: pins.file")).toBe(null);
  for (const odd of [null, undefined, "ENOSPC", 7]) expect(shortageOf(odd)).toBe(null);
});
