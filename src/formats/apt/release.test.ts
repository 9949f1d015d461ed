// A Release file made by apt-ftparchive, the odd forms of vendors, and what is none.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Problem } from "../../core/problem.ts";
import { parseDate, parseRelease } from "./release.ts";

const text = readFileSync(`${import.meta.dirname}/testdata/signed/Release`, "utf8");
const HEX = "ab".repeat(32);

function release(lines: string[]): string {
  return [...lines, "SHA256:", ` ${HEX} 7 main/binary-amd64/Packages`].join("\n");
}

function refusal(text: string): string {
  try {
    parseRelease(text);
  } catch (error) {
    expect(error).toBeInstanceOf(Problem);
    expect(error).toHaveProperty("kind", "malformed");
    return (error as Problem).message;
  }
  throw new Error("It was taken");
}

test("a Release file of apt-ftparchive", () => {
  const found = parseRelease(text);
  expect(found).toMatchObject({
    date: Date.UTC(2026, 0, 1, 9, 5),
    validUntil: Date.UTC(2026, 0, 8, 9, 5),
    suite: "stable",
    codename: "example",
    origin: "Example",
    label: "Example",
    architectures: ["amd64", "arm64"],
    components: ["main"],
    byHash: true,
  });
  expect([...found.files.keys()]).toEqual([
    "main/binary-amd64/Packages",
    "main/binary-amd64/Packages.gz",
    "main/binary-amd64/Packages.xz",
    "main/source/Sources",
    "main/source/Sources.gz",
    "main/source/Sources.xz",
  ]);
  expect(found.files.get("main/source/Sources.xz")).toEqual({
    hash: "66dd2f2af82e13b0e520b81bf989205b87829976dce6b4945945a5590988d64e",
    size: 656,
  });
  expect(found.fields.get("Suite")).toBe("stable");
  expect(found.fields.has("SHA256")).toBe(false);
  expect(found.aliases.size).toBe(18);
  for (const alias of [
    "MD5Sum/159259c2108a7e9990fd0a08f603e0e4",
    "SHA1/91f4f2b934c450004d395db813f503bd175d77de",
    "SHA512/b2da6d5c4b6a60f3cbadae07f5f74b6853eb6ffe3412e9e44d112d474254dee6b7272a8aa48a830126ab29733d34f6188d61be8a132722f3721c35dad80823e4",
  ])
    expect(found.aliases.get(alias)).toBe(
      "66dd2f2af82e13b0e520b81bf989205b87829976dce6b4945945a5590988d64e",
    );
});

test("a flat one with little in it, in CRLF and odd case", () => {
  const found = parseRelease(
    `date: Thu, 1 Jan 2026 9:05:00 GMT\r\nsha256:\r\n ${HEX.toUpperCase()}\t7 ./Packages\r\n`,
  );
  expect(found).toMatchObject({ validUntil: null, suite: null, byHash: false, components: [] });
  expect([...found.files]).toEqual([["Packages", { hash: HEX, size: 7 }]]);
});

test("of a path that comes twice the first counts, as in apt", () => {
  const other = "cd".repeat(32);
  const found = parseRelease(
    `Date: Thu, 01 Jan 2026 09:05:00 UTC\nSHA256:\n ${HEX} 7 a\n ${other} 8 ./a\n`,
  );
  expect([...found.files]).toEqual([["a", { hash: HEX, size: 7 }]]);
});

test("a weak hash of another size is no name for the file", () => {
  const md5 = "0".repeat(32);
  const found = parseRelease(
    release([
      "Date: Thu, 01 Jan 2026 09:05:00 UTC",
      "MD5Sum:",
      ` ${md5} 8 main/binary-amd64/Packages`,
    ]),
  );
  expect(found.aliases.size).toBe(0);
});

const DATE = "Date: Thu, 01 Jan 2026 09:05:00 UTC";
const none: [what: string, text: string, says: string][] = [
  ["nothing", "", "no checksums"],
  ["a login page", "<!DOCTYPE html>\n<html><body>Log in</body></html>\n", "<!DOCTYPE"],
  ["JSON", '{"error": "not found"}', "no checksums"],
  ["one without hashes", DATE, "no checksums"],
];

for (const [what, text, says] of none)
  test(`${what} is refused`, () => expect(refusal(text)).toContain(says));

const flawed: [what: string, text: string, says: string][] = [
  ["one without a date", release(["Suite: x"]), "no Date"],
  ["MD5 only", `${DATE}\nMD5Sum:\n ${"0".repeat(32)} 1 a\n`, "only MD5Sum"],
  ["a strange date", release(["Date: yesterday"]), 'Date is "yesterday"'],
  ["an ISO date", release(["Date: 2026-01-01T09:05:00Z"]), 'Date is "2026-01-01T09:05:00Z"'],
  ["a strange end", release([DATE, "Valid-Until: never"]), 'Valid-Until is "never"'],
];

for (const [what, text, says] of flawed)
  test(`${what} is read, and no client that verifies takes it`, () => {
    const found = parseRelease(text);
    expect(found.files.size).toBe(1);
    expect(found.flaw).toContain(says);
  });

test("what has no flaw says so", () => {
  expect(parseRelease(text).flaw).toBeNull();
});

