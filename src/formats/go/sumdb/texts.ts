// The texts of a checksum database: tree heads and records. golang.org/x/mod/sumdb/tlog
import { Problem } from "../../../core/problem.ts";
import type { Tree } from "../../../proof/merkle.ts";

const TREE = /^go\.sum database tree\n(0|[1-9]\d{0,14})\n([A-Za-z0-9+/]{43}=)\n/;

/** The text of a tree head. Lines after the hash are for the future and are ignored. */
export function parseTree(text: string): Tree {
  const match = TREE.exec(text);
  const hash = match && Buffer.from(match[2]!, "base64");
  if (!match || hash?.length !== 32 || hash.toString("base64") !== match[2])
    throw new Problem("malformed", "Not a tree head of a checksum database");
  return { size: Number(match[1]), hash };
}

export function formatTree(tree: Tree): string {
  return `go.sum database tree\n${tree.size}\n${Buffer.from(tree.hash).toString("base64")}\n`;
}

export interface DatabaseRecord {
  id: number;
  /** go.sum lines, each with its newline. Only this is under the tree's hash. */
  text: string;
}

/** True for lines of text without control characters and without an empty line. */
export function isRecordText(text: string): boolean {
  return /^([^\x00-\x1f\ufffd]+\n)+$/.test(text);
}

/** Takes a lookup's answer apart: the record, and the signed tree head after it. */
export function parseRecord(message: string): { record: DatabaseRecord; note: string } {
  const match = /^(0|[1-9]\d{0,14})\n([\s\S]*?\n)\n([\s\S]*)$/.exec(message);
  if (!match || !isRecordText(match[2]!))
    throw new Problem("malformed", "Not a record of a checksum database");
  return { record: { id: Number(match[1]), text: match[2]! }, note: match[3]! };
}

/** What stands before the tree head in a lookup's answer. */
export function formatRecord(record: DatabaseRecord): string {
  return `${record.id}\n${record.text}\n`;
}
