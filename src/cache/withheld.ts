// What policy withholds of a package: worked out once for each copy of its document, and again when the clock or a waiver changes it.
import { createHash } from "node:crypto";
import type { Artifact } from "../core/artifact.ts";
import type { DocumentRef, DocumentType } from "../core/document.ts";
import type { FactNames } from "../core/format.ts";
import {
  blockedBy,
  NOTHING_WITHHELD,
  type Release,
  releaseOf,
  type Withheld,
  type Withholding,
} from "../core/policy.ts";
import { Problem } from "../core/problem.ts";
import type { OwnRepository } from "../core/repository.ts";
import { readTraits } from "../core/traits.ts";
import { everyFact, readFact, readYoung } from "../ledger/fact-rows.ts";
import type { KnownFact } from "../ledger/facts.ts";
import type { WithheldTold } from "../ledger/withheld.ts";
import { type Compared, suspected } from "../policy/compare.ts";
import type { Policy } from "../policy/policy.ts";
import type { Waivers } from "../policy/waivers.ts";
import type { Change, Changes } from "../store/changes.ts";
import type { Database } from "../store/database.ts";
import { createCleared } from "./cleared.ts";
import type { Documents } from "./documents/get.ts";
import { compareOf } from "./history.ts";
import { createLru } from "./lru.ts";

/** What is withheld in a document, and for how long that holds. */
export interface Withholdings {
  readonly withheld: Withheld;
  /** Tells it from others; empty when nothing is withheld. */
  readonly key: string;
  /** Milliseconds since the epoch; null: until the document, a waiver or an advisory changes. */
  readonly until: number | null;
  readonly revision: number;
  /** Since when this is withheld and nothing else: a full second. 0: nothing ever was. Kept for documents with a date. */
  readonly since: number;
  readonly package: string;
}

export interface WithheldDeps {
  repository: string;
  types: Record<string, DocumentType>;
  documents: Pick<Documents, "get">;
  database: Database;
  changes: Pick<Changes, "on" | "note" | "announce" | "isShared">;
  policy: Policy;
  /** See `Format.datedBy`. */
  datedBy?: ((packageName: string) => DocumentRef[]) | undefined;
  /** See `Format.factNames`. */
  factNames?: FactNames | undefined;
  /** Small values that are kept for ever. Without it nothing tells since when views are what they are. */
  values?: Pick<OwnRepository, "keep" | "kept">;
  waivers: Pick<Waivers, "fixed">;
  told: WithheldTold;
  /** What is published here is its owners' to take back: policy is about what comes from elsewhere. */
  isHosted(packageName: string): boolean;
  /** To be called with releases of which it is to be found out who made them. */
  wantProvenance(packageName: string, versions: readonly string[]): void;
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
  refuse(artifact: Artifact, isStored: boolean): Promise<unknown> | undefined;
  /** Another one when what `refuse` said of the package may hold no more. */
  stamp(packageName: string): number;
}

const PACKAGES_IN_MEMORY = 2_000;
/** What could not be found out of who made a release is wanted again after so long. Longer than who finds it out waits. */
const WANTED_AGAIN_MS = 65_000;
/** What could not be asked for its dates is asked again after so long. */
const ASKED_AGAIN_MS = 60_000;
/** Of a package that no rule concerns. */
export const NONE_WITHHELD: Withholdings = {
  withheld: NOTHING_WITHHELD,
  key: "",
  until: null,
  revision: 0,
  since: 0,
  package: "",
};

