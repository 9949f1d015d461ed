// Holds what a document says against what was seen first, and tells what changed under a fixed name.
import type { DocumentRef, DocumentType, Fact, Overlay, Source } from "../../core/document.ts";
import type { EventKind, RepositoryEvent } from "../../core/event.ts";
import type { Integrity } from "../../core/integrity.ts";
import { Problem } from "../../core/problem.ts";
import { readMarked } from "../../ledger/fact-rows.ts";
import type { Change, KnownFact } from "../../ledger/facts.ts";
import { mergeFacts } from "../../ledger/merge.ts";
import { readDigests, readPin } from "../../ledger/pins.ts";
import type { Blobs } from "../../store/blobs.ts";
import type { Database, Query } from "../../store/database.ts";
import type { Transform } from "../../worker/job.ts";
import { localOf } from "../local.ts";
import type { IsRepacked } from "../repacked.ts";
import { createHeld } from "./held.ts";
import { type DocumentState, INLINE_LIMIT, placed } from "./state.ts";

export interface ObserverDeps {
  repository: string;
  format: string;
  types: Record<string, DocumentType>;
  blobs: Blobs;
  database: Database;
  transform: Transform;
  /** Stores an event in the transaction of what it is about. */
  storeEvent(sql: Query, event: RepositoryEvent): Promise<void>;
  /** Logs and counts an event that was stored. */
  announce(event: RepositoryEvent): void;
  now(): number;
  /** The format publishes digests of fetched bytes (`Format.alsoPinned`). */
  hasDigests: boolean;
  /** The upstream is a server like this one, which keeps what is gone itself: what it shows no more is not to be shown. */
  isFollower?: boolean;
  /** For formats that can tell bytes that were packed anew from altered ones. */
  repacked: IsRepacked | null;
  report(event: RepositoryEvent): void;
  /** The bytes of a stored document. */
  open(ref: DocumentRef, state: Pick<DocumentState, "blob" | "size" | "source">): Source;
}

/** An alarm that may be none. */
interface Doubt {
  event: RepositoryEvent;
  package: string;
  file: string;
  location: string;
  shown: Integrity | null;
}

/** An upstream that sends its bytes one by one delays no alarm for longer. */
const DOUBT_MS = 5 * 60_000;

/** `facts` are of the new document, `state` is the one before. Returns what views must know beyond the new document. */
export type Observe = (
  ref: DocumentRef,
  state: DocumentState | null,
  facts: Fact[],
  host: string,
) => Promise<Overlay>;

export function createObserver(deps: ObserverDeps): Observe {
  const { repository, database, blobs, open } = deps;
  const held = createHeld(deps);

  async function observe(
    ref: DocumentRef,
    state: DocumentState | null,
    facts: Fact[],
    host: string,
  ): Promise<Overlay> {
    const type = deps.types[ref.kind]!;
    const complete = type.complete && !deps.isFollower;
    const now = new Date(deps.now()).toISOString();
    const named = new Map(facts.map((fact) => [fact.file, fact]));
    const altered = new Set<string>();
    const told = await mergeFacts(
      database,
      {
        repository,
        package: ref.package,
        facts,
        complete,
        isKnown: state !== null,
        now,
        held: (some) => held(ref, some),
      },
      async (sql, changes) => {
        const events: RepositoryEvent[] = [];
        const doubts: Doubt[] = [];
        for (const event of changeEvents(ref, host, changes, altered, !deps.repacked)) {
          const fact = event.kind === "tampered" && event.file ? named.get(event.file)! : null;
          const tampered = { ...event, ...fact?.artifact };
          const doubt = fact && (await doubtOf(sql, tampered, fact));
          if (doubt) doubts.push(doubt);
          else {
            await deps.storeEvent(sql, tampered);
            events.push(tampered);
          }
        }
        return { events, doubts };
      },
    );
    for (const { events } of told) for (const event of events) deps.announce(event);
    void settle(told.flatMap(({ doubts }) => doubts));

    const marked = await readMarked(database.read, repository, ref.package);
    const shown = complete ? marked : marked.filter(({ file }) => named.has(file));
    const overlay = overlayOf(shown, state?.overlay ?? {});
    // What fetched bytes told is known for good: also of files that had gone, and of those that were stored just before a crash.
    const digests = deps.hasDigests
      ? await readDigests(database.read, repository, ref.package)
      : new Map();
    for (const [file, { integrity, since }] of digests) {
      const fact = named.get(file);
      if (!fact || Object.hasOwn(overlay, file)) continue;
      overlay[file] = { state: "fetched", version: fact.version, integrity, since, entry: null };
    }
    const missing = Object.keys(overlay).filter(
      (file) => overlay[file]!.entry === null && overlay[file]!.state !== "fetched",
    );
    if (missing.length > 0 && state && type.extract) {
      const entries = await extract(ref, state, missing).catch((error) => {
        if (error instanceof Problem && error.kind === "busy") throw error; // read when the document comes again
        // The bytes of the document before may be lost. The new one is worth more than what only the old one said.
        return {} as Record<string, unknown>;
      });
      for (const file of missing) overlay[file]!.entry = entries[file] ?? null;
    }
    return overlay;
  }

  /** Another integrity of bytes that are known here may only mean that the same was packed anew. */
  async function doubtOf(sql: Query, event: RepositoryEvent, fact: Fact): Promise<Doubt | null> {
    const { location, integrity: shown, artifact } = fact;
    if (!deps.repacked || location === undefined) return null;
    const { package: name, file } = artifact ?? { package: event.package, file: fact.file };
    const pin = await readPin(sql, { repository, package: name, file });
    return pin?.content ? { event, package: name, file, location, shown } : null;
  }

  /** Looks into the bytes that are shown now before it raises the alarm: one after the other, and not for ever. */
  async function settle(doubts: Doubt[]): Promise<void> {
    const signal = AbortSignal.timeout(DOUBT_MS);
    for (const { event, location, shown, ...artifact } of doubts) {
      const isSame =
        !signal.aborted &&
        (await deps.repacked!(artifact, location, shown, signal).catch(() => false));
      const what = `${artifact.file} of ${artifact.package}`;
      const message = `The upstream packed ${what} anew: it holds the same in other bytes; clients keep the first`;
      deps.report(isSame ? { ...event, kind: "repacked", message } : event);
    }
  }

  async function extract(
    ref: DocumentRef,
    state: DocumentState,
    files: string[],
  ): Promise<Record<string, unknown>> {
    if (state.size <= INLINE_LIMIT)
      return deps.types[ref.kind]!.extract!(open(ref, state), placed(ref, state), new Set(files));
    return deps.transform({
      op: "extract",
      format: deps.format,
      ref: placed(ref, state),
      input: await localOf(blobs, state.blob),
      size: state.size,
      files,
    });
  }

  return observe;
}

