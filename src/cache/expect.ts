// What the bytes of an artifact must be: the first integrity that a document showed, what the format knows, and the pin of earlier bytes.
import type { Artifact } from "../core/artifact.ts";
import type { DocumentRef } from "../core/document.ts";
import type { AnyFormat } from "../core/format.ts";
import { Problem } from "../core/problem.ts";
import { readFact } from "../ledger/fact-rows.ts";
import type { KnownFact } from "../ledger/facts.ts";
import { readPin } from "../ledger/pins.ts";
import type { Database } from "../store/database.ts";
import type { Documents } from "./documents/get.ts";
import { readDocument } from "./documents/rows.ts";
import { bothIntegrities, type Expectation } from "./prove.ts";

/** What a just confirmed document does not name is not looked for again. */
export const JUST_NOW_MS = 5_000;

export interface ExpectDeps {
  format: AnyFormat;
  repository: string;
  database: Database;
  documents: Documents;
  now(): number;
}

/** What is found out of a file, bit by bit. All of them reject when no document names it, or with why they could not be asked. */
export interface Expecting {
  /** Where it is as far as is known without asking anyone; null where that is nowhere but the usual place. */
  readonly atHand: Promise<string | null>;
  /** What the documents say, which may have to be asked for first. */
  readonly named: Promise<Named>;
  readonly whole: Promise<Expectation>;
}

export type Named = Omit<Expectation, "pin">;

/** Problem("notFound") when no document names the file, and why they could not be asked when that is why. */
export function createExpect(deps: ExpectDeps): (artifact: Artifact) => Expecting {
  const { repository, database, now } = deps;

  function expecting(artifact: Artifact): Expecting {
    const known = factIn(artifact, new Set(artifact.namedBy.map((ref) => ref.package)));
    const named = nameOf(artifact, known);
    const all = {
      atHand: known.then((fact) => fact?.location ?? null),
      named,
      whole: wholeOf(artifact, named),
    };
    // Each is awaited where it is needed, perhaps later than it fails, or not at all.
    for (const one of Object.values(all)) one.catch(() => {});
    return all;
  }

  async function wholeOf(artifact: Artifact, naming: Promise<Named>): Promise<Expectation> {
    const { package: name, file } = artifact;
    const [named, own, first] = await Promise.all([
      naming,
      artifact.integrity?.() ?? null,
      readPin(database.read, { repository, package: name, file }),
    ]);
    return {
      integrity: bothIntegrities(deps.format, named.integrity, own),
      isGrown: named.isGrown,
      pin: first,
      location: named.location,
    };
  }

  /** What the documents say of the file; asks for them in order until one names it. */
  async function nameOf(artifact: Artifact, stored: Promise<KnownFact | null>): Promise<Named> {
    const none = { integrity: null, isGrown: false, location: null };
    if (artifact.namedBy.length === 0) return none;
    let known = await stored;
    let reason: Problem | null = null;
    for (const ref of artifact.namedBy) {
      if (known) break;
      const asked = await ask(ref);
      if (asked && asked.kind !== "notFound") reason = asked;
      known = await factIn(artifact, [ref.package]);
    }
    if (known) return known;
    throw (
      reason ??
      new Problem(
        "notFound",
        `No document of the upstream names ${artifact.file} of ${artifact.package}`,
      )
    );
  }

  /** Brings the document up to date. Returns why that was not possible. */
  async function ask(ref: DocumentRef): Promise<Problem | null> {
    try {
      const { cache } = await deps.documents.get(ref, now() - JUST_NOW_MS);
      if (!cache.detail) return null;
      return new Problem(
        cache.detail === "slow" ? "unreachable" : cache.detail,
        "The stored document is older than the file, and the upstream cannot be asked",
      );
    } catch (error) {
      if (error instanceof Problem) return error;
      throw error;
    }
  }

  async function factIn(
    { file, namedAs = file }: Artifact,
    packages: Iterable<string>,
  ): Promise<KnownFact | null> {
    for (const name of packages) {
      const fact = await readFact(database.read, { repository, package: name, file: namedAs });
      if (fact) return fact;
    }
    return null;
  }

  return expecting;
}

/** When the newest of the stored documents that name the file was changed. Milliseconds since the epoch; 0: none names it. */
export async function namedSince(
  { repository, database }: Pick<ExpectDeps, "repository" | "database">,
  { namedBy, file, namedAs = file }: Artifact,
): Promise<number> {
  let since = 0;
  for (const ref of namedBy) {
    const fact = await readFact(database.read, { repository, package: ref.package, file: namedAs });
    if (!fact || fact.goneAt !== null) continue;
    const document = await readDocument(database.read, repository, ref);
    since = Math.max(since, document?.changedAt ?? 0);
  }
  return since;
}
