// What is left of a package when policy withholds some of its versions, and how clients are told.
// https://getcomposer.org/doc/05-repositories.md#filter
import { type Withheld, type Withholding, withholdingOf } from "../../core/policy.ts";
import { isObject } from "./types.ts";
import type { Release } from "./versions.ts";

/** Told one by one at most; the others are counted. */
const TOLD = 5;
/** The one list of Composer's own that counts in every project, also for what a lock file names. */
const LIST = "malware";

/** `told`: what the document would show without rules, each version once. `prefix` stands before files in documents of many packages. */
export function leaveOut(
  releases: readonly Release[],
  withheld: Withheld | undefined,
  prefix = "",
): { left: readonly Release[]; told: Withholding[] } {
  if (!withheld || Object.keys(withheld).length === 0) return { left: releases, told: [] };
  const told = new Map<string, Withholding>();
  const left = releases.filter(({ file, release, version }) => {
    const why =
      (file === null ? undefined : withholdingOf(withheld, prefix + file)) ??
      (release === null ? undefined : withholdingOf(withheld, prefix + release));
    if (why) told.set(version, why);
    return !why;
  });
  return { left, told: [...told.values()] };
}

/**
 * What stands beside the versions: the words that Composer prints after it read the document, and blocked versions in the list that Composer 2.10 keeps
 * from lock files as well. A list of the upstream's own stays.
 */
export function withWords(
  extras: Record<string, unknown>,
  told: readonly Withholding[],
): Record<string, unknown> {
  if (told.length === 0) return extras;
  const lines = told.slice(0, TOLD).map(({ message }) => message);
  if (told.length > TOLD) lines.push(`and ${told.length - TOLD} more versions`);
  const blocked = told.filter(({ verdict }) => verdict === "block");
  return {
    ...extras,
    info: lines.join("; "),
    ...(blocked.length > 0 && { filter: withBlocked(extras["filter"], blocked) }),
  };
}

function withBlocked(theirs: unknown, blocked: readonly Withholding[]): Record<string, unknown> {
  const lists = isObject(theirs) ? theirs : {};
  const listed = Array.isArray(lists[LIST]) ? lists[LIST] : [];
  const entries = blocked.map(({ version, rule, message }) => ({
    constraint: version,
    reason: message,
    id: rule,
  }));
  return { ...lists, [LIST]: [...listed, ...entries] };
}

/** What packages.json says of lists, when documents hold ours. Where they hold the upstream's too, nothing else is to be asked. */
export function withOurList(theirs: Record<string, unknown> | undefined): Record<string, unknown> {
  const { "summary-url": summary, "api-url": api, ...fields } = theirs ?? {};
  const isInDocuments = theirs?.["metadata"] === true;
  const lists = isObject(fields["lists"]) ? fields["lists"] : {};
  return {
    ...fields,
    metadata: true,
    lists: { ...lists, [LIST]: { enabled: true } },
    ...(!isInDocuments && summary !== undefined && { "summary-url": summary }),
    ...(!isInDocuments && api !== undefined && { "api-url": api }),
  };
}
