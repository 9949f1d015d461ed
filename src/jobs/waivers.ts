// What people do with waivers by commands and the API: made for one package, with a reason and an end, and taken back.
import { DURATION, parseDuration } from "../core/duration.ts";
import type { Grant } from "../core/grant.ts";
import { permit } from "../core/grant.ts";
import { Problem } from "../core/problem.ts";
import { parseRange } from "../core/version-range.ts";
import { nameIn } from "../policy/rules.ts";
import type { Waiver } from "../policy/waiver.ts";
import type { Waivers } from "../policy/waivers.ts";
import type { HouseOperations } from "./house.ts";
import { type PolicedRepository, readPurl } from "./policy.ts";

/** As people say it. */
export interface WaiverRequest {
  /** `pkg:npm/left-pad@1.3.0`; without a version `versions` says which. */
  purl: string;
  /** A range, in place of the version of the purl. */
  versions?: string | undefined;
  /** All without it. */
  repository?: string | undefined;
  reason: string;
  /** A time (ISO 8601), how long (7d), or "fixed": when a later release comes that no rule withholds. Until it is taken back without it. */
  until?: string | undefined;
  /** It is to be blocked, whatever rules and waivers say. */
  isBlock?: boolean | undefined;
}

const FIXED = "fixed";

type Repositories = () => readonly PolicedRepository[];

/**
 * Makes a waiver, for who administers each repository that it is for. Throws Problem("badRequest") for what cannot be read, and Problem("notFound") for a
 * repository that is not there.
 */
export async function addWaiver(
  waivers: Waivers,
  repositories: Repositories,
  grant: Grant,
  wanted: WaiverRequest,
  now: number,
): Promise<Waiver> {
  const asked = readPurl(wanted.purl);
  if (!asked) throw bad(`${wanted.purl} is no purl, like pkg:npm/left-pad@1.3.0`);
  const { purlType, version } = asked;
  if (version !== null && wanted.versions)
    throw bad("either the version of the purl or versions, not both");
  const versions = version ?? wanted.versions?.trim();
  if (!versions) throw bad(`which versions? ${wanted.purl}@VERSION, or versions as a range`);
  const reason = wanted.reason.trim();
  if (!reason) throw bad(`a ${wordOf(wanted)} takes a reason`);
  const matching = repositories().filter((one) => one.purlType === purlType);
  const covered = wanted.repository
    ? matching.filter(({ name }) => name === wanted.repository)
    : matching;
  const [first] = covered;
  if (!first)
    throw new Problem(
      "notFound",
      wanted.repository
        ? `There is no repository ${wanted.repository} with packages like ${wanted.purl}`
        : `No repository here has packages like ${wanted.purl}`,
    );
  for (const { name } of covered) permit(grant, name, "admin", null);
  if (wanted.until === FIXED && wanted.isBlock)
    throw bad("a block ends at a time, after some time, or when it is taken back");
  if (wanted.until === FIXED && !first.order)
    throw bad(`versions like those of ${wanted.purl} have no order here: until takes a time`);
  try {
    parseRange(versions, first.order);
  } catch (error) {
    if (error instanceof RangeError) throw bad(error.message);
    throw error;
  }
  return waivers.add(grant.principal, {
    repository: wanted.repository ?? null,
    purlType,
    package: nameIn(first, asked.package),
    versions,
    reason,
    until: wanted.until === FIXED ? null : endOf(wanted.until, now, wordOf(wanted)),
    ...(wanted.until === FIXED && { untilFixed: true }),
    ...(wanted.isBlock && { isBlock: true }),
  });
}

/** Takes a waiver or a block back, by its id or the beginning of it, for who administers each repository that it is for. `why`: for the audit log. */
export async function removeWaiver(
  waivers: Waivers,
  repositories: Repositories,
  grant: Grant,
  { id, isBlock = false, why }: { id: string; isBlock?: boolean; why?: string | undefined },
): Promise<Waiver> {
  const waiver = waivers
    .all()
    .find((one) => id !== "" && one.id.startsWith(id) && (one.isBlock ?? false) === isBlock);
  if (!waiver)
    throw new Problem("notFound", `There is no ${wordOf({ isBlock })} ${id.slice(0, 100)}`);
  const covered = repositories().filter(
    ({ name, purlType }) =>
      purlType === waiver.purlType && (waiver.repository === null || waiver.repository === name),
  );
  for (const { name } of covered) permit(grant, name, "admin", null);
  return waivers.remove(grant.principal, waiver.id, why);
}

/** By commands: `values` are a WaiverRequest, or `id`; `by` says who. */
export function waiverOperations(
  waivers: Waivers,
  repositories: Repositories,
  grantOf: (by: string) => Grant,
  now: () => number,
): HouseOperations {
  type Run = HouseOperations[string];
  const grant = (values: Readonly<Record<string, string>>) => grantOf(values["by"] || "somebody");
  const add =
    (isBlock: boolean): Run =>
    async ({ values = {}, say }) => {
      const { purl = "", versions, repository, reason = "", until } = values;
      const wanted = { purl, versions, repository, reason, until, isBlock };
      const waiver = await addWaiver(waivers, repositories, grant(values), wanted, now());
      say(`${describe(waiver)}. It is the ${wordOf({ isBlock })} ${waiver.id}.`);
      return true;
    };
  const remove =
    (isBlock: boolean): Run =>
    async ({ values = {}, say }) => {
      const { id = "", reason: why } = values;
      const wanted = { id, isBlock, why };
      const waiver = await removeWaiver(waivers, repositories, grant(values), wanted);
      say(`The rules hold again for ${waiver.package} ${waiver.versions}.`);
      return true;
    };
  return {
    "waiver add": add(false),
    "waiver remove": remove(false),
    "block add": add(true),
    "block remove": remove(true),
  };
}

/** "left-pad 1.3.0 is waived until 2026-12-01T00:00Z"; of a block "is blocked by hand". */
export function describe(waiver: Waiver): string {
  const { package: name, versions, until, repository } = waiver;
  const open = waiver.untilFixed ? " until a later release may be had" : "";
  const end = until === null ? open : ` until ${new Date(until).toISOString().slice(0, 16)}Z`;
  const what = waiver.isBlock ? "blocked by hand" : "waived";
  return `${name} ${versions} is ${what}${repository === null ? "" : ` in ${repository}`}${end}`;
}

function wordOf({ isBlock }: Pick<WaiverRequest, "isBlock">): string {
  return isBlock ? "block" : "waiver";
}

function endOf(until: string | undefined, now: number, what: string): number | null {
  if (until === undefined || until === "") return null;
  const at = DURATION.test(until) ? now + parseDuration(until) : Date.parse(until);
  if (Number.isNaN(at))
    throw bad(`until takes a time, how long, or "fixed": 2026-12-01, 7d; got ${until}`);
  if (at <= now) throw bad(`the end of a ${what} lies in the past: ${until}`);
  return at;
}

function bad(message: string): Problem {
  return new Problem("badRequest", message);
}
