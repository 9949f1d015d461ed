// Who made the files that are here, found out behind: one after the other, and nobody waits for it.

import type { RepositoryEvent } from "../core/event.ts";
import { Problem } from "../core/problem.ts";
import type { Provenance, ReleasedFile } from "../core/provenance.ts";
import type { Repository } from "../core/repository.ts";
import { shortageOf } from "../core/shortage.ts";
import { readTraits } from "../core/traits.ts";
import { readFact, readFactsOfVersions } from "../ledger/fact-rows.ts";
import { everyUnchecked, uncheckedPublished, writeProvenance } from "../ledger/provenance.ts";
import type { Change, Changes } from "../store/changes.ts";
import type { Database } from "../store/database.ts";

export interface AttestedDeps {
  repository: string;
  database: Database;
  changes: Changes;
  /** `Service.provenance`, asked with the server's own grant. Null for a format without it. */
  find: ((file: ReleasedFile, repository: Repository) => Promise<Provenance | null>) | null;
  own(): Repository;
  report(event: RepositoryEvent): void;
  now(): number;
}

/** A file of a release. */
export type AttestedFile = Omit<ReleasedFile, "isAttested">;

export interface Attested {
  /** To be called with a file that was just stored. What is published is found by itself. */
  stored(file: AttestedFile): void;
  /** To be called with releases that a rule wants to know of, whether they are here or not. */
  want(packageName: string, versions: readonly string[]): void;
  /** Resolves when nothing is left to be done now. */
  idle(): Promise<void>;
  /** Begins nothing more, and resolves when what runs has ended. */
  close(): Promise<void>;
}

/** More do not wait: those that are here are found again when the server starts. */
const WAITING = 1_000;
/** How far back a server looks that has just started. Milliseconds. */
const LOOK_BACK = 7 * 24 * 60 * 60 * 1000;
/** What could not be verified is looked at again after so long: there may be another trust root by then. Milliseconds. */
const AGAIN = 24 * 60 * 60 * 1000;
/** What could not be asked is asked again after so long, when somebody wants it. Milliseconds. */
const RETRY = 60_000;

export function createAttested(deps: AttestedDeps): Attested {
  const { repository, database, now } = deps;
  const waiting = new Map<string, AttestedFile>();
  const failed = new Map<string, number>();
  let running: Promise<void> | null = null;
  const finding = new Set<Promise<void>>();
  let hasLookedBack = false;
  let isClosed = false;

  function add(file: AttestedFile): void {
    if (!deps.find || isClosed) return;
    const key = `${file.package}\0${file.file}`;
    if (waiting.size >= WAITING || waiting.has(key)) return;
    waiting.set(key, file);
    running ??= run().finally(() => {
      running = null;
    });
  }

  async function run(): Promise<void> {
    await Promise.resolve(); // whoever adds goes on first
    for (let next = first(); next && !isClosed; next = first()) {
      const [key, file] = next;
      waiting.delete(key);
      const before = failed.get(key) ?? 0;
      if (before > now() - RETRY && before <= now()) continue;
      try {
        await look(file);
        failed.delete(key);
      } catch (error) {
        if (failed.size >= WAITING) failed.clear();
        failed.set(key, now());
        if (!(error instanceof Problem) && !shortageOf(error) && !isClosed) tellBug(file, error);
      }
      if (waiting.size === 0)
        await lookBack().catch(() => {
          hasLookedBack = false; // the database is away: after the next file
        });
    }
  }

  function tellBug({ package: name, version, file }: AttestedFile, error: unknown): void {
    const message = `Who made ${file} of ${name} ${version} could not be looked at because of a bug`;
    const detail = {
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
    deps.report({ kind: "unproven", package: name, version, file, message, detail });
  }

  const first = () => waiting.entries().next().value;

  /** What was stored before the server ended and was not looked at, or in vain. */
  async function lookBack(): Promise<void> {
    if (hasLookedBack) return;
    hasLookedBack = true;
    const [since, again] = [now() - LOOK_BACK, now() - AGAIN];
    for await (const files of everyUnchecked(database.read, repository, since, again))
      for (const file of files) {
        const key = `${file.package}\0${file.file}`;
        if (waiting.size < WAITING) waiting.set(key, file);
      }
  }

  async function look(file: AttestedFile): Promise<void> {
    const key = { repository, package: file.package, file: file.file };
    const traits = readTraits((await readFact(database.read, key))?.traits ?? null);
    const isAttested = traits && traits.attested === true;
    const found = await deps.find!({ ...file, isAttested }, deps.own());
    if (!found) return;
    const change: Change = { kind: "provenance", repository, key: file.package };
    await database.write(async (sql) => {
      await writeProvenance(sql, key, file.version, found, now());
      await deps.changes.note(sql, change);
    });
    deps.changes.announce(change);
    if (found.state === "false")
      deps.report({
        kind: "unproven",
        package: file.package,
        version: file.version,
        file: file.file,
        message: `The provenance of ${file.file} of ${file.package} ${file.version} is false: ${found.why}`,
      });
  }

  // The server that published it looks; another one would tell the same once more.
  deps.changes.on(
    "hosted",
    ({ repository: where, key: name }, from) => {
      if (where === repository && from === "here")
        find(() => uncheckedPublished(database.read, repository, name));
    },
    () => {},
  );

  /** What cannot be read now is found at the next look: the server ends, most often. */
  function find(files: () => Promise<AttestedFile[]>): void {
    if (!deps.find || isClosed) return;
    const done: Promise<void> = files()
      .then(
        (found) => found.forEach(add),
        () => {},
      )
      .finally(() => finding.delete(done));
    finding.add(done);
  }

  async function filesOf(
    packageName: string,
    versions: readonly string[],
  ): Promise<AttestedFile[]> {
    const facts = await readFactsOfVersions(database.read, repository, packageName, versions);
    return facts
      .filter(({ traits }) => traits !== null)
      .map(({ file, version }) => ({ package: packageName, version, file }));
  }

  return {
    stored: add,
    want: (packageName, versions) => find(() => filesOf(packageName, versions)),
    async idle() {
      while (running || finding.size > 0) await Promise.all([running, ...finding]);
    },
    async close() {
      isClosed = true;
      waiting.clear();
      await Promise.all([running, ...finding]);
    },
  };
}
