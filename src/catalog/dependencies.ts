// What packages need, written down behind: of each package whose files came or went the newest release that tells it is read. Triggers say which those are
// (migration 0050), so that nothing is looked for and a restart goes on where the last one ended.
import type { Dependencies } from "../core/dependencies.ts";
import type { InsideDependency } from "../core/inside.ts";
import { Problem } from "../core/problem.ts";
import type { PolicedRepository } from "../jobs/policy.ts";
import type { Database } from "../store/database.ts";
import { portions, tuples } from "../store/several.ts";
import { LARGEST } from "./insides.ts";
import { isBefore } from "./releases.ts";

/** Packages of a repository that are looked at in one round. */
const IN_A_ROUND = 100;
/** What cannot be looked at now waits as long. */
const LATER_MS = 10 * 60_000;
/** Of one package as many are written. */
const MOST = 2_000;
const LONGEST = 200;
/** UTF-8 bytes of a name. Two of them and a kind stand in one row of an index, of which PostgreSQL takes 2,704 bytes at most. */
const LONGEST_NAME = 500;

export interface ReadRepository {
  name: string;
  policed: Pick<PolicedRepository, "order" | "spell">;
  dependencies: Dependencies | null;
  /** Has a worker read a stored file. Throws a Problem, or anything once the round's signal is aborted. */
  read(file: StoredFile, packageName: string): Promise<InsideDependency[]>;
}

export interface StoredFile {
  file: string;
  version: string;
  sha256: string;
  size: number;
}

interface Waiting {
  package: string;
  revision: number;
}

/**
 * Looks at some packages of each repository, and returns at how many. Rethrows a bug in one of them after the others had their turn. Once `signal` is aborted it
 * begins with no other package, and puts off none.
 */
export async function readDependencies(
  database: Database,
  repositories: readonly ReadRepository[],
  now: number,
  signal: AbortSignal,
): Promise<number> {
  let looked = 0;
  const bugs: unknown[] = [];
  for (const one of repositories) {
    if (!one.dependencies || signal.aborted) continue;
    const waiting: Waiting[] =
      await database.read`SELECT package, revision FROM dependencies_waiting
      WHERE repository = ${one.name} AND due_at <= ${now} ORDER BY due_at, package LIMIT ${IN_A_ROUND}`;
    for (const asked of waiting) {
      if (signal.aborted) break;
      try {
        await look(database, one, one.dependencies, asked);
      } catch (error) {
        // The store is away, or too much waits: so it would be with the next one, and none of them is to blame.
        if (signal.aborted || (error instanceof Problem && error.kind === "busy")) break;
        await postpone(database, one.name, asked, now + LATER_MS);
        if (!(error instanceof Problem)) bugs.push(error);
      }
      looked += 1;
    }
  }
  if (bugs.length > 0) throw bugs[0];
  return looked;
}

async function look(
  database: Database,
  one: ReadRepository,
  dependencies: Dependencies,
  { package: name, revision }: Waiting,
): Promise<void> {
  const stored: StoredFile[] = await database.read`SELECT file, version, sha256, size FROM artifacts
    WHERE repository = ${one.name} AND package = ${name} AND purl NOT LIKE 'pkg:generic/%' ORDER BY fetched_at DESC`;
  const file = tellingFile(stored, dependencies, one.policed.order);
  const told = file ? await readOrNothing(one, file, name) : [];
  const needed = neededBy(told, dependencies, name, one.policed.spell);
  await database.write(async (sql) => {
    // Files that came or went meanwhile have it looked at again; what they did is not undone here.
    const done = await sql`DELETE FROM dependencies_waiting
      WHERE repository = ${one.name} AND package = ${name} AND revision = ${revision} RETURNING package`;
    if (done.length === 0) return;
    await sql`DELETE FROM dependencies WHERE repository = ${one.name} AND package = ${name}`;
    const rows = needed.map((row) => [one.name, name, file!.version, ...row]);
    for (const some of portions(rows))
      await sql`INSERT INTO dependencies (repository, package, version, needed, kind, range) VALUES ${tuples(some)}`;
  });
}

/** That of the newest release that has one; of releases that come before one only where there is no other. */
function tellingFile(
  stored: readonly StoredFile[],
  { files }: Dependencies,
  order: PolicedRepository["order"],
): StoredFile | null {
  const fitting = stored.filter(
    ({ file, size }) => Number(size) <= LARGEST && files.some((one) => one.test(file)),
  );
  const [newest] = [...new Set(fitting.map(({ version }) => version))].sort(
    (a, b) => Number(isBefore(a)) - Number(isBefore(b)) || (order?.(b, a) ?? 0),
  );
  const ofIt = fitting.filter(({ version }) => version === newest);
  for (const pattern of files) {
    const found = ofIt.find(({ file }) => pattern.test(file));
    if (found) return found;
  }
  return null;
}

/** Of what is no archive, and never will be one, nothing is told. */
async function readOrNothing(
  one: ReadRepository,
  file: StoredFile,
  name: string,
): Promise<InsideDependency[]> {
  try {
    return await one.read(file, name);
  } catch (error) {
    if (error instanceof Problem && error.kind === "malformed") return [];
    throw error;
  }
}

type Row = [needed: string, kind: string, range: string];

/** One row for each package and kind. A package that needs itself (pip's extras) is left out, and so is what can be no package's name. */
function neededBy(
  told: readonly InsideDependency[],
  { needs }: Dependencies,
  self: string,
  spell: PolicedRepository["spell"],
): Row[] {
  const rows = new Map<string, Row>();
  if (!isName(self)) return [];
  for (const one of told)
    for (const { name, range } of needs(one)) {
      const needed = spell?.(name) ?? name;
      if (!isName(needed) || needed === self) continue;
      const kind = cut(one.kind);
      const id = `${needed}\0${kind}`;
      const [, , before] = rows.get(id) ?? [];
      const asked = [before, range].filter((part) => part).join(", ");
      if (rows.size < MOST) rows.set(id, [needed, kind, cut(asked)]);
    }
  return [...rows.values()];
}

/** Authors write what they like: one name that the database cannot hold would keep the rest of what its package needs from being told. */
function isName(text: string): boolean {
  const isHeld = text.isWellFormed() && !text.includes("\0");
  return text !== "" && isHeld && Buffer.byteLength(text) <= LONGEST_NAME;
}

/** What PostgreSQL cannot hold in a text stands in no manifest that any client reads. */
function cut(text: string): string {
  return text.replaceAll("\0", "").slice(0, LONGEST).toWellFormed();
}

async function postpone(
  database: Database,
  repository: string,
  { package: name, revision }: Waiting,
  until: number,
): Promise<void> {
  await database.write(
    (sql) => sql`UPDATE dependencies_waiting SET due_at = ${until}
      WHERE repository = ${repository} AND package = ${name} AND revision = ${revision}`,
  );
}
