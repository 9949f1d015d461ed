// Takes leaves of the primary's log in: its pins become pins here, before a byte was fetched, so that other bytes are refused whoever sends them.
import { NO_REPOSITORY, type RepositoryEvent } from "../core/event.ts";
import { HERE } from "../hosted/rows.ts";
import { readLeaf } from "../ledger/log/leaf.ts";
import { type Pin, pin, readPin, unpin } from "../ledger/pins.ts";
import type { Query } from "../store/database.ts";
import {
  addPackage,
  type FollowedFile,
  removeFollowedPin,
  want,
  wantDocuments,
  writeFollowedPin,
} from "./rows.ts";

export interface TakeDeps {
  /** Null for a repository that is not here. */
  repository(name: string): Followed | null;
  now(): number;
}

/** What of a repository is brought here before a client asks for it. */
export interface Followed {
  /** Whether a file is, by whether it was published there. */
  files(isHosted: boolean): boolean;
  /** Whether what names files is. */
  documents: boolean;
}

/** What is to be done once the leaves are taken in. */
export interface Taken {
  /** Files whose pins were taken back: their bytes are nothing to be served. */
  removed: FollowedFile[];
  events: { repository: string; event: RepositoryEvent }[];
}

/** Events of the primary after which its documents say something else. */
const TELLING = new Set(["withheld", "released", "revoked"]);

/** In a transaction. `first`: the number of the first of these entries. What is no leaf that is known here says nothing. */
export async function takeLeaves(
  sql: Query,
  entries: readonly Uint8Array[],
  first: number,
  deps: TakeDeps,
): Promise<Taken> {
  const taken: Taken = { removed: [], events: [] };
  const changed = new Map<string, [repository: string, packageName: string]>();
  for (const [at, entry] of entries.entries()) {
    const leaf = readLeaf(entry);
    if (!leaf) continue;
    const { kind, said } = leaf;
    const one = fileOf(said);
    const followed = deps.repository(one.repository);
    if (!followed || one.package === "") continue;
    if (kind === "pin") await takePin(sql, one, said, first + at, followed, taken);
    else if (kind === "unpin") await takeUnpin(sql, one, said, deps.now(), taken);
    if (kind === "waiver" || kind === "unwaive" || !followed.documents) continue;
    if (kind !== "event" || TELLING.has(String(said["event"])))
      changed.set(`${one.repository}\0${one.package}`, [one.repository, one.package]);
  }
  for (const [repository, name] of changed.values()) await wantDocuments(sql, repository, name);
  return taken;
}

async function takePin(
  sql: Query,
  one: FollowedFile,
  said: Record<string, unknown>,
  leaf: number,
  followed: Followed,
  { events }: Taken,
): Promise<void> {
  const theirs = pinOf(said);
  if (!theirs || one.file === "") return;
  const { repository, package: name, file } = one;
  const first = await pin(sql, one, theirs);
  await writeFollowedPin(sql, one, theirs.sha256, leaf);
  await addPackage(sql, repository, name);
  if (first.sha256 === theirs.sha256) {
    if (followed.files(theirs.upstream === HERE)) await want(sql, one);
    return;
  }
  events.push({
    repository,
    event: {
      kind: "tampered",
      package: name,
      file,
      message: `The primary pinned ${file} of ${name} to ${theirs.sha256}, and it was pinned here before to ${first.sha256}: what is here stays, and is served. \`holdfast unpin\` takes the pin of the one that is wrong back`,
      detail: { first: first.sha256, primary: theirs.sha256, leaf, upstream: first.upstream },
    },
  });
}

async function takeUnpin(
  sql: Query,
  one: FollowedFile,
  said: Record<string, unknown>,
  at: number,
  { removed, events }: Taken,
): Promise<void> {
  await removeFollowedPin(sql, one);
  const own = await readPin(sql, one);
  if (own?.sha256 !== said["sha256"]) return;
  await unpin(sql, one, { at, by: "the primary", reason: "its pin was taken back there" });
  removed.push(one);
  events.push({
    repository: one.repository,
    event: {
      kind: "unpinned",
      package: one.package,
      file: one.file,
      message: `The pin of ${one.file} of ${one.package} was taken back at the primary, and here with it`,
      detail: { sha256: own?.sha256 },
    },
  });
}

function fileOf(said: Record<string, unknown>): FollowedFile {
  const text = (name: string) => (typeof said[name] === "string" ? (said[name] as string) : "");
  return {
    repository: text("repository") || NO_REPOSITORY,
    package: text("package"),
    file: text("file"),
  };
}

/** Null for what is no pin as this version knows them. */
function pinOf(said: Record<string, unknown>): Pin | null {
  const { sha256, size, firstSeen, upstream, digests = null, content = null } = said;
  const isText = (value: unknown) => value === null || typeof value === "string";
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) return null;
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(firstSeen)) return null;
  if (typeof upstream !== "string" || !isText(digests) || !isText(content)) return null;
  return { sha256, size, firstSeen, upstream, digests, content } as Pin;
}
