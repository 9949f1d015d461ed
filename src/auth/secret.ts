// The form of our tokens: `hf_`, 32 random bytes and a checksum, all in characters that a double click selects. Secret scanners know it by
// /\bhf_[0-9A-Za-z]{49}\b/.
import { createHash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const START = "hf_";
const RANDOM = 43; // 32 bytes in base 62
const CHECK = 6; // 32 bits in base 62
const FORM = new RegExp(`^${START}[0-9A-Za-z]{${RANDOM + CHECK}}$`);
/** As much of a token as lists show: too little to guess the rest from. */
const PREFIX = START.length + 7;

export function makeSecret(random: Uint8Array = randomBytes(32)): string {
  const body = base62(BigInt(`0x${Buffer.from(random).toString("hex")}`), RANDOM);
  return `${START}${body}${checksum(body)}`;
}

/** Whether it has the form of a token of this server: what was cut or mistyped has not. Says nothing of whether there is such a token. */
export function isSecret(text: string): boolean {
  if (!FORM.test(text)) return false;
  const body = text.slice(START.length, START.length + RANDOM);
  return text.slice(START.length + RANDOM) === checksum(body);
}

/** Whether it is meant as a token: such a text is never tried as a password. */
export function looksLikeSecret(text: string): boolean {
  return text.startsWith(START);
}

/** What is stored of it. Plain SHA-256: there is nothing to guess in 32 random bytes. */
export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

export function prefixOf(secret: string): string {
  return secret.slice(0, PREFIX);
}

function checksum(body: string): string {
  return base62(BigInt(crc32(body)), CHECK);
}

function base62(number: bigint, length: number): string {
  let text = "";
  for (let left = number; text.length < length; left /= 62n)
    text = DIGITS[Number(left % 62n)] + text;
  return text;
}
