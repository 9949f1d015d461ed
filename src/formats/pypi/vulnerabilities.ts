// What feeds know of vulnerabilities, in the form of the index's JSON API, beside what the index itself tells.
// "Known vulnerabilities" in the documentation of the JSON API.
import { type Advisory, affects } from "../../core/advisory.ts";
import { distinct, fixesOf, narrowed, pageOf } from "../../core/audited.ts";
import { memo } from "../../core/memo.ts";
import { isObject } from "./json.ts";
import { compareVersions } from "./versions.ts";

/** What a view needs of an advisory: a part of the view's name, so that another one is another view. */
type Told = Pick<Advisory, "id" | "aliases" | "ranges" | "versions"> & {
  entry: Record<string, unknown>;
};

/** Of one project, and of each: more is for who asks OSV's API. */
const MOST = 200;
const DETAILS = 500;

/** Undefined where nothing is known. `known` is one list for as long as it is true. */
export const toldOf: (known: readonly Advisory[]) => Told[] | undefined = memo(
  (known: readonly Advisory[]) => {
    const standing = known.filter(({ withdrawnAt }) => withdrawnAt === null).map(narrowed);
    return standing.length > 0 ? standing.slice(0, MOST).map(told) : undefined;
  },
);

function told(advisory: Advisory): Told {
  const { id, aliases, ranges, versions, summary, details, feed } = advisory;
  const entry = {
    id,
    aliases,
    summary: summary || null,
    details: details.slice(0, DETAILS),
    fixed_in: fixesOf(advisory),
    link: pageOf(advisory),
    source: feed,
    withdrawn: null,
  };
  return { id, aliases, ranges, versions, entry };
}

/** The index's as they are, and what is told of the version under no name that it has. `data` came from `toldOf`. */
export function withVulnerabilities(theirs: unknown, version: unknown, data: unknown): unknown {
  if (!Array.isArray(data) || typeof version !== "string") return theirs;
  const before: unknown[] = Array.isArray(theirs) ? theirs : [];
  const known = new Set(before.flatMap(idsIn));
  const own = distinct(
    (data as Told[]).filter((one) => affects(one, version, compareVersions)),
  ).filter(({ id, aliases }) => ![id, ...aliases].some((one) => known.has(one)));
  return [...before, ...own.map(({ entry }) => entry)];
}

function idsIn(entry: unknown): unknown[] {
  if (!isObject(entry)) return [];
  const { id, aliases } = entry;
  return [id, ...(Array.isArray(aliases) ? aliases : [])];
}
