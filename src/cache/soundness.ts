// Whether stored bytes are still the ones that were proven: disks alter bits, and people alter files (docs/decisions/0014-stored-bytes-are-hashed-again.md).
import type { Events } from "../ledger/events.ts";
import type { Blobs } from "../store/blobs.ts";
import { type Change, type Changes, goneFile } from "../store/changes.ts";
import type { Database } from "../store/database.ts";
import { guard } from "../store/guard.ts";
import { hashFile } from "../store/sink.ts";
import { createCollapse } from "./collapse.ts";
import { createLru } from "./lru.ts";
import { awaitDocuments, type Named, type Naming, namesOf } from "./named.ts";

/** Blobs up to here are hashed before they are sent for the first time after a start; larger ones behind. Bytes: a twentieth of a second. */
const HASHED_FIRST = 32 * 1024 * 1024;
/** Of so many blobs it is remembered what their file was like when it was hashed. */
const REMEMBERED = 200_000;
/** Between two pieces of 1 MiB of what is hashed behind: it takes a twentieth of a core, and no disk from requests. */
const PAUSE_MS = 20;

export interface SoundnessDeps {
  blobs: Blobs;
  database: Database;
  changes: Changes;
  naming: Naming;
  events: Events;
  /** For tests. */
  hashedFirst?: number;
}

export interface Soundness {
  /** The bytes were proven on their way here, and have their name. */
  proven(sha256: string): Promise<void>;
  /**
   * Whether the blob may be sent. One that is new to this process, or whose file has changed, is hashed first where that is quick, else
   * behind: it is refused from then on. False bytes go to evidence, and are fetched again by whoever asks for them.
   */
  admit(sha256: string): Promise<boolean>;
  /** Whether the blob's file is what it was when it was admitted. */
  isUnchanged(sha256: string): Promise<boolean>;
  /** Hashes what is kept for good, slowly. False when it proved false, or is not there. */
  check(sha256: string): Promise<boolean>;
  /** Hashes the blob's file at once, for somebody who waits. */
  checkNow(sha256: string): Promise<boolean>;
  /**
   * Takes a blob out of service whose bytes proved false: to evidence, with an event for each thing that they were. Where only a copy of what is
   * kept elsewhere was false, that goes, and true is returned.
   */
  condemn(sha256: string): Promise<boolean>;
  /** Resolves when nothing is hashed behind any more. For tests. */
  settled(): Promise<void>;
  /** Ends what is hashed behind. */
  close(): Promise<void>;
}

type Hashed = "true" | "mended" | "false";

const unhurried = () => Promise.resolve();

export function createSoundness(deps: SoundnessDeps): Soundness {
  const { blobs, database, naming, hashedFirst = HASHED_FIRST } = deps;
  const known = createLru<string>(REMEMBERED);
  const checks = createCollapse<Hashed>();
  const waiting = new Set<string>();
  let behind: Promise<unknown> = Promise.resolve();
  let isClosed = false;

  async function proven(sha256: string): Promise<void> {
    const found = await blobs.stat(sha256);
    if (found) known.set(sha256, found.stamp, 1);
  }

  async function isUnchanged(sha256: string): Promise<boolean> {
    const stamp = known.get(sha256);
    return stamp !== undefined && (await blobs.stat(sha256))?.stamp === stamp;
  }

  async function admit(sha256: string): Promise<boolean> {
    const found = await blobs.stat(sha256);
    if (!found) return false;
    if (known.get(sha256) === found.stamp) return true;
    if (found.isProven) {
      known.set(sha256, found.stamp, 1);
      return true;
    }
    if (found.size <= hashedFirst) return (await hash(sha256, unhurried)) !== "false";
    known.set(sha256, found.stamp, 1);
    later(sha256);
    return true;
  }

  function later(sha256: string): void {
    if (waiting.has(sha256)) return;
    waiting.add(sha256);
    behind = behind
      .then(() => (isClosed ? undefined : hash(sha256, pause)))
      .catch(() => {}) // closed, or its file went
      .finally(() => waiting.delete(sha256));
  }

  /** Where the bytes are kept for good: a copy tells nothing of them. */
  async function check(sha256: string): Promise<boolean> {
    const found = await blobs.digest(sha256, pause);
    if (found !== null && found !== sha256) await condemn(sha256);
    return found === sha256;
  }

  async function pause(): Promise<void> {
    if (isClosed) throw new Error("The server is stopping");
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }

  /** Of the file that is served. "mended" is a false copy that has gone, and came again. */
  function hash(sha256: string, breathe: () => Promise<void>): Promise<Hashed> {
    return checks.run(sha256, async () => {
      const before = await blobs.stat(sha256);
      const path = await blobs.local(sha256);
      if (!before || path === null) return "false";
      if ((await guard(hashFile(path, breathe))) !== sha256)
        return (await condemn(sha256)) && (await blobs.local(sha256)) ? "mended" : "false";
      known.set(sha256, before.stamp, 1);
      return "true";
    }).result;
  }

  async function condemn(sha256: string): Promise<boolean> {
    known.delete(sha256);
    await blobs.forget(sha256);
    const found = await naming.alone(sha256, async () => {
      const actual = await blobs.digest(sha256);
      if (actual !== null && actual !== sha256) await blobs.depose(sha256, actual);
      return actual;
    });
    if (found === sha256) return true;
    if (!found) return false; // gone, or stored anew this moment
    await database.write(async (sql) => {
      await awaitDocuments(sql, sha256);
      for (const named of await namesOf(sql, sha256)) await deps.changes.note(sql, changeOf(named));
    });
    for (const named of await namesOf(database.read, sha256)) tell(named, found);
    return false;
  }

  function tell(named: Named, found: string): void {
    const { sha256, repository, subject, file, document, isHosted } = named;
    deps.changes.announce(changeOf(named));
    deps.events.report(repository, {
      kind: "damaged",
      package: (file ?? document!).package,
      ...(file && { version: file.version, file: file.file }),
      message: `The stored bytes of ${subject} were altered on disk: they are out of service, and ${isHosted ? "only a backup has the right ones" : "fetched again when next asked for"}`,
      detail: { sha256, found },
    });
  }

  return {
    proven,
    admit,
    isUnchanged,
    check,
    checkNow: async (sha256) => (await hash(sha256, unhurried)) === "true",
    condemn,
    async settled() {
      while (waiting.size > 0) await behind;
    },
    async close() {
      isClosed = true;
      await behind;
    },
  };
}

function changeOf({ repository, file, document }: Named): Change {
  if (file) return goneFile(repository, file.package, file.file);
  return { kind: "document", repository, key: `${document!.kind}\0${document!.key}` };
}
