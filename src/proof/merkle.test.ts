// Hashes and proofs against golang.org/x/mod/sumdb/tlog (formats/go/testdata/vectors.go), and forged ones.
import { expect, test } from "bun:test";
import {
  checkRecord,
  checkTree,
  type HashAt,
  nodeHash,
  proveRecord,
  proveTree,
  recordHash,
  treeHash,
} from "./merkle.ts";
import vectors from "./testdata/tlog.json" with { type: "json" };

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
