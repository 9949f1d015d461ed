// What a follower knows of its primary, in the catalog.
import type { Query } from "../store/database.ts";

/** See the migration 46; and 'cut', since when and why the primary cannot be asked, 'current', when all that it said was last taken in. */
export type StateName =
  | "key"
  | "proven"
  | "taken"
  | "fault"
  | "access"
  | "heard"
  | "cursor"
  | "cut"
  | "current";

export async function readFollowed(sql: Query, name: StateName): Promise<string | null> {
  const [row] = await sql`SELECT value FROM followed_state WHERE name = ${name}`;
  return row?.value ?? null;
}

export async function writeFollowed(sql: Query, name: StateName, value: string): Promise<void> {
  await sql`INSERT INTO followed_state (name, value) VALUES (${name}, ${value})
    ON CONFLICT (name) DO UPDATE SET value = excluded.value`;
}

/** Why the primary cannot be asked. */
export interface Cut {
  /** Milliseconds since the epoch. */
  since: number;
  /** In words. */
  why: string;
  /** It answers, and does not take this server's token. */
  isRefused: boolean;
}

/** Null while it can be asked, as far as a server has noticed. */
export async function readCut(sql: Query): Promise<Cut | null> {
  const text = await readFollowed(sql, "cut");
  return text === null ? null : JSON.parse(text);
}

export async function writeCut(sql: Query, cut: Cut | null): Promise<void> {
  if (cut) await writeFollowed(sql, "cut", JSON.stringify(cut));
  else await sql`DELETE FROM followed_state WHERE name = 'cut'`;
}

/** Of another log nothing holds. Pins stay, as pins do. */
export async function forgetFollowed(sql: Query): Promise<void> {
  await sql`DELETE FROM followed_state`;
  await sql`DELETE FROM followed_pins`;
  await sql`DELETE FROM followed_wanted`;
  await sql`DELETE FROM followed_packages`;
}

/** The same of its log alone: who may read what and what is withheld holds until something else is said. */
export async function forgetHistory(sql: Query): Promise<void> {
  await sql`DELETE FROM followed_state WHERE name IN ('proven', 'taken', 'fault', 'cursor', 'current')`;
  await sql`DELETE FROM followed_pins`;
  await sql`DELETE FROM followed_wanted`;
  await sql`UPDATE followed_packages SET revision = 0`;
}

export interface FollowedFile {
  repository: string;
  package: string;
  /** Empty: the documents of the package. */
  file: string;
}

export async function writeFollowedPin(
  sql: Query,
  { repository, package: name, file }: FollowedFile,
  sha256: string,
  leaf: number,
): Promise<void> {
  await sql`INSERT INTO followed_pins (repository, package, file, sha256, leaf)
    VALUES (${repository}, ${name}, ${file}, ${sha256}, ${leaf})
    ON CONFLICT (repository, package, file) DO UPDATE SET sha256 = excluded.sha256, leaf = excluded.leaf`;
}

export async function removeFollowedPin(
  sql: Query,
  { repository, package: name, file }: FollowedFile,
): Promise<void> {
  await sql`DELETE FROM followed_pins WHERE repository = ${repository} AND package = ${name} AND file = ${file}`;
  await sql`DELETE FROM followed_wanted WHERE repository = ${repository} AND package = ${name} AND file = ${file}`;
}

/** Where the primary's log says the pin of a file; null where it does not. */
export async function followedAt(
  sql: Query,
  repository: string,
  packageName: string,
  file: string,
): Promise<number | null> {
  const [row] = await sql`SELECT leaf FROM followed_pins
    WHERE repository = ${repository} AND package = ${packageName} AND file = ${file}`;
  return row ? Number(row.leaf) : null;
}

/** The package has pins there from now on. */
export async function addPackage(
  sql: Query,
  repository: string,
  packageName: string,
): Promise<void> {
  await sql`INSERT INTO followed_packages (repository, package, asked, verdicts, revision)
    VALUES (${repository}, ${packageName}, '', '[]', 0) ON CONFLICT DO NOTHING`;
}

/** It is to be brought now, however often that failed. */
export async function want(
  sql: Query,
  { repository, package: name, file }: FollowedFile,
): Promise<void> {
  await sql`INSERT INTO followed_wanted (repository, package, file, tries, due_at)
    VALUES (${repository}, ${name}, ${file}, 0, 0)
    ON CONFLICT (repository, package, file) DO UPDATE SET tries = 0, due_at = 0`;
}

