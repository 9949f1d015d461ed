// Signed notes: the published test key of golang.org/x/mod/sumdb/note, and forgeries.
import { expect, test } from "bun:test";
import { openNote } from "./note.ts";
import vectors from "./testdata/tlog.json" with { type: "json" };
import { createKey } from "./testkit.ts";
import { parseVerifierKey } from "./verifier.ts";

const verifier = parseVerifierKey(vectors.verifier)!;

test("a note that Go signed is opened", () => {
  expect(openNote(vectors.note, verifier)).toBe(
    vectors.note.slice(0, vectors.note.indexOf("\n\n") + 1),
  );
});

test("every part and every alteration of a verifier key is refused", () => {
  const key = vectors.verifier;
  for (let from = 0; from < key.length; from += 1)
    for (let to = from + 1; to <= key.length; to += 1)
      if (to - from < key.length) expect(parseVerifierKey(key.slice(from, to))).toBeNull();
  for (let at = 0; at < key.length; at += 1) {
    const next = String.fromCharCode(key.charCodeAt(at) + 1);
    expect(parseVerifierKey(key.slice(0, at) + next + key.slice(at + 1))).toBeNull();
  }
});

test("a key of a wrong length or an unknown algorithm is refused", () => {
  const name = "PeterNeumann";
  expect(
    parseVerifierKey(`${name}+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==`),
  ).toBeNull();
  expect(
    parseVerifierKey(`${name}+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW`),
  ).toBeNull();
});

test("an altered text or signature is tampered", () => {
  for (let at = 0; at < vectors.note.length; at += 1) {
    const code = vectors.note.charCodeAt(at);
    if (code === 10 || code > 127) continue;
    const altered =
      vectors.note.slice(0, at) + String.fromCharCode(code ^ 1) + vectors.note.slice(at + 1);
    expect(() => openNote(altered, verifier)).toThrow();
  }
});

test("another key of the same name, and another name, are not this key", () => {
  const text = "a text\n";
  const own = createKey("sums.example.test");
  const ownVerifier = parseVerifierKey(own.verifier)!;
  expect(openNote(own.sign(text), ownVerifier)).toBe(text);
  expect(() => openNote(createKey("sums.example.test").sign(text), ownVerifier)).toThrow(
    "without a signature",
  );
  expect(() => openNote(createKey("other.example.test").sign(text), ownVerifier)).toThrow(
    "without a signature",
  );
  const renamed = own.sign(text).replace("sums.example.test", "sumz.example.test");
  expect(() => openNote(renamed, ownVerifier)).toThrow("without a signature");
});

test("signatures of others beside ours are passed over", () => {
  const text = "a text\n";
  const own = createKey("sums.example.test");
  const other = createKey("witness.example.test").sign(text).split("\n\n")[1]!;
  expect(openNote(own.sign(text) + other, parseVerifierKey(own.verifier)!)).toBe(text);
});

const shapes = [
  "",
  "text",
  "text\n",
  "text\n\n",
  "text\n\nno signature\n",
  "text\n\n— name\n",
  "text\n\n— name !!\n",
  "text\n\n— name AAA=\n",
  "text\n\n— na+me AAAAAAAA\n",
  vectors.note.slice(0, -1),
  vectors.note.replace("tree", "tr\tee"),
  `${vectors.note.slice(0, -1)}\r\n`,
];
for (const shape of shapes)
  test(`no note: ${JSON.stringify(shape.slice(0, 40))}`, () => {
    expect(() => openNote(shape, verifier)).toThrow("Not a signed note");
  });

test("a note of a thousand signatures is not worked through", () => {
  const lines = `${vectors.note.split("\n\n")[1]}`.repeat(1000);
  expect(() => openNote(`text\n\n${lines}`, verifier)).toThrow("Not a signed note");
});