/** The overlay entries that the facts call for; what an earlier overlay has of the entries themselves is kept. */
function overlayOf(marked: readonly KnownFact[], before: Overlay): Overlay {
  const overlay: Overlay = Object.create(null); // a file may be called __proto__
  for (const { file, version, integrity, goneAt, tampered } of marked)
    overlay[file] = {
      state: goneAt === null ? "tampered" : "gone",
      version,
      integrity,
      since: goneAt ?? tampered!.at,
      entry: (Object.hasOwn(before, file) && before[file]!.entry) || null,
    };
  return overlay;
}

/** More files than that with other bytes are one event: whoever changes all of a package would write thousands. */
const TOLD_ONE_BY_ONE = 100;

/**
 * `altered`: versions of which a file was told as tampered; added to. `isTogether`: many files may be told in one event, because none of them
 * is looked into before.
 */
function* changeEvents(
  ref: DocumentRef,
  upstream: string,
  changes: Change[],
  altered: Set<string>,
  isTogether: boolean,
): Generator<RepositoryEvent> {
  const of = (kind: Change["kind"]) => changes.filter((change) => change.kind === kind);
  const tampered = of("tampered");
  for (const { version } of tampered) altered.add(version);
  if (isTogether && tampered.length > TOLD_ONE_BY_ONE)
    yield {
      kind: "tampered",
      package: ref.package,
      message: `${upstream} now shows other integrities for ${tampered.length} files of ${ref.package}; clients keep the first`,
      detail: {
        upstream,
        files: tampered.map(({ file, first, shown }) => ({ file, first, shown })),
      },
    };
  else
    for (const { file, version, first, shown } of tampered)
      yield {
        kind: "tampered",
        package: ref.package,
        version,
        file,
        message: `${upstream} now shows another integrity for ${file} of ${ref.package} ${version}; clients keep the first`,
        detail: { first, shown, upstream },
      };
  // What stands elsewhere under its version has not gone: that was told already.
  yield* byVersion(
    "orphaned",
    of("gone").filter(({ version }) => !altered.has(version)),
    ref,
    (what) => `${upstream} no longer has ${what}; it stays here for lock files`,
  );
  yield* byVersion("returned", of("returned"), ref, (what) => `${upstream} has ${what} again`);
}

/** One event a version, so that a wheel, an sdist and their metadata do not raise four; one in all when there are many. */
function* byVersion(
  kind: "orphaned" | "returned",
  changes: Change[],
  ref: DocumentRef,
  message: (what: string) => string,
): Generator<RepositoryEvent> {
  const versions = Map.groupBy(changes, ({ version }) => version);
  if (versions.size > 20) {
    yield {
      kind,
      package: ref.package,
      message: message(`${versions.size} versions of ${ref.package}`),
      detail: { versions: [...versions.keys()] },
    };
    return;
  }
  for (const [version, files] of versions)
    yield {
      kind,
      package: ref.package,
      version,
      message: message(`${ref.package} ${version}`),
      detail: { files: files.map(({ file }) => file) },
    };
}

/** A refresh brought nothing, and not because the upstream is away. */
export function troubleEvent(
  ref: DocumentRef,
  problem: Problem,
  isServed: boolean,
): RepositoryEvent {
  const { cause, kind } = problem;
  const known = kind === "refused" || kind === "tampered" ? kind : "malformed";
  return {
    kind: (problem.event as EventKind | null) ?? known,
    package: ref.package,
    message:
      isServed && !/ stays in service/.test(problem.message)
        ? `${problem.message}; the copy of ${ref.package || ref.key} stored before is served`
        : problem.message,
    detail: {
      path: ref.path,
      ...problem.detail,
      ...(cause instanceof Error && { error: cause.stack ?? cause.message }),
    },
  };
}
