// Records of OSV: what they say, made flat for each package. https://ossf.github.io/osv-schema/
import type { Advisory, AffectedRange, Ecosystem } from "../core/advisory.ts";
import { Problem } from "../core/problem.ts";
import { baseScore, severityOf } from "./cvss.ts";

/** A record that can be kept. */
export interface OsvRecord {
  id: string;
  /** Milliseconds since the epoch. */
  modifiedAt: number;
  isWithdrawn: boolean;
  aliases: readonly string[];
  /** Each once. */
  packages: readonly { purlType: string; name: string }[];
}

type Fields = Record<string, unknown>;

/** Of a record, and so of the parts of a URL that it stands at. */
export const RECORD_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;
const NAME_LIMIT = 500;
const SUMMARY_LIMIT = 500;
const DETAILS_LIMIT = 4_000;
const ALIASES_LIMIT = 50;

/** Throws Problem("malformed") for what is no record. Packages of ecosystems that are not known are left out. */
export function readRecord(text: string, ecosystems: readonly Ecosystem[]): OsvRecord {
  const fields = fieldsOf(text);
  const { id, modified, withdrawn } = fields;
  if (typeof id !== "string" || !RECORD_ID.test(id)) throw bad("it has no usable id");
  const modifiedAt = typeof modified === "string" ? Date.parse(modified) : Number.NaN;
  if (Number.isNaN(modifiedAt)) throw bad(`${id} does not say when it was modified`);
  const packages = new Map<string, OsvRecord["packages"][number]>();
  for (const { ecosystem, name } of affectedOf(fields)) {
    const spoken = `${ecosystem.purlType}\0${name}`;
    packages.set(spoken, { purlType: ecosystem.purlType, name });
  }
  return {
    id,
    modifiedAt,
    isWithdrawn: typeof withdrawn === "string",
    aliases: aliasesOf(fields),
    packages: [...packages.values()],
  };

  function affectedOf(all: Fields) {
    return affectedIn(all).flatMap(({ package: its }) => packageIn(its, ecosystems) ?? []);
  }
}

/** What a record says of one package; null when that is nothing. `raw` was read by `readRecord` before. */
export function advisoryOf(
  raw: string,
  about: { ecosystem: Ecosystem; name: string },
  feed: string,
): Advisory | null {
  const fields = fieldsOf(raw);
  const { ecosystem, name } = about;
  const own = affectedIn(fields).filter(({ package: its }) => {
    const found = packageIn(its, [ecosystem]);
    return found?.name === name;
  });
  if (own.length === 0) return null;
  const write = ecosystem.version ?? ((text: string) => text);
  const id = String(fields["id"]);
  const specific = objectOf(fields["database_specific"]);
  const vector = vectorOf(own[0]!["severity"]) ?? vectorOf(fields["severity"]);
  const score = vector === null ? null : baseScore(vector);
  const kind = id.startsWith("MAL-") ? "malicious" : "vulnerability";
  return {
    id,
    aliases: aliasesOf(fields),
    purlType: ecosystem.purlType,
    package: name,
    kind,
    summary: textOf(fields["summary"], SUMMARY_LIMIT),
    details: textOf(fields["details"], DETAILS_LIMIT),
    severity:
      severityNamed(specific["severity"]) ??
      (score !== null ? severityOf(score) : kind === "malicious" ? "critical" : null),
    cvss: vector,
    score,
    cwes: textsOf(specific["cwe_ids"]).slice(0, 20),
    url: urlOf(id, fields["references"]),
    publishedAt: timeOf(fields["published"]),
    modifiedAt: timeOf(fields["modified"])!,
    withdrawnAt: timeOf(fields["withdrawn"]),
    versions: [...new Set(own.flatMap((one) => textsOf(one["versions"])).map(write))],
    ranges: own.flatMap((one) => rangesOf(one["ranges"], write)),
    raw: () => raw,
    feed,
    sources: sourcesOf(specific),
    isReviewed: specific["github_reviewed"] === true,
  };
}

