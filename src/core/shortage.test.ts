import { expect, test } from "bun:test";
import { shortageOf } from "./shortage.ts";

const of = (code: string, message = code) => {
  const problem = shortageOf(Object.assign(new Error(message), { code }));
  return problem && `${problem.kind}: ${problem.message}`;
};

const disk = "The disk that holds the data directory";
const unread = "unusable: The catalog cannot be read: it is damaged, or its disk fails";

const told: [code: string, message: string, want: string][] = [
  ["ENOSPC", "", `full: ${disk} is full`],
  ["EDQUOT", "", `full: ${disk} is full`],
  ["SQLITE_FULL", "database or disk is full", `full: ${disk} is full`],
  ["EROFS", "", `unusable: ${disk} can only be read`],
  ["SQLITE_READONLY", "attempt to write a readonly database", `unusable: ${disk} can only be read`],
  ["EIO", "", `unusable: ${disk} fails`],
  ["ESTALE", "", `unusable: ${disk} fails`],
  ["SQLITE_IOERR_WRITE", "disk I/O error", `unusable: ${disk} fails`],
  ["EACCES", "", "unusable: Permission is denied for the data directory, or something in it"],
  ["EPERM", "", "unusable: Permission is denied for the data directory, or something in it"],
  ["ENOTDIR", "", "unusable: The data directory is not as this server made it"],
  ["SQLITE_CORRUPT", "database disk image is malformed", unread],
  ["SQLITE_NOTADB", "file is not a database", unread],
  [
    "SQLITE_CANTOPEN",
    "unable to open database file",
    "unusable: The catalog's file cannot be opened",
  ],
];

for (const [code, message, want] of told)
  test(`${code} is told by name, whoever says so`, () => {
    expect(of(code, message || code)).toBe(want);
    if (message) expect(of("", message)).toBe(want);
  });

test("what is no shortage is none", () => {
  expect(of("ENOENT")).toBe(null);
  expect(of("SQLITE_CONSTRAINT", "UNIQUE constraint failed: pins.file")).toBe(null);
  for (const odd of [null, undefined, "ENOSPC", 7]) expect(shortageOf(odd)).toBe(null);
});

test("what is denied of a socket or a program says nothing of the disk", () => {
  for (const syscall of ["connect", "listen", "posix_spawn"])
    expect(shortageOf(Object.assign(new Error("EACCES"), { code: "EACCES", syscall }))).toBe(null);
});
