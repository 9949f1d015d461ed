// The releases of one package, of all that is known of them here: what documents told, what is stored, what is published, what was found out.

import type { Advisory } from "../core/advisory.ts";
import { affects } from "../core/advisory.ts";
import type { FileRow, FoundAdvisory, VersionRow } from "../core/catalog.ts";
import { type Release, releaseOf } from "../core/policy.ts";
import type { Provenance, ProvenanceState } from "../core/provenance.ts";
import type { PolicedRepository } from "../jobs/policy.ts";
import { readFact, readFactsOfVersions } from "../ledger/fact-rows.ts";
import type { KnownFact } from "../ledger/facts.ts";
import { readPins } from "../ledger/pins.ts";
import { readProvenance } from "../ledger/provenance.ts";
import type { Query } from "../store/database.ts";

/** A version, with what rules go by. */
export interface KnownRelease extends Omit<VersionRow, "withheld" | "advisories"> {
  release: Release;
  /** Names that rules and advisories may know it by. */
  names: readonly string[];
}

interface Said {
  file: string;
  version: string;
  publishedAt: string | null;
  firstSeen: string | null;
  traits: string | null;
  isGone: boolean;
  isTampered: boolean;
}

/** Newest first, by the format's order; without one by when they were published. Empty: nothing is known of it. */
export async function readReleases(
  sql: Query,
  repository: PolicedRepository,
  name: string,
): Promise<KnownRelease[]> {
  const stored = await sql`SELECT file, version, size, fetched_at FROM artifacts
    WHERE repository = ${repository.name} AND package = ${name} AND purl NOT LIKE 'pkg:generic/%'`;
  const published =
    await sql`SELECT version, published_at, published_by, yanked FROM hosted_releases
    WHERE repository = ${repository.name} AND package = ${name} AND removed_at IS NULL`;
  const said = await saidOf(sql, repository, name, stored);
  const attested = await readProvenance(sql, repository.name, name);

  const versions = new Map<string, Grown>();
  const of = (version: string) => {
    const found = versions.get(version) ?? grown(version);
    versions.set(version, found);
    return found;
  };
  for (const one of said) addSaid(of(one.version), one);
  for (const { version, file, size, fetched_at: at } of stored) {
    const one = of(version);
    one.files.add(file);
    one.stored += 1;
    one.bytes += Number(size);
    one.came = Math.min(one.came, Number(at));
  }
  for (const { version, published_at: at, published_by: by, yanked } of published) {
    const one = of(version);
    one.publishedAt ??= Number(at);
    one.firstSeenAt = Number(at);
    one.publishedBy = by;
    one.yanked = yanked;
  }
  for (const { version, state } of attested) {
    const one = versions.get(version);
    if (one && better(state, one.provenance)) one.provenance = state;
  }
  const all = [...versions.values()].map((one) => releaseFrom(one, repository, name));
  return all.sort(orderOf(repository));
}

interface Grown {
  version: string;
  said: Said | null;
  files: Set<string>;
  gone: number;
  told: number;
  stored: number;
  bytes: number;
  /** When its first stored file came. */
  came: number;
  publishedAt: number | null;
  firstSeenAt: number | null;
  publishedBy: string | null;
  yanked: string | null;
  provenance: ProvenanceState | null;
  isTampered: boolean;
}

function grown(version: string): Grown {
  return {
    version,
    said: null,
    files: new Set(),
    gone: 0,
    told: 0,
    stored: 0,
    bytes: 0,
    came: Number.POSITIVE_INFINITY,
    publishedAt: null,
    firstSeenAt: null,
    publishedBy: null,
    yanked: null,
    provenance: null,
    isTampered: false,
  };
}

function addSaid(one: Grown, said: Said): void {
  one.said ??= said;
  one.files.add(said.file);
  one.told += 1;
  if (said.isGone) one.gone += 1;
  one.isTampered ||= said.isTampered;
  const at = said.publishedAt === null ? null : Date.parse(said.publishedAt);
  if (at !== null && !Number.isNaN(at)) one.publishedAt = Math.min(one.publishedAt ?? at, at);
  if (said.firstSeen !== null)
    one.firstSeenAt = Math.min(
      one.firstSeenAt ?? Number.POSITIVE_INFINITY,
      Date.parse(said.firstSeen),
    );
}

function releaseFrom(one: Grown, { factNames }: PolicedRepository, name: string): KnownRelease {
  const { said, files, gone, told, came, version } = one;
  const [first = ""] = files;
  return {
    version,
    publishedAt: one.publishedAt,
    firstSeenAt: one.firstSeenAt ?? (came === Number.POSITIVE_INFINITY ? null : came),
    files: files.size,
    stored: one.stored,
    bytes: one.bytes,
    provenance: one.provenance,
    yanked: one.yanked,
    isGone: told > 0 && gone === told,
    isTampered: one.isTampered,
    publishedBy: one.publishedBy,
    names: [name, ...(factNames?.beside?.(name, first) ?? [])],
    release: releaseOf(name, {
      version,
      publishedAt: said?.publishedAt ?? null,
      firstSeen: said?.firstSeen ?? null,
      traits: said?.traits ?? null,
    }),
  };
}