const skipped: [what: string, line: string, says: string][] = [
  ["a path that leads out", ` ${HEX} 1 ../x`, 'it names "../x"'],
  ["a path that leads out in the end", ` ${HEX} 1 a/../../x`, 'it names "a/../../x"'],
  ["a short hash", ` ${HEX.slice(1)} 1 x`, "it is "],
  ["a hash that is none", ` ${"x".repeat(64)} 1 x`, "it is "],
  ["no size", ` ${HEX} x`, "it is "],
  ["a negative size", ` ${HEX} -1 x`, "it is "],
  ["a path with a space", ` ${HEX} 1 x y`, "it is "],
  ["a word alone", "nonsense\n of it", 'it has the line "nonsense"'],
];

for (const [what, line, says] of skipped)
  test(`${what} is left out, and the rest is read`, () => {
    const reasons: string[] = [];
    const found = parseRelease(
      `${DATE}\nSHA256:\n ${HEX} 1 before\n${line}\nSHA512:\n ${HEX}${HEX} 1 after\n`,
      ({ why }) => void reasons.push(why),
    );
    expect([...found.files.keys()]).toEqual(["before", "after"]);
    expect(reasons).toHaveLength(1);
    expect(reasons[0]).toContain(says);
    expect(found.flaw).toBeNull();
  });

test("a path is the same however it is spelled", () => {
  const lines = ["/pool/x", "./main//y", "z"].map((path) => ` ${HEX} 1 ${path}`).join("\n");
  const found = parseRelease(`${DATE}\nSHA256:\n${lines}\n`);
  expect([...found.files.keys()]).toEqual(["pool/x", "main/y", "z"]);
});

test("files are known by their SHA-512 where that is all there is", () => {
  const strong = "ef".repeat(64);
  const md5 = "0".repeat(32);
  const found = parseRelease(`${DATE}\nMD5Sum:\n ${md5} 1 a\nSHA512:\n ${strong} 1 a\n`);
  expect(found.flaw).toBeNull();
  expect([...found.files]).toEqual([["a", { hash: strong, size: 1 }]]);
  expect([...found.aliases]).toEqual([[`MD5Sum/${md5}`, strong]]);
});

const dates: [text: string, want: string | null][] = [
  ["Sat, 11 Jul 2026 10:16:37 UTC", "2026-07-11T10:16:37.000Z"],
  ["Sat, 11 Jul 2026 10:16:37 GMT", "2026-07-11T10:16:37.000Z"],
  ["Sat, 11 Jul 2026 10:16:37 Z", "2026-07-11T10:16:37.000Z"],
  ["Sat, 11 Jul 2026 10:16:37 +0000", "2026-07-11T10:16:37.000Z"],
  ["Wed,  1 Jul 2026  8:01:02 UTC", "2026-07-01T08:01:02.000Z"],
  ["Wednesday, 1 July 2026 8:01:02 utc", "2026-07-01T08:01:02.000Z"],
  ["29 Feb 2028 00:00:00 UTC", "2028-02-29T00:00:00.000Z"],
  ["Sat, 11 Jul 2026 10:16:37 +0200", null],
  ["Sat, 11 Jul 2026 10:16:37 CEST", null],
  ["Sat, 11 Jul 2026 10:16:37", null],
  ["Sat, 31 Feb 2026 10:16:37 UTC", null],
  ["Sat, 11 Foo 2026 10:16:37 UTC", null],
  ["Sat, 11 Jul 2026 25:16:37 UTC", null],
  ["Sat, 11 Jul 2026 10:61:37 UTC", null],
  ["2026-07-11T10:16:37Z", null],
  ["", null],
];

for (const [text, want] of dates)
  test(`parseDate(${text})`, () => {
    const time = parseDate(text);
    expect(time === null ? null : new Date(time).toISOString()).toBe(want);
  });

test("a Release with flipped characters is read or refused with a Problem", () => {
  let state = 41;
  const next = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
  const outcomes = new Set<string>();
  for (let turn = 0; turn < 1500; turn++) {
    const at = next(text.length);
    const changed =
      text.slice(0, at) + String.fromCharCode(next(256)) + text.slice(at + 1 + next(3));
    try {
      for (const path of parseRelease(changed).files.keys()) expect(path).not.toMatch(/^\/|\.\.\//);
      outcomes.add("read");
    } catch (error) {
      expect(error).toBeInstanceOf(Problem);
      outcomes.add("refused");
    }
  }
  expect(outcomes.has("read")).toBe(true);
});

test("what a Release says of itself does not count", () => {
  const files = ["Release", "InRelease", "Release.gpg", "main/binary-amd64/Release"];
  const lines = files.map((path) => ` ${HEX} 7 ${path}`).join("\n");
  const found = parseRelease(`Date: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n${lines}\n`);
  expect([...found.files.keys()]).toEqual(["main/binary-amd64/Release"]);
});

test("fields without end are refused", () => {
  const fields = Array.from({ length: 2000 }, (_, at) => `F${at}: 1`);
  expect(refusal(release(["Date: Thu, 01 Jan 2026 00:00:00 UTC", ...fields]))).toContain("fields");
});
