// Keys of GnuPG (testdata/signed): which of them are weak.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { weakKeys, weakKeyWarnings } from "./weak-keys.ts";

const key = (name: string) =>
  readFileSync(`${import.meta.dirname}/testdata/signed/key-${name}.asc`);

const keys: [name: string, want: [id: string, what: string][]][] = [
  ["rsa", []],
  ["ed25519", []],
  ["subkey", []],
  ["short", [["18A281C662CFBFAB", "RSA, 1024 bits"]]],
  ["dsa", [["266A947A70FFE933", "DSA, 1024 bits"]]],
];

for (const [name, want] of keys)
  test(`what is weak about key-${name}.asc`, () => expect([...weakKeys(key(name))]).toEqual(want));

test("all of a keyring are told of, with the file", () => {
  const bytes = Buffer.concat([key("rsa"), key("short"), key("dsa")]);
  const warnings = weakKeyWarnings([{ path: "vendor.asc", bytes }]);
  expect(warnings).toHaveLength(2);
  expect(warnings[0]).toStartWith("trusts the weak key 18A281C662CFBFAB of vendor.asc (RSA, 1024");
});

test("what is no keyring has no weak keys", () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from("<html>"), Buffer.from([0x99, 1, 2])])
    expect(weakKeys(bytes).size).toBe(0);
});