function fieldsOf(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw bad("it is no JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw bad("it is no object");
  return value as Fields;
}

function affectedIn(fields: Fields): Fields[] {
  const { affected } = fields;
  return Array.isArray(affected)
    ? affected.filter((one) => typeof one === "object" && one !== null)
    : [];
}

function packageIn(
  its: unknown,
  ecosystems: readonly Ecosystem[],
): { ecosystem: Ecosystem; name: string } | null {
  const { ecosystem: named, name } = objectOf(its);
  if (typeof named !== "string" || typeof name !== "string") return null;
  if (name === "" || name.length > NAME_LIMIT || name.includes("\0")) return null;
  const base = named.split(":")[0];
  const ecosystem = ecosystems.find((one) => one.ecosystem === base);
  if (!ecosystem) return null;
  return { ecosystem, name: ecosystem.spell?.(name) ?? name };
}

/** The pairs of events. GIT ranges name commits, which need the code to be put in order. */
function rangesOf(ranges: unknown, write: (text: string) => string): AffectedRange[] {
  if (!Array.isArray(ranges)) return [];
  return ranges.flatMap((range): AffectedRange[] => {
    const { type, events } = objectOf(range);
    if ((type !== "SEMVER" && type !== "ECOSYSTEM") || !Array.isArray(events)) return [];
    const found: AffectedRange[] = [];
    let open: string | null = null;
    const close = (fixed: string | null, lastAffected: string | null) => {
      if (open !== null) found.push({ introduced: open, fixed, lastAffected });
      open = null;
    };
    for (const event of inTurn(events.map(objectOf))) {
      const { introduced, fixed, last_affected: last } = event;
      // The beginning of all stands before all others, in whatever form versions are written.
      if (typeof introduced === "string")
        open ??= introduced === "0" ? introduced : write(introduced);
      else if (typeof fixed === "string") close(write(fixed), null);
      else if (typeof last === "string") close(null, write(last));
    }
    close(null, null);
    return found;
  });
}

/** "0" is before all, wherever it stands. */
function inTurn(events: Fields[]): Fields[] {
  const first = events.filter(({ introduced }) => introduced === "0");
  return [...first, ...events.filter(({ introduced }) => introduced !== "0")];
}

/** How many told of it, each for itself. https://github.com/ossf/malicious-packages, docs/schema_additions.md */
function sourcesOf(specific: Fields): number {
  const origins = specific["malicious-packages-origins"];
  if (!Array.isArray(origins)) return 1;
  return Math.max(1, new Set(origins.map((one) => String(objectOf(one)["source"]))).size);
}

function vectorOf(severity: unknown): string | null {
  if (!Array.isArray(severity)) return null;
  const all = severity.map(objectOf);
  for (const type of ["CVSS_V3", "CVSS_V4", "CVSS_V2"])
    for (const one of all)
      if (one["type"] === type && typeof one["score"] === "string") return one["score"];
  return null;
}

function severityNamed(word: unknown): Advisory["severity"] {
  const name = typeof word === "string" ? word.toLowerCase() : "";
  if (name === "medium") return "moderate";
  return name === "critical" || name === "high" || name === "moderate" || name === "low"
    ? name
    : null;
}

function urlOf(id: string, references: unknown): string {
  if (id.startsWith("GHSA-")) return `https://github.com/advisories/${id}`;
  const all = Array.isArray(references) ? references.map(objectOf) : [];
  for (const type of ["ADVISORY", "REPORT", "WEB", "ARTICLE"])
    for (const { type: own, url } of all)
      if (own === type && typeof url === "string" && /^https?:\/\//.test(url)) return url;
  return "";
}

function objectOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function aliasesOf(fields: Fields): string[] {
  return textsOf(fields["aliases"])
    .filter((alias) => RECORD_ID.test(alias))
    .slice(0, ALIASES_LIMIT);
}

function textOf(value: unknown, limit: number): string {
  return typeof value === "string" ? value.slice(0, limit) : "";
}

function timeOf(value: unknown): string | null {
  const at = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}

function bad(why: string): Problem {
  return new Problem("malformed", `Not a usable record: ${why}`);
}
