// Signed notes: a text, an empty line and signatures. golang.org/x/mod/sumdb/note
import { Problem } from "../core/problem.ts";
import { isKeyName, type Verifier } from "./verifier.ts";

const SIGNATURE = /^— (\S+) ([A-Za-z0-9+/]+={0,2})$/;
const MAX_SIGNATURES = 100;

function malformed(): Problem {
  return new Problem("malformed", "Not a signed note");
}

/**
 * The text of a note that the verifier's key signed. Signatures of other keys are passed over; one that bears this key's
 * name and hash and does not hold is Problem("tampered"), and so is a note without one of this key's.
 */
export function openNote(note: string, verifier: Verifier): string {
  if (/[\x00-\x09\x0b-\x1f\ufffd]/.test(note)) throw malformed();
  const split = note.lastIndexOf("\n\n");
  if (split < 0 || !note.endsWith("\n") || split + 2 === note.length) throw malformed();
  const text = note.slice(0, split + 1);
  const lines = note.slice(split + 2, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) throw malformed();
  let verified = false;
  for (const line of lines) {
    const match = SIGNATURE.exec(line);
    const bytes = match && Buffer.from(match[2]!, "base64");
    if (!match || !bytes || !isKeyName(match[1]!)) throw malformed();
    if (bytes.length < 5 || bytes.toString("base64") !== match[2]) throw malformed();
    if (match[1] !== verifier.name || bytes.readUInt32BE(0) !== verifier.hash) continue;
    if (!verifier.verify(Buffer.from(text), bytes.subarray(4)))
      throw new Problem("tampered", `A signature of ${verifier.name} does not hold`);
    verified = true;
  }
  if (!verified) throw new Problem("tampered", `A note without a signature of ${verifier.name}`);
  return text;
}
