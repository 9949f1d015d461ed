// Packages whose bytes change under the same version: held until an operator lets them in. Another version under the same path is an update.

import { Problem } from "../../core/problem.ts";
import type { ChangedFile, CompareOptions, Comparison, NewFile } from "./compare.ts";
import type { AptRepository } from "./memory.ts";
import { indexOptions, namesOf, poolPath } from "./open-lookups.ts";
import { type Replacements, replacedName } from "./pool-artifact.ts";
import { dateText, type Release } from "./release.ts";
import { addReplacements, forgetReplacements, replacementsOf } from "./replaced.ts";
import { packageOf } from "./routes.ts";

/** An index before and now, as the releases name it. */
export interface IndexPair {
  /** Null when it is lost, and the upstream no longer has it. */
  old: { path: string; sha256: string } | null;
  next: { path: string; sha256: string };
}

/** What a refused release changed, for `holdfast apt accept`. Kept as JSON under `heldKey`; empty when nothing is held. */
export interface Held {
  /** The Release's Date. Milliseconds since the epoch; null when it tells none. */
  date: number | null;
  /** Each `path` is in the repository. At most 1000. */
  changed: ChangedFile[];
  /** How many changed in all. */
  total: number;
}

/** So many of a release's changed files are told of one by one. */
const TOLD = 20;
/** As many as a person may look at. */
const HELD = 1000;
const ACCEPTED_AT_ONCE = 20_000;
const TURN = 500;

export function heldKey(suite: string): string {
  return `held/${suite}`;
}

/**
 * Throws Problem("tampered") when the new release gives other bytes to what the one before named, or to what was fetched, and nobody let it: then
 * what it changes is kept under `heldKey`. What the options or an operator let in is another file from then on.
 */
export async function checkChanges(
  repository: AptRepository,
  suite: string,
  next: Release,
  pairs: IndexPair[],
): Promise<void> {
  forgetReplacements(repository);
  const replacements = await replacementsOf(repository);
  const { changed, total, updated } = await compareAll(repository, suite, pairs, replacements);
  if (total > 0) {
    if (repository.options.onChange === "refuse")
      return hold(repository, suite, next, changed.slice(0, HELD), total);
    await accept(repository, suite, changed);
    // More than can be told of at once.
    if (total > changed.length) return checkChanges(repository, suite, next, pairs);
  }
  if (updated.size) await addReplacements(repository, updated);
  await release(repository, suite);
}

async function release(repository: AptRepository, suite: string): Promise<void> {
  const held = await repository.kept(heldKey(suite));
  if (held?.bytes.length) await repository.keep(heldKey(suite), new Uint8Array(0));
}

/** What nobody has let in (those beyond the limit show once the ones before them are accepted), and the digests of updates, by path. */
async function compareAll(
  repository: AptRepository,
  suite: string,
  pairs: IndexPair[],
  replacements: Replacements,
): Promise<Pick<Held, "changed" | "total"> & { updated: Map<string, string> }> {
  const changed = new Map<string, ChangedFile>();
  const updated = new Map<string, string>();
  let total = 0;
  for (const pair of pairs) {
    const found = await comparePair(repository, suite, pair, replacements);
    total += found.total;
    for (const file of found.changed) {
      const path = poolPath(suite, file.path);
      changed.set(path, { ...file, path });
    }
    const files = [...found.updated, ...found.added];
    for (const [at, file] of files.entries()) {
      // Requests have their turn in between.
      if (at % TURN === TURN - 1) await new Promise((resolve) => setTimeout(resolve));
      const path = poolPath(suite, file.path);
      const before = await fetchedBefore(repository, path, file, replacements);
      if (before === null) continue;
      if (at < found.updated.length || before.version !== file.version)
        updated.set(path, file.digest);
      else {
        if (!changed.has(path)) total++;
        const { package: name, digest } = file;
        const known = { path, package: name, version: "", architecture: "" };
        changed.set(path, { ...known, before: [before.digest], after: [digest] });
      }
    }
  }
  return { changed: [...changed.values()], total, updated };
}

