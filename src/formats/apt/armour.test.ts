import { expect, test } from "bun:test";
import { generateKey, readKeys } from "openpgp";
import { armouredKeys, isKeyring } from "./armour.ts";
import { keyringBytes } from "./keyring.ts";

async function keyOf(name: string) {
  const userIDs = [{ name, email: `${name}@archive.example.test` }];
  const { publicKey } = await generateKey({ userIDs, format: "object" });
  return publicKey;
}
const file = (bytes: Uint8Array | string) => ({ path: "x.asc", bytes: Buffer.from(bytes) });

test("keys of several files, armoured and binary, come as one armour that reads as all of them", async () => {
  const [kelp, coral, reef] = await Promise.all(["kelp", "coral", "reef"].map(keyOf));
  const armoured = `Some words before.\n${kelp!.armor()}\n${coral!.armor().replaceAll("\n", "\r\n")}`;
  const text = armouredKeys([file(armoured), file(reef!.write())]);
  expect(text.match(/BEGIN PGP/g)).toHaveLength(1);
  const keys = await readKeys({ armoredKeys: text });
  expect(keys.map((key) => key.getFingerprint())).toEqual(
    [kelp, coral, reef].map((key) => key!.getFingerprint()),
  );
  for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(64);
});

test("an armour with headers is read", async () => {
  const key = await keyOf("kelp");
  const text = key.armor().replace("BLOCK-----\n\n", "BLOCK-----\nVersion: 1\nComment: two\n\n");
  expect(text).toContain("Comment");
  expect(Buffer.from(keyringBytes(Buffer.from(text))).equals(Buffer.from(key.write()))).toBe(true);
});

test("what holds no public key is no keyring", async () => {
  const { privateKey } = await generateKey({ userIDs: [{ name: "x" }] });
  for (const text of [
    "",
    "<html>",
    privateKey,
    "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----",
  ])
    expect(isKeyring(Buffer.from(text))).toBe(false);
});
