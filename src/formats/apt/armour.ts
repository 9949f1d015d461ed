// The keyring as clients take it: all keys in one ASCII armour. RFC 9580 §6
import type { OptionFile } from "../../core/format.ts";

const BLOCK =
  /-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(?:[^\n]*\S[^\n]*\n)*?[ \t]*\r?\n([A-Za-z0-9+/=\s]+?)\r?\n(?:=[A-Za-z0-9+/]{4}\s*)?-----END PGP PUBLIC KEY BLOCK-----/g;

/** The packets of a keyring, which may be armoured, in any number of blocks; empty when it holds none. */
export function dearmour(bytes: Uint8Array): Uint8Array {
  if (isPublicKey(bytes)) return bytes;
  const text = Buffer.from(bytes).toString("latin1");
  const blocks = [...text.matchAll(BLOCK)].map(([, base64]) => Buffer.from(base64!, "base64"));
  return blocks.every(isPublicKey) ? Buffer.concat(blocks) : new Uint8Array(0);
}

/** Whether it begins with a public key packet (tag 6), in the old or the new format. RFC 9580 §4.2 */
function isPublicKey(bytes: Uint8Array): boolean {
  const first = bytes[0] ?? 0;
  return (first & 0b1111_1100) === 0b1001_1000 || first === 0b1100_0110;
}

/** Whether a file holds public keys. Which ones, and whether they are any good, is found out when they are used. */
export function isKeyring(bytes: Uint8Array): boolean {
  return dearmour(bytes).length > 0;
}

/** What `/-/key.asc` answers: the keys of all files, which every GnuPG and apt reads as one keyring. */
export function armouredKeys(files: readonly OptionFile[]): string {
  const packets = Buffer.concat(files.map(({ bytes }) => dearmour(bytes)));
  const lines = packets.toString("base64").replace(/.{64}/g, "$&\n").trimEnd();
  return [
    "-----BEGIN PGP PUBLIC KEY BLOCK-----",
    "",
    lines,
    `=${crc24(packets).toString("base64")}`,
    "-----END PGP PUBLIC KEY BLOCK-----",
    "",
  ].join("\n");
}

/** RFC 4880 §6.1. RFC 9580 no longer asks for it; the GnuPG of older systems does. */
function crc24(bytes: Uint8Array): Buffer {
  let crc = 0xb704ce;
  for (const byte of bytes) {
    crc ^= byte << 16;
    for (let bit = 0; bit < 8; bit++) {
      crc <<= 1;
      if (crc & 0x1000000) crc ^= 0x1864cfb;
    }
  }
  return Buffer.from([(crc >> 16) & 0xff, (crc >> 8) & 0xff, crc & 0xff]);
}
