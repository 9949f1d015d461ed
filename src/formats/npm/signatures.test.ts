import { expect, test } from "bun:test";
import { generateKeyPairSync, sign } from "node:crypto";
import { checkSignatures, parseKeys } from "./signatures.ts";
import type { RegistryKey, SignedFile } from "./types.ts";

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const KEY: RegistryKey = {
  keyid: "SHA256:one",
  keytype: "ecdsa-sha2-nistp256",
  key: publicKey.export({ format: "der", type: "spki" }).toString("base64"),
  expires: null,
};
const EXPIRED = { ...KEY, expires: "2025-01-29T00:00:00.000Z" };
const INTEGRITY = `sha512-${Buffer.alloc(64, 1).toString("base64")}`;
const SIG = sign("sha256", Buffer.from(`@s/n@1.0.0:${INTEGRITY}`), privateKey).toString("base64");

const file = (changes: Partial<SignedFile> = {}): SignedFile => ({
  version: "1.0.0",
  integrity: INTEGRITY,
  signatures: [{ keyid: KEY.keyid, sig: SIG }],
  time: "2026-01-01T00:00:00.000Z",
  ...changes,
});
const unknown = { keyid: "SHA256:other", sig: "x" };
const flipped = { keyid: KEY.keyid, sig: `${SIG.slice(0, -6)}AAAA==` };

const cases: [
  what: string,
  name: string,
  file: SignedFile,
  keys: RegistryKey[],
  verdict: string,
][] = [
  ["a true signature", "@s/n", file(), [KEY], "good"],
  ["another package", "n", file(), [KEY], "bad"],
  ["another version", "@s/n", file({ version: "1.0.1" }), [KEY], "bad"],
  ["another integrity", "@s/n", file({ integrity: `${INTEGRITY}x` }), [KEY], "bad"],
  ["a flipped bit", "@s/n", file({ signatures: [flipped] }), [KEY], "bad"],
  ["no DER", "@s/n", file({ signatures: [{ keyid: KEY.keyid, sig: "?" }] }), [KEY], "bad"],
  [
    "one true, one false",
    "@s/n",
    file({ signatures: [file().signatures[0]!, flipped] }),
    [KEY],
    "bad",
  ],
  ["no signature", "@s/n", file({ signatures: [] }), [KEY], "unknown"],
  ["no keys", "@s/n", file(), [], "unknown"],
  ["an unknown key", "@s/n", file({ signatures: [unknown] }), [KEY], "unknown"],
  [
    "an unknown key beside a known one",
    "@s/n",
    file({ signatures: [unknown, file().signatures[0]!] }),
    [KEY],
    "good",
  ],
  ["another kind of key", "@s/n", file(), [{ ...KEY, keytype: "ed25519" }], "unknown"],
  ["no integrity", "@s/n", file({ integrity: null }), [KEY], "unknown"],
  ["published after its key expired", "@s/n", file(), [EXPIRED], "bad"],
  [
    "published before its key expired",
    "@s/n",
    file({ time: "2024-01-01T00:00:00.000Z" }),
    [EXPIRED],
    "good",
  ],
  ["an expired key and no date", "@s/n", file({ time: null }), [EXPIRED], "good"],
  ["a key that is none", "@s/n", file(), [{ ...KEY, key: "AAAA" }], "bad"],
];
for (const [what, name, signed, keys, verdict] of cases)
  test(what, () => expect(checkSignatures(name, signed, keys).verdict).toBe(verdict as never));

test("only what can be a key is taken as one", () => {
  expect(parseKeys({ keys: [KEY, { keyid: 1 }, null, "x", { keyid: "a" }] })).toEqual([KEY]);
  for (const answer of [null, {}, { keys: {} }, [], "x"]) expect(parseKeys(answer)).toBeNull();
});
