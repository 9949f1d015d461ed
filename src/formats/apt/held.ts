// Packages whose bytes change under their name: held until an operator lets them in.

import { Problem } from "../../core/problem.ts";
import type { ChangedFile, Changes, ChangesOptions } from "./compare.ts";
import type { AptRepository } from "./memory.ts";
import { indexOptions, namesOf, poolPath } from "./open-lookups.ts";
import type { Accepted } from "./pool-artifact.ts";
import type { Release } from "./release.ts";
import { ACCEPTED, acceptedFiles, forgetAccepted } from "./replaced.ts";
import { packageOf } from "./routes.ts";

/** An index before and now, as the releases name it. */
export interface IndexPair {
  old: { path: string; sha256: string };
  next: { path: string; sha256: string };
}

/** What a refused release changed, for `holdfast apt accept`. Kept as JSON under `heldKey`; empty when nothing is held. */
export interface Held {
  /** The Release's Date. Milliseconds since the epoch. */
  date: number;
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
  forgetAccepted(repository);
  const accepted = await acceptedFiles(repository);
  const { changed, total } = await compare(repository, suite, pairs, accepted);
  if (total > 0) {
    if (repository.options.onChange === "refuse")
      return hold(repository, suite, next, changed.slice(0, HELD), total);
    await accept(repository, suite, accepted, changed);
    // More than can be told of at once.
    if (total > changed.length) return checkChanges(repository, suite, next, pairs);
  }
  await release(repository, suite);
}

async function release(repository: AptRepository, suite: string): Promise<void> {
  const held = await repository.kept(heldKey(suite));
  if (held?.bytes.length) await repository.keep(heldKey(suite), new Uint8Array(0));
}

/** What nobody has let in. Those beyond the limit show once the ones before them are accepted. */
async function compare(
  repository: AptRepository,
  suite: string,
  pairs: IndexPair[],
  accepted: Accepted,
): Promise<Pick<Held, "changed" | "total">> {
  const changed = new Map<string, ChangedFile>();
  let total = 0;
  for (const { old, next } of pairs) {
    const { folder } = indexOptions({ path: old.path, suite });
    const options: ChangesOptions = {
      old: old.path,
      new: next.path,
      folder,
      accepted: Object.fromEntries(
        [...accepted].flatMap(([path, digest]) =>
          namesOf(suite, path).map((name) => [name, digest] as const),
        ),
      ),
      ...(repository.options.onChange === "accept" && { limit: ACCEPTED_AT_ONCE }),
    };
    const found = await repository.work<Changes>("changes", options, [old.sha256, next.sha256]);
    total += found.total;
    for (const file of found.changed) {
      const path = poolPath(suite, file.path);
      changed.set(path, { ...file, path });
    }
    for (const [at, { path: named, package: name, sha256 }] of found.added.entries()) {
      // Requests have their turn in between.
      if (at % TURN === TURN - 1) await new Promise((resolve) => setTimeout(resolve));
      const path = poolPath(suite, named);
      const before = await repository.pinned(packageOf(path), path);
      if (!before || before === sha256 || !/^[0-9a-f]{64}$/.test(sha256)) continue;
      if (accepted.get(path) === sha256) continue;
      if (!changed.has(path)) total++;
      const known = { path, package: name, version: "", architecture: "" };
      changed.set(path, { ...known, before: [before], after: [sha256] });
    }
  }
  return { changed: [...changed.values()], total };
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
        release: new Date(date).toISOString(),
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
  before: Accepted,
  changed: ChangedFile[],
): Promise<void> {
  const accepted = new Map(before);
  for (const { path, after } of changed) accepted.set(path, after.at(-1)!);
  await repository.keep(ACCEPTED, Buffer.from(JSON.stringify(Object.fromEntries(accepted))));
  forgetAccepted(repository);
  const [first] = changed;
  repository.report({
    kind: "repacked",
    package: first ? packageOf(first.path) : suite,
    message: `The new release of ${suite} has other bytes under the same name for ${nameOf(first)}, one of ${changed.length}: taken, as the repository says (onChange: accept)`,
    detail: { changed: changed.slice(0, 20) },
  });
}
