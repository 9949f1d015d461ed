// The hashes of passwords that htpasswd and crypt(3) write, beside bcrypt: apr1 and MD5-crypt, SHA-crypt, {SHA}.
// https://www.akkadia.org/drepper/SHA-crypt.txt, httpd's apr_md5_encode.
import { createHash, timingSafeEqual } from "node:crypto";

const ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const MD5 = /^\$(apr1|1)\$([^$]{0,8})\$([./0-9A-Za-z]{22})$/;
const SHA =
  /^\$([56])\$(?:rounds=(\d{1,9})\$)?([^$]{0,16})\$([./0-9A-Za-z]{43}|[./0-9A-Za-z]{86})$/;
const SHA1 = /^\{SHA\}([A-Za-z0-9+/]{27}=)$/;
/** More would hold up all others for as long as one password is looked at. */
const MOST_ROUNDS = 1_000_000;

/** Which bytes of a digest make one group of characters, the highest first. */
const MD5_ORDER = "0.6.12 1.7.13 2.8.14 3.9.15 4.10.5 11";
const SHA256_ORDER =
  "0.10.20 21.1.11 12.22.2 3.13.23 24.4.14 15.25.5 6.16.26 27.7.17 18.28.8 9.19.29 31.30";
const SHA512_ORDER =
  "0.21.42 22.43.1 44.2.23 3.24.45 25.46.4 47.5.26 6.27.48 28.49.7 50.8.29 9.30.51 31.52.10 53.11.32 12.33.54 34.55.13 56.14.35 15.36.57 37.58.16 59.17.38 18.39.60 40.61.19 62.20.41 63";

/** Which form a hash has; null for those that are not known here. */
export type CryptForm = "apr1" | "md5" | "sha1" | "sha256" | "sha512";

export function cryptForm(hash: string): CryptForm | null {
  const md5 = MD5.exec(hash);
  if (md5) return md5[1] === "apr1" ? "apr1" : "md5";
  if (SHA1.test(hash)) return "sha1";
  const sha = SHA.exec(hash);
  if (!sha || Number(sha[2] ?? 0) > MOST_ROUNDS) return null;
  if (sha[4]!.length !== (sha[1] === "5" ? 43 : 86)) return null;
  return sha[1] === "5" ? "sha256" : "sha512";
}

/** False also for a hash of a form that is not known here. */
export function verifyCrypt(password: string, hash: string): boolean {
  const made = cryptOf(password, hash);
  if (made === null) return false;
  const [left, right] = [Buffer.from(made), Buffer.from(hash)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function cryptOf(password: string, hash: string): string | null {
  const form = cryptForm(hash);
  const bytes = Buffer.from(password);
  if (form === "sha1") return `{SHA}${createHash("sha1").update(bytes).digest("base64")}`;
  if (form === "apr1" || form === "md5") {
    const [, magic = "", salt = ""] = MD5.exec(hash)!;
    return `$${magic}$${salt}$${md5Crypt(bytes, Buffer.from(salt), `$${magic}$`)}`;
  }
  if (form === null) return null;
  const [, , rounds, salt = ""] = SHA.exec(hash)!;
  const said = rounds === undefined ? "" : `rounds=${rounds}$`;
  const count = Math.max(1000, Number(rounds ?? 5000));
  return `$${form === "sha256" ? 5 : 6}$${said}${salt}$${shaCrypt(form, bytes, Buffer.from(salt), count)}`;
}

function md5Crypt(password: Buffer, salt: Buffer, magic: string): string {
  const md5 = (...parts: Uint8Array[]) => digest("md5", parts);
  const inner = md5(password, salt, password);
  const odd: Uint8Array[] = [];
  for (let left = password.length; left > 0; left >>= 1)
    odd.push(left & 1 ? Buffer.of(0) : password.subarray(0, 1));
  let sum = md5(password, Buffer.from(magic), salt, repeated(inner, password.length), ...odd);
  for (let round = 0; round < 1000; round++) {
    const parts: Uint8Array[] = [round & 1 ? password : sum];
    if (round % 3) parts.push(salt);
    if (round % 7) parts.push(password);
    parts.push(round & 1 ? sum : password);
    sum = md5(...parts);
  }
  return encoded(sum, MD5_ORDER);
}

function shaCrypt(name: "sha256" | "sha512", password: Buffer, salt: Buffer, rounds: number) {
  const sha = (...parts: Uint8Array[]) => digest(name, parts);
  const inner = sha(password, salt, password);
  const mixed: Uint8Array[] = [];
  for (let left = password.length; left > 0; left >>= 1) mixed.push(left & 1 ? inner : password);
  let sum = sha(password, salt, repeated(inner, password.length), ...mixed);
  const p = repeated(sha(...Array<Buffer>(password.length).fill(password)), password.length);
  const s = repeated(sha(...Array<Buffer>(16 + sum[0]!).fill(salt)), salt.length);
  for (let round = 0; round < rounds; round++) {
    const parts: Uint8Array[] = [round & 1 ? p : sum];
    if (round % 3) parts.push(s);
    if (round % 7) parts.push(p);
    parts.push(round & 1 ? sum : p);
    sum = sha(...parts);
  }
  return encoded(sum, name === "sha256" ? SHA256_ORDER : SHA512_ORDER);
}

function digest(name: string, parts: readonly Uint8Array[]): Buffer {
  const hash = createHash(name);
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** So many bytes of it, over and over. */
function repeated(bytes: Buffer, length: number): Buffer {
  return Buffer.alloc(length, bytes);
}

function encoded(bytes: Buffer, order: string): string {
  return order
    .split(" ")
    .map((group) => {
      const places = group.split(".").map(Number);
      let value = places.reduce((sum, at) => (sum << 8) | bytes[at]!, 0);
      let text = "";
      for (let left = Math.ceil((places.length * 8) / 6); left > 0; left--) {
        text += ALPHABET[value & 63];
        value >>= 6;
      }
      return text;
    })
    .join("");
}
