import { describe, expect, test } from "bun:test";
import { memberOf, readAr } from "./ar.ts";

const head = (name: string, size: string, end = "`\n") =>
  `${name.padEnd(16)}${"0".padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"100644".padEnd(8)}${size.padEnd(10)}${end}`;

function file(text: string) {
  const bytes = Buffer.from(text, "latin1");
  return {
    size: bytes.length,
    read: async (offset: number, length: number) => bytes.subarray(offset, offset + length),
  };
}

test("readAr() finds members, whose names may end in a slash and whose sizes may be odd", async () => {
  const archive = file(`!<arch>\n${head("one/", "3")}abc\n${head("two", "2")}de`);
  const members = await readAr(archive);
  expect(members.map(({ name, size }) => [name, size])).toEqual([
    ["one", 3],
    ["two", 2],
  ]);
  const second = memberOf(archive, members[1]!);
  expect(Buffer.from(await second.read(0, 100)).toString()).toBe("de");
  expect(Buffer.from(await second.read(1, 100)).toString()).toBe("e");
  expect((await second.read(2, 100)).length).toBe(0);
});

describe("readAr() refuses", () => {
  for (const [what, text] of [
    ["what is none", "<!doctype html><title>Log in</title>"],
    ["nothing", ""],
    ["a cut head", `!<arch>\n${head("one", "3").slice(0, 20)}`],
    ["a cut member", `!<arch>\n${head("one", "30")}abc`],
    ["a size that is no number", `!<arch>\n${head("one", "-1")}abc`],
    ["a size in another base", `!<arch>\n${head("one", "0x3")}abc`],
    ["a head with another end", `!<arch>\n${head("one", "3", "xx")}abc`],
    ["very many members", `!<arch>\n${head("one", "0").repeat(200)}`],
  ])
    test(what!, async () => {
      expect(await readAr(file(text!)).catch(({ kind }) => kind)).toBe("malformed");
    });
});