/** What names the package's files has changed; nothing where none of them is pinned there. */
export async function wantDocuments(
  sql: Query,
  repository: string,
  packageName: string,
): Promise<void> {
  const [known] = await sql`SELECT package FROM followed_packages
    WHERE repository = ${repository} AND package = ${packageName}`;
  if (known) await want(sql, { repository, package: packageName, file: "" });
}

export interface Wanted extends FollowedFile {
  tries: number;
}

/** What is due, what was wanted first before what failed; documents of a package before its files. */
export async function readWanted(sql: Query, now: number, limit: number): Promise<Wanted[]> {
  const rows =
    await sql`SELECT repository, package, file, tries FROM followed_wanted WHERE due_at <= ${now}
      ORDER BY due_at, repository, package, file LIMIT ${limit}`;
  // biome-ignore lint/suspicious/noExplicitAny: a row as the database gives it
  return rows.map((row: any) => ({ ...row, tries: Number(row.tries) }));
}

export async function countWanted(sql: Query): Promise<number> {
  const [row] = await sql`SELECT count(*) AS total FROM followed_wanted`;
  return Number(row.total);
}

/** It is here. What was wanted again meanwhile stays wanted: it has other tries. */
export async function endWanted(sql: Query, one: Wanted): Promise<void> {
  await sql`DELETE FROM followed_wanted
    WHERE repository = ${one.repository} AND package = ${one.package} AND file = ${one.file} AND tries = ${one.tries}`;
}

/** It is being brought, as the try after those before; until `dueAt` nobody else does. */
export async function tryWanted(sql: Query, one: Wanted, dueAt: number): Promise<Wanted> {
  const tries = one.tries + 1;
  await sql`UPDATE followed_wanted SET tries = ${tries}, due_at = ${dueAt}
    WHERE repository = ${one.repository} AND package = ${one.package} AND file = ${one.file} AND tries = ${one.tries}`;
  return { ...one, tries };
}

/** What the primary says of one release. */
export interface Verdict {
  version: string;
  verdict: "hold" | "block";
  rule: string;
  /** In words. */
  why: string;
  /** Milliseconds since the epoch; null: not by the clock. */
  until: number | null;
}

export interface JudgedPackage {
  repository: string;
  package: string;
  verdicts: readonly Verdict[];
}

/** Packages of which nothing was asked under this state of the primary's policy. */
export async function readUnasked(
  sql: Query,
  asked: string,
  limit: number,
): Promise<JudgedPackage[]> {
  const rows = await sql`SELECT repository, package, verdicts FROM followed_packages
    WHERE asked < ${asked} OR asked > ${asked} ORDER BY repository, package LIMIT ${limit}`;
  return rows.map(judged);
}

/** Those of which something is withheld. */
export async function readJudged(sql: Query): Promise<JudgedPackage[]> {
  return (
    await sql`SELECT repository, package, verdicts FROM followed_packages WHERE verdicts <> '[]'
      ORDER BY repository, package`
  ).map(judged);
}

// biome-ignore lint/suspicious/noExplicitAny: a row as the database gives it
function judged(row: any): JudgedPackage {
  return {
    repository: row.repository,
    package: row.package,
    verdicts: JSON.parse(row.verdicts),
  };
}

export async function writeVerdicts(
  sql: Query,
  { repository, package: name, verdicts }: JudgedPackage,
  asked: string,
): Promise<void> {
  await sql`UPDATE followed_packages SET verdicts = ${JSON.stringify(verdicts)}, asked = ${asked}
    WHERE repository = ${repository} AND package = ${name}`;
}

/** The revision of what is published there under the name, as far as it was heard of; null for nothing. */
export async function readRevision(
  sql: Query,
  repository: string,
  packageName: string,
): Promise<number | null> {
  const [row] = await sql`SELECT revision FROM followed_packages
    WHERE repository = ${repository} AND package = ${packageName}`;
  return row ? Number(row.revision) : null;
}

/** Files of the package that the primary's log pins. */
export async function readPinned(
  sql: Query,
  repository: string,
  packageName: string,
): Promise<string[]> {
  const rows = await sql`SELECT file FROM followed_pins
    WHERE repository = ${repository} AND package = ${packageName} ORDER BY file`;
  return rows.map(({ file }: { file: string }) => file);
}

export async function writeRevision(
  sql: Query,
  repository: string,
  packageName: string,
  revision: number,
): Promise<void> {
  await addPackage(sql, repository, packageName);
  await sql`UPDATE followed_packages SET revision = ${revision}
    WHERE repository = ${repository} AND package = ${packageName}`;
}
