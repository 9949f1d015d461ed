// What policy withholds of a package: worked out once for each copy of its document, and again when the clock or a waiver changes it.
import { createHash } from "node:crypto";
import type { Artifact } from "../core/artifact.ts";
import type { DocumentType } from "../core/document.ts";
import {
  blockedBy,
  NOTHING_WITHHELD,
  releaseOf,
  type Withheld,
  type Withholding,
} from "../core/policy.ts";
import { Problem } from "../core/problem.ts";
import { everyFact, readFact, readYoung } from "../ledger/fact-rows.ts";
import type { KnownFact } from "../ledger/facts.ts";
import type { WithheldTold } from "../ledger/withheld.ts";
import type { Policy } from "../policy/policy.ts";
import type { Database } from "../store/database.ts";
import type { Documents } from "./documents/get.ts";
import { createLru } from "./lru.ts";

/** What is withheld in a document, and for how long that holds. */
export interface Withholdings {
  readonly withheld: Withheld;
  /** Tells it from others; empty when nothing is withheld. */
  readonly key: string;
  /** Milliseconds since the epoch; null: until the document or a waiver changes. */
  readonly until: number | null;
  readonly revision: number;
}

export interface WithheldDeps {
  repository: string;
  types: Record<string, DocumentType>;
  documents: Pick<Documents, "get">;
  database: Database;
  policy: Policy;
  told: WithheldTold;
  /** What is published here is its owners' to take back: policy is about what comes from elsewhere. */
  isHosted(packageName: string): boolean;
  now(): number;
}

export interface WithheldOf {
  /** Of a package, by what is known once the copy `digest` of its document is in service. */
  of(packageName: string, digest: string): Withholdings | Promise<Withholdings>;
  /** Whether it still is what `of` would say. */
  isCurrent(withholdings: Withholdings): boolean;
  /**
   * Throws Problem("blocked") for an artifact that is not to be sent: one that is blocked, and one that is held and was not here before.
   * `isStored`: it is here. To be asked each time that bytes are opened; `stamp` tells when the answer may be another one.
   */
  refuse(artifact: Artifact, isStored: boolean): Promise<void> | undefined;
  /** Another one when what `refuse` said may hold no more. */
  stamp(): number;
}

const PACKAGES_IN_MEMORY = 2_000;
/** Of a package that no rule concerns. */
export const NONE_WITHHELD: Withholdings = {
  withheld: NOTHING_WITHHELD,
  key: "",
  until: null,
  revision: 0,
};

export function createWithheld(deps: WithheldDeps): WithheldOf {
  const { repository, database, policy, now } = deps;
  const known = createLru<{ digest: string; found: Withholdings }>(PACKAGES_IN_MEMORY);

  function of(packageName: string, digest: string): Withholdings | Promise<Withholdings> {
    if (!policy.concerns(packageName) || deps.isHosted(packageName)) return NONE_WITHHELD;
    const before = known.get(packageName);
    if (before?.digest === digest && isCurrent(before.found)) return before.found;
    return workOut(packageName, digest);
  }

  async function workOut(packageName: string, digest: string): Promise<Withholdings> {
    const revision = policy.revision();
    const at = now();
    const withheld: Record<string, Withholding> = Object.create(null); // a file may be called __proto__
    for await (const facts of candidates(packageName, at))
      for (const fact of facts) {
        const why = policy.decide(releaseOf(packageName, fact), at);
        if (why) withheld[fact.file] = why;
      }
    const all = Object.values(withheld);
    const ends = all.flatMap(({ until }) => until ?? []);
    const waiver = policy.nextEnd(packageName, at);
    if (waiver !== null) ends.push(waiver);
    const found: Withholdings = {
      withheld,
      key: all.length > 0 ? keyOf(withheld) : "",
      until: ends.length > 0 ? Math.min(...ends) : null,
      revision,
    };
    known.set(packageName, { digest, found }, 1);
    // What a rule blocks stands in the configuration: that is told when somebody asks for it.
    deps.told.tell(
      packageName,
      all.filter(({ verdict }) => verdict === "hold"),
    );
    return found;
  }

  /** The facts about which a rule may say something. */
  async function* candidates(packageName: string, at: number): AsyncGenerator<KnownFact[]> {
    if (policy.mayBlock(packageName)) {
      yield* everyFact(database.read, repository, packageName);
      return;
    }
    const age = policy.oldestAsked(packageName);
    if (age === 0) return;
    const after = new Date(Math.max(0, at - age)).toISOString();
    yield await readYoung(database.read, repository, packageName, after);
  }

  function isCurrent(withholdings: Withholdings): boolean {
    if (withholdings === NONE_WITHHELD) return true;
    const { until, revision } = withholdings;
    return revision === policy.revision() && (until === null || now() < until);
  }

  function refuse(artifact: Artifact, isStored: boolean): Promise<void> | undefined {
    const { package: name } = artifact;
    if (!policy.concerns(name) || deps.isHosted(name)) return;
    if (isStored && !policy.mayBlock(name)) return;
    return decideOn(artifact, isStored);
  }

  async function decideOn(artifact: Artifact, isStored: boolean): Promise<void> {
    const fact = await (isStored ? factOf(artifact) : datedFactOf(artifact));
    const { package: name, version } = artifact;
    const release = fact ? releaseOf(name, fact) : { package: name, version, publishedAt: null };
    const why = policy.decide(release, now());
    if (!why || (isStored && why.verdict === "hold")) return;
    deps.told.tell(name, [why]);
    throw blockedBy(why);
  }

  async function factOf({ package: name, file, namedAs = file, namedBy }: Artifact) {
    for (const one of new Set([name, ...namedBy.map((ref) => ref.package)])) {
      const fact = await readFact(database.read, { repository, package: one, file: namedAs });
      if (fact) return fact;
    }
    return null;
  }

  /** With the time of publication where a document tells it: what tells of one release alone may not. */
  async function datedFactOf(artifact: Artifact): Promise<KnownFact | null> {
    const fact = await factOf(artifact);
    if (fact?.publishedAt || fact?.firstSeen || policy.oldestAsked(artifact.package) === 0)
      return fact;
    const telling = artifact.namedBy.filter(({ kind }) => deps.types[kind]!.complete);
    for (const ref of telling) await deps.documents.get(ref).catch(ignoreNo);
    return telling.length > 0 ? factOf(artifact) : fact;
  }

  return { of, isCurrent, refuse, stamp: () => policy.revision() };
}

/** An upstream without such a document tells no time either. That it cannot be asked is another matter. */
function ignoreNo(error: unknown): void {
  if (!(error instanceof Problem) || error.kind !== "notFound") throw error;
}

function keyOf(withheld: Withheld): string {
  return createHash("sha256")
    .update(JSON.stringify(Object.entries(withheld).sort(([a], [b]) => (a < b ? -1 : 1))))
    .digest("hex");
}
