// The server's own signature under what is published here, as registries sign: for `npm audit signatures`, which wants one of every version
// that it gets from a registry with keys. npm/cli docs: npm-audit.
import { createECDH, createHash, createPrivateKey, type KeyObject, sign } from "node:crypto";
import type { OwnRepository } from "../../core/repository.ts";
import type { RegistryKey, Signature } from "./types.ts";

const CURVE = "prime256v1";

/** P-256 alone: pnpm takes no other, and npm none but ECDSA and RSA. */
interface SigningKey {
  privateKey: KeyObject;
  publicKey: RegistryKey;
}

const made = new WeakMap<Uint8Array, SigningKey>();

/** The same for all repositories of the server: a version that moves between two keeps its signature. */
async function signingKey(repository: Pick<OwnRepository, "secret">): Promise<SigningKey> {
  const secret = await repository.secret("npm signing key");
  let key = made.get(secret);
  if (!key) {
    key = keyOf(secret);
    made.set(secret, key);
  }
  return key;
}

export async function signRelease(
  repository: Pick<OwnRepository, "secret">,
  name: string,
  version: string,
  integrity: string,
): Promise<Signature> {
  const { privateKey, publicKey } = await signingKey(repository);
  const sig = sign("sha256", Buffer.from(`${name}@${version}:${integrity}`), privateKey);
  return { keyid: publicKey.keyid, sig: sig.toString("base64") };
}

export async function ownKey(repository: Pick<OwnRepository, "secret">): Promise<RegistryKey> {
  return (await signingKey(repository)).publicKey;
}

/** 32 bytes as a private key: of the few that are none, the hash is taken. */
function keyOf(secret: Uint8Array): SigningKey {
  const pair = createECDH(CURVE);
  let scalar: Buffer = Buffer.from(secret);
  for (;;) {
    try {
      pair.setPrivateKey(scalar);
      break;
    } catch {
      scalar = createHash("sha256").update(scalar).digest();
    }
  }
  const point = pair.getPublicKey(); // 04, x, y
  const part = (from: number, to: number) => point.subarray(from, to).toString("base64url");
  const jwk = { kty: "EC", crv: "P-256", x: part(1, 33), y: part(33, 65) };
  const d = pair.getPrivateKey();
  const padded = Buffer.concat([Buffer.alloc(32 - d.length), d]).toString("base64url");
  const privateKey = createPrivateKey({ key: { ...jwk, d: padded }, format: "jwk" });
  // SubjectPublicKeyInfo of an uncompressed P-256 point. RFC 5480 §2
  const head = Buffer.from("3059301306072a8648ce3d020106082a8648ce3d030107034200", "hex");
  const spki = Buffer.concat([head, point]);
  const keyid = `SHA256:${createHash("sha256").update(spki).digest("base64")}`;
  const publicKey: RegistryKey = {
    expires: null,
    keyid,
    keytype: "ecdsa-sha2-nistp256",
    scheme: "ecdsa-sha2-nistp256",
    key: spki.toString("base64"),
  };
  return { privateKey, publicKey };
}
