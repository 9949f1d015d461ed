// Reads keyrings: OpenPGP public keys, armoured or binary, one or many. RFC 9580 §4.2 and §10.1
import type { Key } from "openpgp";
import { Problem } from "../../core/problem.ts";
import { dearmour, latin1 } from "./clear-signed.ts";

export const PUBLIC_KEY = 6;
export const PUBLIC_SUBKEY = 14;

/**
 * The keys of some keyrings. Keys that cannot be understood (of a version or algorithm that is gone) are left out; a keyring with none
 * that can is Problem("malformed").
 */
export async function readKeyring(keyrings: readonly Uint8Array[]): Promise<Key[]> {
  const openpgp = await import("openpgp");
  const keys: Key[] = [];
  for (const keyring of keyrings) {
    const before = keys.length;
    let reason = "";
    for (const binaryKey of splitKeys(keyringBytes(keyring))) {
      try {
        keys.push(await openpgp.readKey({ binaryKey }));
      } catch (error) {
        reason = `: ${error instanceof Error ? error.message : String(error)}`;
      }
    }
    if (keys.length === before)
      throw new Problem("malformed", `The keyring holds no usable OpenPGP key${reason}`);
  }
  return keys;
}

/** The packets of a keyring, which may be armoured, in any number of blocks. Throws Problem("malformed") for what is none. */
export function keyringBytes(keyring: Uint8Array): Uint8Array {
  if ((keyring[0] ?? 0) & 0x80) return keyring;
  if (latin1(keyring.subarray(8, 12)) === "KBXf")
    throw new Problem(
      "malformed",
      "The keyring is a GnuPG keybox: write its keys with gpg --export",
    );
  return dearmour(latin1(keyring), "PUBLIC KEY BLOCK");
}

/** The packets of a keyring one by one, each without its header. Throws as `readKeyring` does. */
export function* keyringPackets(keyring: Uint8Array): Generator<{ tag: number; body: Uint8Array }> {
  const bytes = keyringBytes(keyring);
  for (let at = 0; at < bytes.length; ) {
    const { tag, start, end } = packetAt(bytes, at);
    yield { tag, body: bytes.subarray(start, end) };
    at = end;
  }
}

/** The bytes of one key each: from a public key packet to the next. */
function splitKeys(bytes: Uint8Array): Uint8Array[] {
  const starts: number[] = [];
  let at = 0;
  while (at < bytes.length) {
    const packet = packetAt(bytes, at);
    if (packet.tag === PUBLIC_KEY) starts.push(at);
    at = packet.end;
  }
  return starts.map((start, place) => bytes.subarray(start, starts[place + 1] ?? bytes.length));
}

function packetAt(bytes: Uint8Array, at: number): { tag: number; start: number; end: number } {
  const byte = (offset: number) => bytes[at + offset] ?? 0;
  const number = (offset: number, length: number) => {
    let value = 0;
    for (let place = 0; place < length; place++) value = value * 256 + byte(offset + place);
    return value;
  };
  const head = byte(0);
  let tag: number;
  let body: number;
  let length: number;
  if (!(head & 0x80)) throw cut();
  if (head & 0x40) {
    tag = head & 0x3f;
    const first = byte(1);
    // Lengths in parts are for data only.
    if (first >= 224 && first < 255) throw cut();
    [body, length] =
      first < 192
        ? [2, first]
        : first < 224
          ? [3, (first - 192) * 256 + byte(2) + 192]
          : [6, number(2, 4)];
  } else {
    tag = (head >> 2) & 0x0f;
    const kind = head & 3;
    if (kind === 3) throw cut();
    body = 1 + 2 ** kind;
    length = number(1, 2 ** kind);
  }
  const end = at + body + length;
  if (end > bytes.length) throw cut();
  return { tag, start: at + body, end };
}

function cut(): Problem {
  return new Problem("malformed", "The keyring is not whole or not made of OpenPGP packets");
}
