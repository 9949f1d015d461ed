// Whether all that a project's lock file asks for is here: what would be had with the cable cut, what would not, and why.
import { knownAdvisories } from "../advisories/known.ts";
import type { Advisory } from "../core/advisory.ts";
import { lockedIn } from "../core/audited.ts";
import { createEffort } from "../core/effort.ts";
import type { Lock, LockedRelease } from "../core/lock.ts";
import { Problem } from "../core/problem.ts";
import { purl as makePurl } from "../core/purl.ts";
import type { SentRelease } from "../core/reply.ts";
import type { Waiver } from "../policy/waiver.ts";
import type { Query } from "../store/database.ts";
import { list } from "../store/several.ts";
import { explain, type PolicedRepository, policyOf } from "./policy.ts";

/** `present`: it is sent. `elsewhere`: no repository of this format has it. */
export type Readiness = "present" | "missing" | "held" | "blocked";

export interface ReadyRelease extends LockedRelease {
  purl: string;
  state: Readiness;
  /** Files that are stored of it, of those that it asks for. */
  stored: number;
  /** Why it is held or blocked. */
  why: string | null;
}

export interface ReadyReport {
  releases: ReadyRelease[];
  elsewhere: Lock["elsewhere"];
}

/** Packages that are looked up at once. */
const AT_ONCE = 200;

/** `isKept`: leaves out what the caller may not read; that counts as missing. */
export async function checkLock(
  sql: Query,
  repository: PolicedRepository,
  waivers: readonly Waiver[],
  now: number,
  lock: Lock,
  mayRead: (packageName: string) => boolean,
): Promise<ReadyReport> {
  const policy = policyOf(sql, repository, waivers);
  const releases: ReadyRelease[] = [];
  for (let at = 0; at < lock.releases.length; at += AT_ONCE) {
    const some = lock.releases.slice(at, at + AT_ONCE);
    const stored = await storedOf(
      sql,
      repository.name,
      some.map((one) => one.package).filter(mayRead),
    );
    for (const one of some) {
      const files = neededOf(one, stored.get(one.package) ?? [], repository);
      const isThere = one.files.length > 0 ? files === one.files.length : files > 0;
      const purl = makePurl(repository.purlType, one.package, one.version);
      const withheld =
        policy.concerns(one.package) && mayRead(one.package)
          ? ((await explain(sql, [repository], waivers, now, purl))[0]?.withheld ?? null)
          : null;
      // What is here already is sent, though it is held.
      const state =
        withheld?.verdict === "block"
          ? "blocked"
          : isThere
            ? "present"
            : withheld
              ? "held"
              : "missing";
      const why = state === "held" || state === "blocked" ? withheld!.message : null;
      releases.push({ ...one, purl, state, stored: files, why });
    }
  }
  return { releases, elsewhere: lock.elsewhere };
}

/** Of the lock file's, without what the caller may not read: releases that feeds tell something of. None where there is too much to compare. */
export async function badInLock(
  sql: Query,
  { ecosystem, order }: PolicedRepository,
  lock: Lock,
  mayRead: (packageName: string) => boolean,
): Promise<SentRelease[]> {
  if (!ecosystem || !order) return [];
  const { about } = knownAdvisories(sql, [ecosystem]);
  const asked = new Map<string, string[]>();
  for (const { package: name, version } of lock.releases)
    if (mayRead(name)) asked.set(name, [...(asked.get(name) ?? []), version]);
  const found = new Map<string, readonly Advisory[]>();
  for (const name of asked.keys()) {
    const told = await about(ecosystem.purlType, name);
    if (told.length > 0) found.set(name, told);
  }
  return lockedIn(found, asked, order, createEffort()).catch((error) => {
    if (error instanceof Problem && error.kind === "tooLarge") return [];
    throw error;
  });
}

interface StoredFile {
  version: string;
  file: string;
  sha256: string;
}

async function storedOf(
  sql: Query,
  repository: string,
  packages: readonly string[],
): Promise<Map<string, StoredFile[]>> {
  const rows = await sql`SELECT package, version, file, sha256 FROM artifacts
    WHERE repository = ${repository} AND package IN (${list([...new Set(packages)])})`;
  return Map.groupBy(rows, (row) => row.package);
}

/** How many of the stored files it asks for. */
function neededOf(
  { version, files, sha256 }: LockedRelease,
  stored: readonly StoredFile[],
  { order }: PolicedRepository,
): number {
  if (files.length > 0) return stored.filter(({ file }) => files.includes(file)).length;
  return stored.filter(
    (one) =>
      (one.version === version || order?.(one.version, version) === 0) &&
      (sha256.length === 0 || sha256.includes(one.sha256)),
  ).length;
}

export function countReady({ releases }: Pick<ReadyReport, "releases">): Record<Readiness, number> {
  const counts: Record<Readiness, number> = { present: 0, missing: 0, held: 0, blocked: 0 };
  for (const { state } of releases) counts[state] += 1;
  return counts;
}
