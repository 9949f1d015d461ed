// Paragraphs in pieces of any length, the odd forms that archives have, and fuzz: never anything but a Problem.
import { expect, test } from "bun:test";
import { Problem } from "../core/problem.ts";
import { type Fields, firstParagraph, own, paragraphs, utf8 } from "./control.ts";

async function read(text: string, wanted: string[], length = 4096): Promise<Fields[]> {
  const bytes = Buffer.from(text);
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
  }
  const found: Fields[] = [];
  for await (const group of paragraphs(chunks(), wanted)) found.push(...group);
  return found;
}

const table: [what: string, text: string, want: Fields[]][] = [
  ["nothing", "", []],
  ["empty lines", "\n\n\n", []],
  ["one field", "A: 1\n", [["1", null]]],
  ["no line end at the end", "A: 1", [["1", null]]],
  ["names in any case", "a: 1\nB:2\n", [["1", "2"]]],
  ["no space after the colon, and much of it", "A:1\nB: \t 2 \t\n", [["1", "2"]]],
  [
    "two paragraphs, several empty lines",
    "A: 1\n\n\n\nB: 2\n\n",
    [
      ["1", null],
      [null, "2"],
    ],
  ],
  ["fields that nobody wants", "X: 9\n more\nA: 1\nY: 8\n", [["1", null]]],
  [
    "a paragraph of such only",
    "X: 9\n\nA: 1\n",
    [
      [null, null],
      ["1", null],
    ],
  ],
  ["continuation lines", "A: 1\n two\n\tthree\n .\nB: 2\n", [["1\ntwo\nthree\n.", "2"]]],
  ["a value that begins on the next line", "A:\n x 1\n y 2\n", [["\nx 1\ny 2", null]]],
  ["colons in a value", "A: http://x:80/\n", [["http://x:80/", null]]],
  [
    "CRLF",
    "A: 1\r\n more\r\n\r\nB: 2\r\n",
    [
      ["1\nmore", null],
      [null, "2"],
    ],
  ],
  ["comments", "# x\nA: 1\n#y\n more\n", [["1\nmore", null]]],
  ["a line of spaces does not end a paragraph", "A: 1\n \nB: 2\n", [["1\n", "2"]]],
  ["the later of two, as in apt", "A: 1\n x\nA: 2\n", [["2", null]]],
  ["an empty value", "A:\nB: 2\n", [["", "2"]]],
  ["space before the colon, as apt takes it", "A : 1\n", [["1", null]]],
];

for (const [what, text, want] of table)
  test(what, async () => {
    for (const length of [1, 2, 3, 7, 4096])
      expect(await read(text, ["A", "B"], length)).toEqual(want);
  });

for (const text of [
  "<!DOCTYPE html>\n<html>\n",
  " A: 1\n",
  "A: 1\n\n more\n",
  "A 1\n",
  ": 1\n",
  "A: 1\nB\n",
  "Ä: 1\n",
  "A\u0001: 1\n",
])
  test(`${JSON.stringify(text)} is none`, async () => {
    const error = await read(text, ["A"]).catch((error) => error);
    expect(error).toBeInstanceOf(Problem);
    expect(error).toHaveProperty("kind", "malformed");
  });

test("a line without end is refused before it fills the memory", async () => {
  let given = 0;
  async function* endless() {
    for (;;) {
      given++;
      yield Buffer.alloc(2 ** 20, "A");
    }
  }
  const reading = (async () => {
    for await (const group of paragraphs(endless(), ["A"])) expect(group).toEqual([]);
  })();
  expect(await reading.catch((error) => error)).toHaveProperty("kind", "malformed");
  expect(given).toBeLessThan(8);
});

test("a paragraph without end is refused before it fills the memory", async () => {
  const line = `A: ${"x".repeat(2 ** 20 - 4)}\n`;
  async function* endless() {
    for (;;) yield Buffer.from(line.replace("A:", " x"));
  }
  async function* chunks() {
    yield Buffer.from("A: 1\n");
    yield* endless();
  }
  const reading = (async () => {
    for await (const group of paragraphs(chunks(), ["A"])) expect(group).toEqual([]);
  })();
  expect(await reading.catch((error) => error)).toHaveProperty("kind", "malformed");
});

test("texts are Latin-1 of their bytes until they are asked for as UTF-8", async () => {
  const [fields] = await read("A: Äpfel\nB: x\n", ["A", "B"]);
  expect(fields![0]).toBe("Ã\u0084pfel");
  expect(utf8(fields![0]!)).toBe("Äpfel");
  expect(utf8(fields![1]!)).toBe("x");
  expect(own(fields![0]!)).toBe(fields![0]!);
});

test("firstParagraph gives every field of the first one", () => {
  const text = "# c\n\nSuite: stable\r\nSHA256:\n a 1 x\n b 2 y\nempty:\n\nOther: 1\n";
  expect([...firstParagraph(text)]).toEqual([
    ["Suite", "stable"],
    ["SHA256", "\na 1 x\nb 2 y"],
    ["empty", ""],
  ]);
  expect(firstParagraph("").size).toBe(0);
});

test("random texts give paragraphs or a Problem", async () => {
  const pieces = ["A", ": ", "\n", " ", "\t", "\r", "x", "#", "é", "\0", "\n\n", "B:", "-", "."];
  let state = 17;
  const next = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % below;
  };
  const kinds = new Set<string>();
  for (let turn = 0; turn < 3000; turn++) {
    let text = "";
    for (let count = next(16); count > 0; count--) text += pieces[next(pieces.length)];
    for (const reading of [
      () => read(text, ["A", "B"], 1 + next(9)),
      async () => firstParagraph(text),
    ]) {
      const result = await reading().catch((error) => error);
      if (result instanceof Error) expect(result).toBeInstanceOf(Problem);
      kinds.add(result instanceof Error ? "problem" : "read");
    }
  }
  expect([...kinds].sort()).toEqual(["problem", "read"]);
});

test("a broken paragraph among many is left out when somebody is told", async () => {
  const text = [
    "Package: a\nVersion: 1",
    "Package: b\nno colon\n more of it\nVersion: 1",
    " continued\nPackage: c",
    "Päckage: d\nVersion: 1",
    "Package: e\nVersion: 2\n",
  ].join("\n\n");
  const reasons: string[] = [];
  const found: (string | null)[][] = [];
  for (const length of [1, 7, 1000]) {
    found.length = reasons.length = 0;
    const chunks = (async function* () {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
    })();
    const leaveOut = (reason: string) => void reasons.push(reason);
    for await (const group of paragraphs(chunks, ["Package", "Version"], leaveOut))
      found.push(...group);
    expect(found).toEqual([
      ["a", "1"],
      ["e", "2"],
    ]);
    expect(reasons).toHaveLength(3);
    expect(reasons[0]).toBe('paragraph 2 has the line "no colon"');
  }
});

test("a line that is no field is left out of a paragraph, with what continues it, when somebody is told", () => {
  const reasons: string[] = [];
  const text = "<html>\nSuite: x\nno colon\n more of it\nDate: y\n z\n\nSuite: other\n";
  const found = firstParagraph(text, (reason) => void reasons.push(reason));
  expect([...found]).toEqual([
    ["Suite", "x"],
    ["Date", "y\nz"],
  ]);
  expect(reasons).toEqual(['it has the line "<html>"', 'it has the line "no colon"']);
});
