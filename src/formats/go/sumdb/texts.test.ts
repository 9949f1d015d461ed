import { expect, test } from "bun:test";
import vectors from "../../../proof/testdata/tlog.json" with { type: "json" };
import { formatRecord, formatTree, parseRecord, parseTree } from "./texts.ts";

const hash64 = vectors.roots["13"];

test("a tree head is read and written; later lines are ignored", async () => {
  const tree = { size: 13, hash: Buffer.from(hash64, "base64") };
  expect(parseTree(formatTree(tree))).toEqual(tree);
  expect(parseTree(`${formatTree(tree)}more\n`)).toEqual(tree);
});

const badTrees = [
  "",
  `go.sum database tree\n013\n${hash64}\n`,
  `go.sum database tree\n-13\n${hash64}\n`,
  `go.sum database tree\n99999999999999999999\n${hash64}\n`,
  `go.sum database tree\n13\n${hash64.slice(4)}\n`,
  `go.sum database tree\n13\n${hash64.replace(/.=$/, "/=")}\n`,
  `go.sum database tree\n13\n${hash64}`,
  `another tree\n13\n${hash64}\n`,
  "<html></html>\n",
];
for (const text of badTrees)
  test(`no tree head: ${JSON.stringify(text)}`, () => {
    expect(() => parseTree(text)).toThrow("tree head");
  });

test("a record is read and written, and the rest is not part of it", () => {
  const record = { id: 7, text: "a b c\nd e f\n" };
  const note = "a v1 h1:forged\n\n— x\n";
  expect(parseRecord(formatRecord(record) + note)).toEqual({ record, note });
});

const badRecords = [
  "",
  "7\n",
  "7\na\n",
  "x\na\n\n",
  "-1\na\n\n",
  "7\n\n\n",
  "7\na\tb\n\n",
  "7\na\r\n\n",
  "07\na\n\n",
];
for (const text of badRecords)
  test(`no record: ${JSON.stringify(text)}`, () => {
    expect(() => parseRecord(text)).toThrow("record");
  });
