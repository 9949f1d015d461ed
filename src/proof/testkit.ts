// For tests: keys that sign notes.
import { generateKeyPairSync, sign } from "node:crypto";
import { keyHash } from "./verifier.ts";

export interface TestKey {
  name: string;
  /** As in GOSUMDB. */
  verifier: string;
  sign(text: string): string;
}

export function createKey(name: string): TestKey {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const x = publicKey.export({ format: "jwk" }).x!;
  const key = Buffer.concat([Buffer.of(1), Buffer.from(x, "base64url")]);
  const hash = Buffer.alloc(4);
  hash.writeUInt32BE(keyHash(name, key));
  return {
    name,
    verifier: `${name}+${hash.toString("hex")}+${key.toString("base64")}`,
    sign(text) {
      const signature = Buffer.concat([hash, sign(null, Buffer.from(text), privateKey)]);
      return `${text}\n— ${name} ${signature.toString("base64")}\n`;
    },
  };
}