async function comparePair(
  repository: AptRepository,
  suite: string,
  { old, next }: IndexPair,
  replacements: Replacements,
): Promise<Comparison> {
  const { folder } = indexOptions({ path: next.path, suite });
  const options: CompareOptions = {
    old: old === null ? null : old.path,
    new: next.path,
    folder,
    accepted: Object.fromEntries(
      [...replacements].flatMap(([path, digest]) =>
        namesOf(suite, path).map((name) => [name, digest] as const),
      ),
    ),
    ...(repository.options.onChange === "accept" && { limit: ACCEPTED_AT_ONCE }),
  };
  const files = [...(old ? [old.sha256] : []), next.sha256];
  return repository.work<Comparison>("compare", options, files);
}

/**
 * What was fetched under a path, when that was other bytes: also what was removed since, whose pin stays. The version is the index's own when nobody
 * knows any more of which one it was: then nothing shows that it is an update.
 */
async function fetchedBefore(
  repository: AptRepository,
  path: string,
  { digest, version }: NewFile,
  replacements: Replacements,
): Promise<{ digest: string; version: string } | null> {
  if (!/^[0-9a-f]{64}$/.test(digest)) return null;
  const name = packageOf(path);
  const replacement = replacements.get(path);
  const before = replacement ?? (await repository.pinned(name, path));
  if (!before || before === digest) return null;
  const file = replacement === undefined ? path : replacedName(path, replacement);
  const known = await repository.known(name, file);
  return { digest: before, version: known?.sha256 ? known.version : version };
}

async function hold(
  repository: AptRepository,
  suite: string,
  { date }: Release,
  changed: ChangedFile[],
  total: number,
): Promise<never> {
  const held = Buffer.from(JSON.stringify({ date, changed, total } satisfies Held));
  const before = await repository.kept(heldKey(suite));
  // The upstream offers it again and again, which is no news.
  if (!before || !held.equals(before.bytes)) {
    await repository.keep(heldKey(suite), held);
    for (const file of changed.slice(0, TOLD)) tell(repository, suite, file);
  }
  const more = total > 1 ? ` and ${(total - 1).toLocaleString("en-US")} more` : "";
  throw new Problem(
    "tampered",
    `The new release of ${suite} has other bytes under the same name for ${nameOf(changed[0])}${more}: the release before stays in service until \`holdfast apt accept ${repository.name}\``,
    {
      rule: "onChange",
      detail: {
        release: dateText(date),
        changed: changed.slice(0, 20).map(({ path, before, after }) => ({ path, before, after })),
      },
    },
  );
}

function tell(
  repository: AptRepository,
  suite: string,
  { path, version, before, after }: ChangedFile,
): void {
  repository.report({
    kind: "tampered",
    package: packageOf(path),
    ...(version && { version }),
    file: path,
    message: `A new release of ${suite} has other bytes for ${path} under the same name and version`,
    detail: { suite, before, after },
  });
}

function nameOf(file: ChangedFile | undefined): string {
  return file ? [file.package, file.version, `(${file.path})`].join(" ") : "many packages";
}

async function accept(
  repository: AptRepository,
  suite: string,
  changed: ChangedFile[],
): Promise<void> {
  await addReplacements(repository, digestsOf(changed));
  const [first] = changed;
  repository.report({
    kind: "repacked",
    package: first ? packageOf(first.path) : suite,
    message: `The new release of ${suite} has other bytes under the same name for ${nameOf(first)}, one of ${changed.length}: taken, as the repository says (onChange: accept)`,
    detail: { changed: changed.slice(0, 20) },
  });
}

/** By path, the digest that changed files have now. */
export function digestsOf(changed: readonly ChangedFile[]): Map<string, string> {
  return new Map(changed.map(({ path, after }) => [path, after.at(-1)!]));
}
