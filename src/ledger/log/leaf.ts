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

/** Kinds of leaves that say of a row that it is no longer there. `lost`: nobody knows why, and an operator takes it as it is (accept.ts). */
const GONE = new Set(["unpin", "unwaive", "lost"]);

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
  /** Not null: the row was there before its leaf. */
  taken_up?: number | null;
}

type Column = Exclude<keyof LoggedRow, "kind" | "sealed" | "sealed_too" | "taken_up">;

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
  /** Of what it says of the row, however it came to be a leaf. */
  digest: string;
  /** It says that the row is not there any more. */
  isGone: boolean;
  /** The row was there before, so that its times may be of long ago. */
  isTakenUp: boolean;
  /** What it says, for people. */
  said: Record<string, unknown>;
}

/** The bytes of a row's leaf. `seal`: a secret, without which nobody can guess what is sealed. */
export function leafOf(row: LoggedRow, seal: Uint8Array): Uint8Array {
  const said = row.kind === "lost" ? lostOf(row) : saidOf(row, seal);
  const whole = Buffer.from(JSON.stringify(said));
  if (whole.length > LONGEST - ROOM) {
    // No client has names of that length: its row is proven all the same.
    const key = keyOf(GROUP_OF[row.kind]!, said, whole);
    return bytesOf({ v: 1, kind: row.kind, key, whole: digest(whole) }, row);
  }
  return row.taken_up == null ? whole : bytesOf(said, row);
}

/** Of what is said of any row beside itself. */
const ROOM = 64;

function bytesOf(said: Record<string, unknown>, { taken_up: takenUp }: LoggedRow): Uint8Array {
  return Buffer.from(JSON.stringify(takenUp == null ? said : { ...said, takenUp: true }));
}

function saidOf(row: LoggedRow, seal: Uint8Array): Record<string, unknown> {
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
  return said;
}

/** A row that says which other one is lost. */
export function lostRow({ group, key }: Pick<Leaf, "group" | "key">): LoggedRow {
  return { kind: "lost", ref: key, state: group };
}

function lostOf({ ref, state }: LoggedRow): Record<string, unknown> {
  return { v: 1, kind: "lost", group: state, key: ref };
}

/** Null for bytes that no row gives. */
export function readLeaf(bytes: Uint8Array): Leaf | null {
  let said: Record<string, unknown>;
  try {
    said = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return null;
  }
  if (said?.["v"] !== 1) return null;
  const kind = String(said["kind"]);
  const isLost = kind === "lost";
  const group = groupNamed(
    isLost ? said["group"] : Object.hasOwn(GROUP_OF, kind) && GROUP_OF[kind],
  );
  if (!group) return null;
  const { takenUp, ...own } = said;
  const isTakenUp = takenUp === true;
  const plain = isTakenUp ? Buffer.from(JSON.stringify(own)) : bytes;
  const given = isLost || said["whole"] !== undefined ? String(said["key"]) : null;
  return {
    kind,
    group,
    key: given ?? keyOf(group, own, plain),
    digest: digest(plain),
    isGone: GONE.has(kind),
    isTakenUp,
    said: own,
  };
}

const WORDS: Readonly<Record<Group, readonly string[]>> = {
  pin: ["repository", "package", "file"],
  fact: ["repository", "package", "version", "file"],
  event: ["event", "repository", "package", "version", "file"],
  waiver: ["id", "package", "versions"],
};

/** For people. */
export function describe({ group, said }: Pick<Leaf, "group" | "said">): string {
  const words = WORDS[group].map((name) => said[name]);
  const known = words.filter((word) => word !== undefined && word !== "");
  return `the ${group} ${known.join(" ") || String(said["key"])}`;
}

function groupNamed(text: unknown): Group | null {
  return GROUPS.find((group) => group === text) ?? null;
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
