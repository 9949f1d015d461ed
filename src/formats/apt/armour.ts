// The keyring as clients take it: all keys in one ASCII armour. RFC 9580 §6
import type { OptionFile } from "../../core/format.ts";
import { Problem } from "../../core/problem.ts";
import { keyringBytes } from "./keyring.ts";

/** Whether it begins with a public key packet (tag 6), in the old or the new format. RFC 9580 §4.2 */
function isPublicKey(bytes: Uint8Array): boolean {
  const first = bytes[0] ?? 0;
  return (first & 0b1111_1100) === 0b1001_1000 || first === 0b1100_0110;
}

/** Whether a file holds public keys. Which ones, and whether they are any good, is found out when they are used. */
export function isKeyring(bytes: Uint8Array): boolean {
  try {
    return isPublicKey(keyringBytes(bytes));
  } catch (error) {
    if (error instanceof Problem) return false;
    throw error;
  }
}

/** What `/-/key.asc` answers: the keys of all files, which every GnuPG and apt reads as one keyring. */
export function armouredKeys(files: readonly OptionFile[]): string {
  const packets = Buffer.concat(files.map(({ bytes }) => keyringBytes(bytes)));
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
