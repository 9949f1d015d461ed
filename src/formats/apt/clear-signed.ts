// Takes signed files apart: the clear-signed text and armoured blocks. RFC 9580 §6 and §7, as strictly as apt does it.
import { Problem } from "../../core/problem.ts";

const SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE = "-----BEGIN PGP SIGNATURE-----";
/** RFC 9580 §7.1 */
const HASHES = /^Hash: *[A-Za-z0-9-]+( *, *[A-Za-z0-9-]+)*$/;
const SIGNATURE_END = "-----END PGP SIGNATURE-----";

export interface ClearSigned {
  /** What the signatures are over: lines without the space at their ends, joined by "\n", without a last one. */
  text: string;
  /** The armoured blocks. */
  signature: string;
}

/**
 * Text and signatures of a clear-signed file. One signed message from the first line to the last, nothing before, between or after, or
 * else what a client reads might not be what was signed: Problem("tampered"). What is no signed message at all is
 * Problem("malformed").
 */
export function splitClearSigned(file: string): ClearSigned {
  const lines = file.split("\n").map((line) => withoutEnd(withoutEnd(line, "\r"), " \t"));
  // Only what stands after a last line ending.
  if (lines.at(-1) === "") lines.pop();
  if (lines[0] !== SIGNED) {
    if (lines.includes(SIGNED)) throw unsigned("it has lines before the signed message");
    throw new Problem("malformed", "Not a clear-signed file: it does not begin with one");
  }
  const begin = lines.indexOf("");
  const end = lines.indexOf(SIGNATURE);
  if (begin < 0 || end < begin) throw cut();
  // Nobody signed the headers, and gpgv takes no message with others: clients would refuse what is served.
  if (!lines.slice(1, begin).every((line) => HASHES.test(line)))
    throw unsigned("it has a header that is no Hash");
  const text = lines.slice(begin + 1, end).map((line) => {
    if (/[\0\r]/.test(line)) throw unsigned("it has a control character in its text");
    if (!line.startsWith("-")) return line;
    if (!line.startsWith("- ")) throw unsigned("a line begins with a dash that is not escaped");
    return line.slice(2);
  });
  const signature = lines.slice(end);
  checkBlocks(signature);
  return { text: text.join("\n"), signature: signature.join("\n") };
}

/** Without those characters at its end. By hand: a regular expression takes for ever over a line of spaces. */
function withoutEnd(line: string, characters: string): string {
  let end = line.length;
  while (end > 0 && characters.includes(line[end - 1]!)) end--;
  return line.slice(0, end);
}

/** Signature blocks one after the other and nothing else. */
function checkBlocks(lines: string[]): void {
  let isOpen = false;
  for (const line of lines) {
    if (isOpen) {
      if (line === SIGNATURE_END) isOpen = false;
      else if (line.startsWith("-"))
        throw unsigned("a signature has a line that begins with a dash");
    } else if (line === SIGNATURE) isOpen = true;
    else throw unsigned("it has lines outside of the signed message");
  }
  if (isOpen) throw cut();
}

/** The bytes of a detached signature: armoured blocks, or as they are. Throws Problems as `splitClearSigned` does. */
export function signaturePackets(file: Uint8Array): Uint8Array {
  if ((file[0] ?? 0) & 0x80) return file;
  const lines = latin1(file)
    .split("\n")
    .map((line) => line.trimEnd());
  if (!lines.includes(SIGNATURE))
    throw new Problem("malformed", "Not a signature: neither armoured nor binary");
  while (lines.at(-1) === "") lines.pop();
  checkBlocks(lines);
  return dearmour(lines.join("\n"), "SIGNATURE");
}

/** The bytes of all armoured blocks of a kind, whatever stands between them. */
export function dearmour(text: string, kind: "SIGNATURE" | "PUBLIC KEY BLOCK"): Uint8Array {
  const parts: Uint8Array[] = [];
  let block: string[] | null = null;
  for (const raw of text.split("\n")) {
    const line = raw.trim();
    if (line === `-----BEGIN PGP ${kind}-----`) block = [];
    else if (line === `-----END PGP ${kind}-----` && block) {
      parts.push(base64(block, kind));
      block = null;
    } else block?.push(line);
  }
  if (block) throw new Problem("malformed", `A PGP ${kind} has no end`);
  return Buffer.concat(parts);
}

function base64(lines: string[], kind: string): Uint8Array {
  const blank = lines.indexOf("");
  const body = lines.slice(blank + 1).filter((line) => !/^=[A-Za-z0-9+/]{4}$/.test(line));
  const text = body.join("");
  // What is no base64 must not be skipped over: the bytes would be others.
  if (!text || !/^[A-Za-z0-9+/]+={0,2}$/.test(text))
    throw new Problem("malformed", `A PGP ${kind} is not base64`);
  return Buffer.from(text, "base64");
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

function unsigned(reason: string): Problem {
  return new Problem("tampered", `Not a clean signed file: ${reason}`, { event: "unsigned" });
}

function cut(): Problem {
  return new Problem("malformed", "Not a whole signed file: its signature has no end");
}