export function createWithheld(deps: WithheldDeps): WithheldOf {
  const { repository, database, policy, now } = deps;
  const known = createLru<Withholdings>(PACKAGES_IN_MEMORY);
  /** Packages whose documents were last read by a version that took no traits from them, by digest: what was worked out holds until they are read again. */
  const untold = new Map<string, string>();
  /** Rises when a release turns out to be dated that views were made without, and when it was found out who made one that is compared with others. */
  let learned = 0;
  const cleared = createCleared(policy, () => learned, now);
  function learn(): void {
    learned += 1;
  }
  const stamp = (packageName: string) => policy.revision(aboutOf(packageName)) + learned;

  function of(packageName: string, digest: string): Withholdings | Promise<Withholdings> {
    const about = aboutOf(packageName);
    if (!policy.concerns(about) || (about !== null && deps.isHosted(about))) return NONE_WITHHELD;
    const before = known.get(`${packageName}\0${digest}`);
    if (before && isCurrent(before)) return before;
    return workOut(packageName, digest);
  }

  async function workOut(packageName: string, digest: string): Promise<Withholdings> {
    const at = now();
    const isDated = await date(packageName);
    await endFixed(packageName, at);
    const revision = stamp(packageName);
    const withheld: Record<string, Withholding> = Object.create(null); // a file may be called __proto__
    /** By the package whose releases they are of. */
    const holds = new Map<string, Withholding[]>();
    const comparing = comparisonOf(packageName, at);
    let isWanting = false;
    let isTold = !policy.readsTraits(packageName) && !policy.compares(packageName);
    for await (const facts of candidates(packageName, at))
      for (const fact of facts) {
        isTold ||= fact.traits !== null;
        const compared = await comparing?.();
        if (compared && compared.wanted.length > 0) isWanting = true;
        const whose = deps.factNames?.whose(packageName, fact.file) ?? packageName;
        const release = suspected(releaseOf(whose, fact), compared);
        const why = policy.decide(release, at, await policy.advisories(whose));
        if (!why) continue;
        withheld[fact.file] = why;
        // What a rule blocks stands in the configuration: that is told when somebody asks for it.
        if (why.verdict === "hold") holds.set(whose, [...(holds.get(whose) ?? []), why]);
      }
    if (untold.size >= PACKAGES_IN_MEMORY) untold.clear();
    if (!isTold) untold.set(packageName, digest);
    const all = Object.values(withheld);
    const ends = all.flatMap(({ until }) => until ?? []);
    const waiver = policy.nextEnd(aboutOf(packageName), at);
    if (waiver !== null) ends.push(waiver);
    if (isWanting) ends.push(at + WANTED_AGAIN_MS);
    if (!isDated) ends.push(at + ASKED_AGAIN_MS);
    const key = all.length > 0 ? keyOf(withheld) : "";
    const found: Withholdings = {
      withheld,
      key,
      since: await sinceWhen(packageName, key),
      until: ends.length > 0 ? Math.min(...ends) : null,
      revision,
      package: packageName,
    };
    known.set(`${packageName}\0${digest}`, found, 1);
    for (const [name, some] of holds) deps.told.tell(name, some);
    return found;
  }

  /** Read when the first release asks, and once; null where no rule compares. */
  function comparisonOf(packageName: string, at: number): (() => Promise<Compared>) | null {
    if (!policy.compares(packageName)) return null;
    let compared: Promise<Compared> | null = null;
    return () => {
      compared ??= compareOf(database.read, repository, packageName, policy, at).then((one) => {
        if (one.wanted.length > 0) deps.wantProvenance(packageName, one.wanted);
        return one;
      });
      return compared;
    };
  }

  /** False when what tells dates could not be asked. */
  async function date(packageName: string): Promise<boolean> {
    if (!deps.datedBy || policy.oldestAsked(packageName) === 0) return true;
    for (const ref of deps.datedBy(packageName)) {
      try {
        await deps.documents.get(ref);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (error.kind !== "notFound") return false;
      }
    }
    return true;
  }

  /** The facts about which a rule may say something. */
  async function* candidates(packageName: string, at: number): AsyncGenerator<KnownFact[]> {
    if (policy.mayBlock(aboutOf(packageName))) {
      yield* everyFact(database.read, repository, packageName);
      return;
    }
    const age = policy.oldestAsked(aboutOf(packageName));
    if (age === 0) return;
    const after = new Date(Math.max(0, at - age)).toISOString();
    yield await readYoung(database.read, repository, packageName, after);
  }

  /** Of a document about one package: waivers that a release in it ends. */
  async function endFixed(packageName: string, at: number): Promise<void> {
    const about = aboutOf(packageName);
    if (about === null || !policy.awaitsFix(about, at)) return;
    const releases: Release[] = [];
    for await (const facts of everyFact(database.read, repository, packageName))
      for (const fact of facts) if (fact.goneAt === null) releases.push(releaseOf(about, fact));
    for (const { waiver, version } of policy.fixes(
      about,
      releases,
      at,
      await policy.advisories(about),
    ))
      await deps.waivers.fixed(waiver, version);
  }

  function aboutOf(packageName: string): string | null {
    return deps.factNames ? deps.factNames.about(packageName) : packageName;
  }

  /** Kept, since a client may come back with a date of before a restart. */
  async function sinceWhen(packageName: string, key: string): Promise<number> {
    if (!deps.values || !Object.values(deps.types).some(({ isDated }) => isDated)) return 0;
    const name = `withheld/${packageName}`;
    const kept = await deps.values.kept(name);
    const before = kept ? JSON.parse(Buffer.from(kept.bytes).toString()) : { key: "", at: 0 };
    if (before.key === key) return before.at;
    const at = (Math.floor(Math.max(now(), before.at) / 1000) + 1) * 1000;
    await deps.values.keep(name, Buffer.from(JSON.stringify({ key, at })));
    return at;
  }

  function isCurrent(withholdings: Withholdings): boolean {
    if (withholdings === NONE_WITHHELD) return true;
    const { until, revision, package: name } = withholdings;
    return revision === stamp(name) && (until === null || now() < until);
  }

  function refuse(artifact: Artifact, isStored: boolean): Promise<unknown> | undefined {
    if (!policy.concerns(null)) return;
    const names = [
      artifact.package,
      ...(deps.factNames?.beside?.(artifact.package, artifact.file) ?? []),
    ];
    if (!names.some(policy.concerns) || deps.isHosted(artifact.package)) return;
    const mayBeHeld = !isStored && !artifact.isDescription;
    if (mayBeHeld) return decideOn(artifact, names, true);
    if (!names.some(policy.mayBlock) || cleared.has(artifact, names)) return;
    return cleared.decide(artifact, names, () => decideOn(artifact, names, false));
  }

  async function decideOn(
    artifact: Artifact,
    names: readonly string[],
    mayBeHeld: boolean,
  ): Promise<KnownFact | null> {
    const fact = await (mayBeHeld ? datedFactOf(artifact) : factOf(artifact));
    const { version } = artifact;
    const told = {
      version,
      publishedAt: artifact.madeAt?.() ?? null,
      firstSeen: null,
      traits: null,
    };
    // What is here is sent, whatever is suspected of it.
    const compared = mayBeHeld ? await comparisonOf(artifact.package, now())?.() : undefined;
    for (const name of names) {
      const release = suspected(releaseOf(name, fact ?? told), compared);
      const why = policy.decide(release, now(), await policy.advisories(name));
      if (!why || (!mayBeHeld && why.verdict === "hold")) continue;
      deps.told.tell(name, [why]);
      throw blockedBy(why, name);
    }
    return fact;
  }

  async function factOf({ package: name, file, namedAs = file, namedBy }: Artifact) {
    for (const one of new Set([name, ...namedBy.map((ref) => ref.package)])) {
      const fact = await readFact(database.read, { repository, package: one, file: namedAs });
      if (fact) return fact;
    }
    return null;
  }

  /** With the time of publication and with traits where a document tells them: what tells of one release alone may not. */
  async function datedFactOf(artifact: Artifact): Promise<KnownFact | null> {
    const fact = await factOf(artifact);
    const { package: name } = artifact;
    const isDated = policy.oldestAsked(name) === 0 || fact?.publishedAt || fact?.firstSeen;
    const isTold = !policy.readsTraits(name) || (fact?.traits ?? null) !== null;
    const beside = policy.readsTraits(name) && !licenceOf(fact) ? (artifact.toldBy?.() ?? []) : [];
    const isComplete = isDated && isTold;
    if (isComplete && beside.length === 0) return fact;
    const naming = artifact.namedBy.filter(({ kind }) => deps.types[kind]!.complete);
    const dating = [...naming, ...(artifact.datedBy?.() ?? [])];
    const telling = [...(isComplete ? [] : dating), ...beside];
    for (const ref of telling) await deps.documents.get(ref).catch(ignoreNo);
    if (telling.length === 0) return fact;
    const after = await factOf(artifact);
    const isNowDated = !isComplete && fact && after?.publishedAt;
    if (isNowDated || licenceOf(fact) !== licenceOf(after)) await tellLearned(name);
    return after;
  }

  /** Also other servers, which have listings made without it. */
  async function tellLearned(packageName: string): Promise<void> {
    const change: Change = { kind: "learned", repository, key: packageName };
    deps.changes.announce(change);
    if (deps.changes.isShared) await database.write((sql) => deps.changes.note(sql, change));
  }

  deps.changes.on(
    "document",
    (change) => {
      const [, key = ""] = change.key.split("\0"); // complete documents have the package as their key
      const digest = change.repository === repository ? untold.get(key) : undefined;
      if (digest === undefined) return;
      untold.delete(key);
      known.delete(`${key}\0${digest}`);
    },
    learn,
  );
  deps.changes.on(
    "learned",
    (change) => {
      if (change.repository === repository) learn();
    },
    learn,
  );
  deps.changes.on(
    "provenance",
    (change) => {
      if (change.repository === repository && policy.compares(change.key)) learn();
    },
    learn,
  );

  return { of, isCurrent, refuse, stamp };
}

function licenceOf(fact: KnownFact | null): string | undefined {
  return readTraits(fact?.traits ?? null)?.licence;
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
