// Receipts against the text of c2sp.org/tlog-proof, and what is none.
import { expect, test } from "bun:test";
import { checkpointText } from "./checkpoint.ts";
import { nodeHash, recordHash } from "./merkle.ts";
import { createSignerKey, openSigner } from "./signer.ts";
import { formatProof, openProof, parseProof } from "./tlog-proof.ts";
import { parseVerifierKey } from "./verifier.ts";

const signer = openSigner(createSignerKey("log.example.test"))!;
const verifier = parseVerifierKey(signer.verifier)!;
const [first, second] = [Buffer.from("first"), Buffer.from("second")];
const hash = nodeHash(recordHash(first), recordHash(second));
const note = signer.sign(checkpointText({ origin: signer.name, size: 2, hash }));
const text = formatProof({ index: 1, path: [recordHash(first)], note, extra: second });

test("a proof is a text of lines, and is read as it was written", () => {
  const path = Buffer.from(recordHash(first)).toString("base64");
  expect(text).toBe(
    `c2sp.org/tlog-proof@v1\nextra c2Vjb25k\nindex 1\n${path}\n\nlog.example.test\n2\n${Buffer.from(hash).toString("base64")}\n\n${note.split("\n\n")[1]}`,
  );
  const proof = parseProof(text)!;
  expect(proof).toMatchObject({ index: 1, note });
  expect(openProof(proof, second, verifier)).toMatchObject({ size: 2, origin: "log.example.test" });
  const bare = parseProof(formatProof({ ...proof, extra: null }))!;
  expect(bare.extra).toBeNull();
  expect(openProof(bare, second, verifier).size).toBe(2);
});

test("a proof of a tree of one entry has no path", () => {
  const one = signer.sign(
    checkpointText({ origin: signer.name, size: 1, hash: recordHash(first) }),
  );
  const proof = parseProof(formatProof({ index: 0, path: [], note: one, extra: null }))!;
  expect(openProof(proof, first, verifier).size).toBe(1);
});

test("one of another entry, place, tree or key does not hold", () => {
  const proof = parseProof(text)!;
  const open =
    (entry: Uint8Array, more = {}, of = verifier) =>
    () =>
      openProof({ ...proof, ...more }, entry, of);
  expect(open(first)).toThrow("does not lead to the root");
  expect(open(second, { index: 0 })).toThrow("does not lead to the root");
  expect(open(second, { path: [] })).toThrow("does not lead to the root");
  expect(open(second, { note: note.replace("\n2\n", "\n3\n") })).toThrow("does not hold");
  const other = parseVerifierKey(openSigner(createSignerKey("log.example.test"))!.verifier)!;
  expect(open(second, {}, other)).toThrow("without a signature of");
});

const none: string[] = [
  "",
  "index 1\n\n",
  text.replace("@v1", "@v2"),
  text.replace("index 1", "index 01"),
  text.replace("index 1", "index -1"),
  text.replace("index 1", "index 99999999999999999"),
  text.replace("index 1\n", ""),
  text.replace("index 1\n", "index 1\nAAAA\n"),
  text.replace("index 1\n", "index 1\nnot base64!\n"),
  text.replace("index 1\n", `index 1\n${`${"A".repeat(43)}=\n`.repeat(65)}`),
];
for (const [at, wrong] of none.entries())
  test(`what is no proof is none (${at})`, () => expect(parseProof(wrong)).toBeNull());
