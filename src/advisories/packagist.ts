// What Composer's registry tells: security advisories and lists of packages to be filtered, as records of OSV.
// https://getcomposer.org/doc/05-repositories.md#security-advisories, #filter
import { createHash } from "node:crypto";
import { Problem } from "../core/problem.ts";
import { jsonEntry } from "./entries.ts";
import type { Entry } from "./take.ts";

type Fields = Record<string, unknown>;

export const PACKAGIST = "Packagist";

/** Of `{advisories: {name: […]}}`, and of `{filter: {list: {name: constraint}}}`. Throws Problem("malformed") for what is neither. */
export function packagistEntries(text: string, at: string): Entry[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw bad("it is no JSON");
  }
  const { advisories, filter } = objectOf(value);
  if (!isObject(advisories) && !isObject(filter) && !Array.isArray(advisories))
    throw bad("it has neither advisories nor filter");
  return [...advisoriesIn(objectOf(advisories)), ...filteredIn(objectOf(filter), at)].map(
    (record) => jsonEntry(record.id, Buffer.from(JSON.stringify(record))),
  );
}

function advisoriesIn(advisories: Fields) {
  return Object.entries(advisories).flatMap(([name, list]) => {
    const all = Array.isArray(list) ? list : Object.values(objectOf(list));
    return all.map(objectOf).flatMap((one) => {
      const { advisoryId: id, title, cve, link, reportedAt, severity, affectedVersions } = one;
      if (typeof id !== "string" || typeof affectedVersions !== "string") return [];
      const sources = Array.isArray(one["sources"]) ? one["sources"].map(objectOf) : [];
      const remote = sources.map(({ remoteId }) => remoteId);
      const aliases = [cve, ...remote].filter(
        (alias) => typeof alias === "string" && /^(CVE|GHSA)-/.test(alias),
      );
      const published = timeOf(reportedAt);
      return [
        {
          id,
          modified: published,
          published,
          aliases: [...new Set(aliases)],
          summary: title,
          database_specific: { severity },
          references: typeof link === "string" ? [{ type: "ADVISORY", url: link }] : [],
          affected: [affectedOf(name, affectedVersions)],
        },
      ];
    });
  });
}

/** `at`: when the list was read, for it does not say. Its records are new when they say something else. */
function filteredIn(filter: Fields, at: string) {
  return Object.entries(filter).flatMap(([list, packages]) =>
    Object.entries(objectOf(packages)).flatMap(([name, said]) => {
      const all = Array.isArray(said) ? said : [said];
      return all.flatMap((one) => {
        const { constraint = one, reason, url } = objectOf(one);
        if (typeof constraint !== "string") return [];
        const key = createHash("sha256").update(`${list}\0${name}\0${constraint}`).digest("hex");
        // The prefix by which all know malware.
        const prefix = list === "malware" ? "MAL-PACKAGIST" : "LIST-PACKAGIST";
        return [
          {
            id: `${prefix}-${key.slice(0, 16)}`,
            modified: at,
            summary: typeof reason === "string" ? reason : `on the list ${list} of the registry`,
            references: typeof url === "string" ? [{ type: "ADVISORY", url }] : [],
            affected: [affectedOf(name, constraint)],
          },
        ];
      });
    }),
  );
}

function affectedOf(name: string, constraint: string) {
  const versions: string[] = [];
  const ranges: { type: string; events: Fields[] }[] = [];
  for (const part of constraint.split("|").map((one) => one.trim())) {
    if (part === "") continue;
    const events: Fields[] = [];
    let end: Fields | null = null;
    for (const comparison of part.replaceAll(/(>=|<=|>|<|=)\s+/g, "$1").split(/[\s,]+/)) {
      const [, operator, version = ""] = /^(>=|<=|>|<|==?)?v?(.+)$/.exec(comparison) ?? [];
      if (version === "" || comparison.startsWith("!=")) continue;
      if (version === "*") events.push({ introduced: "0" });
      // What begins after a version is taken to begin with it: rather one too many.
      else if (operator === ">=" || operator === ">") events.push({ introduced: version });
      else if (operator === "<") end = { fixed: version };
      else if (operator === "<=") end = { last_affected: version };
      else versions.push(version);
    }
    if (events.length === 0 && end) events.push({ introduced: "0" });
    if (events.length > 0)
      ranges.push({ type: "ECOSYSTEM", events: [...events, ...(end ? [end] : [])] });
  }
  return { package: { ecosystem: PACKAGIST, name }, ranges, versions };
}

/** "2024-01-31 12:00:00" is in UTC. */
function timeOf(text: unknown): string {
  const at =
    typeof text === "string" ? Date.parse(`${text.trim().replace(" ", "T")}Z`) : Number.NaN;
  const whole = Number.isNaN(at) && typeof text === "string" ? Date.parse(text) : at;
  return new Date(Number.isNaN(whole) ? 0 : whole).toISOString();
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function objectOf(value: unknown): Fields {
  return isObject(value) ? value : {};
}

function bad(why: string): Problem {
  return new Problem("malformed", `Not a usable answer of advisories: ${why}`);
}