/** Of documents about many packages (an index of apt) only what they say of stored files is read: all of it is long. */
async function saidOf(
  sql: Query,
  { name: repository, factNames }: PolicedRepository,
  name: string,
  // biome-ignore lint/suspicious/noExplicitAny: rows as the database gives them
  stored: readonly any[],
): Promise<Said[]> {
  if (!factNames) {
    const rows =
      await sql`SELECT file, version, published_at, first_seen, traits, gone_at, tampered_at FROM facts
      WHERE repository = ${repository} AND package = ${name}`;
    return rows.map((row) => ({
      file: row.file,
      version: row.version,
      publishedAt: row.published_at,
      firstSeen: row.first_seen,
      traits: row.traits,
      isGone: row.gone_at !== null,
      isTampered: row.tampered_at !== null,
    }));
  }
  const found: Said[] = [];
  for (const { file } of stored) {
    const fact = await factOfFile(sql, { name: repository, factNames }, name, file);
    if (fact)
      found.push({
        ...fact,
        file,
        isGone: fact.goneAt !== null,
        isTampered: fact.tampered !== null,
      });
  }
  return found;
}

async function factOfFile(
  sql: Query,
  { name: repository, factNames }: Pick<PolicedRepository, "name" | "factNames">,
  name: string,
  file: string,
): Promise<KnownFact | null> {
  for (const place of factNames?.under(name, file) ?? [{ named: name, file }]) {
    const fact = await readFact(sql, { repository, package: place.named, file: place.file });
    if (fact) return fact;
  }
  return null;
}

/** The files of one version, by name. */
export async function readFiles(
  sql: Query,
  repository: PolicedRepository,
  name: string,
  version: string,
): Promise<FileRow[]> {
  const key = repository.name;
  const stored =
    await sql`SELECT file, sha256, size, fetched_at, upstream, path, used_at FROM artifacts
    WHERE repository = ${key} AND package = ${name} AND version = ${version} AND purl NOT LIKE 'pkg:generic/%'`;
  const facts: KnownFact[] = repository.factNames
    ? []
    : await readFactsOfVersions(sql, key, name, [version]);
  if (repository.factNames)
    for (const { file } of stored) {
      const fact = await factOfFile(sql, repository, name, file);
      if (fact) facts.push({ ...fact, file });
    }
  const files = [...new Set([...facts, ...stored].map(({ file }) => file as string))].sort();
  const pins = await readPins(sql, key, name, files);
  const attested = new Map(
    (await readProvenance(sql, key, name)).map(({ file, ...one }) => [file, one as Provenance]),
  );
  return files.map((file) => {
    const row = stored.find((one) => one.file === file);
    const fact = facts.find((one) => one.file === file);
    const pin = pins.get(file);
    return {
      file,
      size: row ? Number(row.size) : (pin?.size ?? null),
      sha256: row?.sha256 ?? pin?.sha256 ?? null,
      told: fact?.integrity ?? null,
      isStored: row !== undefined,
      storedAt: row ? Number(row.fetched_at) : null,
      upstream: row?.used_at === null ? null : row?.upstream || null,
      path: row?.path ?? null,
      provenance: attested.get(file) ?? null,
      isGone: fact ? fact.goneAt !== null : false,
      isTampered: fact ? fact.tampered !== null : false,
    };
  });
}

/** What feeds tell of the version, the worst first. */
export function advisoriesOf(
  { version }: { version: string },
  all: readonly Advisory[],
  { order }: Pick<PolicedRepository, "order">,
): FoundAdvisory[] {
  const found = new Map<string, FoundAdvisory>();
  for (const one of all)
    if (affects(one, version, order))
      found.set(one.id, {
        id: one.id,
        summary: one.summary,
        severity: one.severity,
        isMalicious: one.kind === "malicious",
        url: one.url,
      });
  return [...found.values()].sort((a, b) => weightOf(b) - weightOf(a) || (a.id < b.id ? -1 : 1));
}

const SEVERITIES = ["low", "moderate", "high", "critical"];

function weightOf({ isMalicious, severity }: FoundAdvisory): number {
  return isMalicious ? 9 : SEVERITIES.indexOf(severity ?? "") + 1;
}

const STATES: readonly (ProvenanceState | null)[] = [
  null,
  "none",
  "unverified",
  "verified",
  "false",
];

/** What is false is worse than nothing, and is to be seen. */
function better(state: ProvenanceState, before: ProvenanceState | null): boolean {
  return STATES.indexOf(state) > STATES.indexOf(before);
}

function orderOf({ order }: PolicedRepository): (a: KnownRelease, b: KnownRelease) => number {
  return (a, b) =>
    order?.(b.version, a.version) ||
    (b.publishedAt ?? b.firstSeenAt ?? 0) - (a.publishedAt ?? a.firstSeenAt ?? 0) ||
    (a.version < b.version ? 1 : -1);
}

/** What authors show before a release: not to be taken for the newest where there is another. */
export function isBefore(version: string): boolean {
  return /(?:^|[\d._-])(?:a|b|c|rc|alpha|beta|pre|preview|dev|canary|next|nightly|snapshot|experimental)(?:[\d._-]|$)|~|^dev-|-dev$|-0\.\d{14}-/i.test(
    version,
  );
}
