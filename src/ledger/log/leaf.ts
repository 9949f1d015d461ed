// What a leaf of the log says: one row of the catalog, as a line of JSON. Never who did something, nor a text that could name them.
import { createHash, createHmac } from "node:crypto";
import { LONGEST } from "../../proof/tlog-tiles.ts";

/** Kinds of leaves about the same rows: the newest of them about a row is what the row is now. */
export const GROUPS = ["pin", "fact", "event", "waiver"] as const;
export type Group = (typeof GROUPS)[number];

const GROUP_OF: Readonly<Record<string, Group>> = {
  pin: "pin",
  unpin: "pin",
  fact: "fact",
  event: "event",
  waiver: "waiver",
  unwaive: "waiver",
};

/** A row of log_queue, or of the table that it is about under the queue's names (log/rows.ts). */
export interface LoggedRow {
  kind: string;
  ref?: string | null;
  repository?: string | null;
  package?: string | null;
  version?: string | null;
  file?: string | null;
  at?: number | null;
  sha256?: string | null;
  size?: number | null;
  source?: string | null;
  integrity?: string | null;
  state?: string | null;
  told?: string | null;
  seen?: string | null;
  gone?: string | null;
  tampered?: string | null;
  shown?: string | null;
  ends?: number | null;
  sealed?: string | null;
  sealed_too?: string | null;
}

type Column = Exclude<keyof LoggedRow, "kind" | "sealed" | "sealed_too">;

/** What a column is called in a leaf; one that is not named here keeps its name. */
const NAMES: Readonly<Record<Group, Partial<Record<Column, string>>>> = {
  pin: { at: "firstSeen", source: "upstream", integrity: "digests", state: "content" },
  fact: {
    source: "location",
    told: "publishedAt",
    seen: "firstSeen",
    gone: "goneAt",
    tampered: "tamperedAt",
    shown: "tamperedShown",
  },
  event: { state: "event" },
  waiver: { ref: "id", version: "versions", at: "createdAt", state: "type", ends: "until" },
};

const COLUMNS = [
  ...["ref", "repository", "package", "version", "file", "at", "sha256", "size", "source"],
  ...["integrity", "state", "told", "seen", "gone", "tampered", "shown", "ends"],
] as readonly Column[];

/** Which row a leaf is about. */
const KEYS: Readonly<Record<Group, readonly Column[]>> = {
  pin: ["repository", "package", "file"],
  fact: ["repository", "package", "file"],
  event: [], // never changed: a leaf is the row
  waiver: ["ref"],
};

export interface Leaf {
  kind: string;
  group: Group;
  /** The same for leaves about the same row. */
  key: string;
  /** Of a pin. */
  sha256: string | null;
  /** What it says, for people. */
  said: Record<string, unknown>;
}

/** The bytes of a row's leaf. `seal`: a secret, without which nobody can guess what is sealed. */
export function leafOf(row: LoggedRow, seal: Uint8Array): Uint8Array {
  const group = GROUP_OF[row.kind]!;
  const said: Record<string, unknown> = { v: 1, kind: row.kind };
  for (const column of COLUMNS) {
    const value = row[column];
    if (value !== null && value !== undefined) said[NAMES[group][column] ?? column] = value;
  }
  if (row.sealed != null || row.sealed_too != null)
    said["sealed"] = createHmac("sha256", seal)
      .update(JSON.stringify([row.sealed ?? null, row.sealed_too ?? null]))
      .digest("hex");
  const whole = Buffer.from(JSON.stringify(said));
  if (whole.length <= LONGEST) return whole;
  // No client has names of that length: its row is proven all the same.
  const key = keyOf(group, said, whole);
  return Buffer.from(JSON.stringify({ v: 1, kind: row.kind, key, whole: digest(whole) }));
}

/** Null for bytes that no row gives. */
export function readLeaf(bytes: Uint8Array): Leaf | null {
  let said: Record<string, unknown>;
  try {
    said = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return null;
  }
  const kind = String(said?.["kind"]);
  const group = Object.hasOwn(GROUP_OF, kind) ? GROUP_OF[kind]! : null;
  if (!group || said["v"] !== 1) return null;
  const given = said["whole"] === undefined ? null : String(said["key"]);
  const sha256 = group === "pin" && typeof said["sha256"] === "string" ? said["sha256"] : null;
  return { kind, group, key: given ?? keyOf(group, said, bytes), sha256, said };
}

function keyOf(group: Group, said: Record<string, unknown>, bytes: Uint8Array): string {
  const columns = KEYS[group];
  if (columns.length === 0) return digest(bytes);
  return digest(
    JSON.stringify(columns.map((column) => said[NAMES[group][column] ?? column] ?? "")),
  );
}

function digest(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("base64");
}
