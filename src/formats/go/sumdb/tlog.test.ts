// Hashes, proofs and texts against golang.org/x/mod/sumdb/tlog (../testdata/vectors.go), and forged ones.
import { expect, test } from "bun:test";
import vectors from "./testdata/tlog.json" with { type: "json" };
import {
  checkRecord,
  checkTree,
  formatRecord,
  formatTree,
  type HashAt,
  nodeHash,
  parseRecord,
  parseTree,
  proveRecord,
  proveTree,
  recordHash,
  treeHash,
} from "./tlog.ts";

function hash({ level, index }: HashAt): Uint8Array {
  if (level === 0) return recordHash(`record ${index}\n`);
  const below = level - 1;
  return nodeHash(
    hash({ level: below, index: index * 2 }),
    hash({ level: below, index: index * 2 + 1 }),
  );
}
const read = async (at: HashAt[]) => at.map(hash);
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
const treeOf = async (size: number) => ({ size, hash: await treeHash(size, read) });

test("tree hashes are those of RFC 6962 as Go computes them", async () => {
  for (const [size, want] of Object.entries(vectors.roots))
    expect(base64(await treeHash(Number(size), read))).toBe(want);
});

for (const { Size, Id, Proof } of vectors.records)
  test(`record ${Id} of ${Size} is proven as Go proves it`, async () => {
    const proof = await proveRecord(Size, Id, read);
    expect(proof.map(base64)).toEqual(Proof);
    const tree = await treeOf(Size);
    const leaf = hash({ level: 0, index: Id });
    expect(checkRecord(proof, tree, Id, leaf)).toBe(true);

    expect(checkRecord(proof, tree, Id, recordHash("another\n"))).toBe(false);
    expect(checkRecord([...proof, leaf], tree, Id, leaf)).toBe(false);
    expect(checkRecord(proof, { ...tree, hash: leaf }, Id, leaf)).toBe(Size === 1);
    expect(checkRecord(proof, tree, Size, leaf)).toBe(false);
    expect(checkRecord(proof, tree, -1, leaf)).toBe(false);
    for (const [at, one] of proof.entries()) {
      const forged = [...proof];
      forged[at] = nodeHash(one, one);
      expect(checkRecord(forged, tree, Id, leaf)).toBe(false);
      expect(checkRecord(proof.toSpliced(at, 1), tree, Id, leaf)).toBe(false);
    }
  });

for (const { Newer, Older, Proof } of vectors.trees)
  test(`tree ${Newer} is proven to begin with tree ${Older} as Go proves it`, async () => {
    const proof = await proveTree(Newer, Older, read);
    expect(proof.map(base64)).toEqual(Proof);
    const [newer, older] = [await treeOf(Newer), await treeOf(Older)];
    expect(checkTree(proof, newer, older)).toBe(true);

    const other = { ...older, hash: recordHash("another\n") };
    expect(checkTree(proof, newer, other)).toBe(false);
    expect(checkTree(proof, { ...newer, hash: other.hash }, older)).toBe(false);
    expect(checkTree([...proof, other.hash], newer, older)).toBe(false);
    expect(checkTree(proof, older, { ...newer, size: Newer + 1 })).toBe(false);
    for (const [at, one] of proof.entries()) {
      const forged = [...proof];
      forged[at] = nodeHash(one, one);
      expect(checkTree(forged, newer, older)).toBe(false);
      expect(checkTree(proof.toSpliced(at, 1), newer, older)).toBe(false);
    }
  });

test("proofs of what cannot be are refused", async () => {
  await expect(proveRecord(5, 5, read)).rejects.toBeInstanceOf(RangeError);
  await expect(proveRecord(5, -1, read)).rejects.toBeInstanceOf(RangeError);
  await expect(proveTree(5, 6, read)).rejects.toBeInstanceOf(RangeError);
  await expect(proveTree(5, 0, read)).rejects.toBeInstanceOf(RangeError);
});

test("a tree head is read and written; later lines are ignored", async () => {
  const tree = await treeOf(13);
  expect(parseTree(formatTree(tree))).toEqual(tree);
  expect(parseTree(`${formatTree(tree)}more\n`)).toEqual(tree);
});

const hash64 = vectors.roots["13"];
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
