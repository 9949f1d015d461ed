// Mutable resources: packuments, project pages, version lists. Freshness, revalidation and stale-if-error for every format.
import type { Artifact } from "../core/artifact.ts";
import type { Candidate, DocumentRef, DocumentType, Overlay, Source } from "../core/document.ts";
import type { RepositoryEvent } from "../core/event.ts";
import type { Integrity } from "../core/integrity.ts";
import { Problem } from "../core/problem.ts";
import type { CacheStatus } from "../core/reply.ts";
import type { Upstream, UpstreamResponse } from "../core/upstream.ts";
import { readFacts } from "../ledger/facts.ts";
import type { Blobs } from "../store/blobs.ts";
import type { Database } from "../store/database.ts";
import { fileSource } from "../store/source.ts";
import { createCollapse } from "./collapse.ts";
import { readDocument, touchDocument, writeDocument } from "./document-rows.ts";
import { type DocumentState, digestOf } from "./document-state.ts";
import { createIntake, type Received } from "./intake.ts";
import { createLru } from "./lru.ts";
import type { Naming } from "./named.ts";
import { createObserver, type ObserverDeps, troubleEvent } from "./observe.ts";
import { refusal } from "./refusal.ts";
import type { Transform } from "./transform.ts";

/** How long clients wait for news of something that is stored here, from when the upstream was asked. */
const PATIENCE_MS = 1000;
/** How long a "no" is remembered at most. A name may be published at any time. */
const NO_IS_REMEMBERED_MS = 60_000;
/** How long a bad answer (login page, refusal) is not asked for again while a good copy is stored. */
const TROUBLE_IS_REMEMBERED_MS = 30_000;
const TROUBLES = ["refused", "malformed", "tampered", "full"];
const STATES_IN_MEMORY = 20_000;

export interface Found {
  state: DocumentState;
  cache: CacheStatus;
}

export interface DocumentDeps {
  repository: string;
  format: string;
  types: Record<string, DocumentType>;
  upstream: Upstream;
  blobs: Blobs;
  naming: Naming;
  database: Database;
  transform: Transform;
  freshnessMs: number;
  report(event: RepositoryEvent): void;
  storeEvent: ObserverDeps["storeEvent"];
  announce: ObserverDeps["announce"];
  hasDigests: ObserverDeps["hasDigests"];
  repacked: ObserverDeps["repacked"];
  /** Throws a Problem when the new copy must not take the place of the old one. */
  admit: ((candidate: Candidate) => Promise<void>) | null;
  now(): number;
}

export interface Documents {
  /**
   * The stored document: fresh, or refreshed, or stale when the upstream cannot be asked or takes over a second.
   * `notBefore`: a copy that was confirmed earlier than that is refreshed first, however long it takes. Throws Problem("notFound") when the upstream
   * says no, and the reason when it cannot be asked and nothing is stored.
   */
  get(ref: DocumentRef, notBefore?: number): Promise<Found>;
  /**
   * Fetches a document again whose bytes are lost or altered on disk. Until that succeeds nothing is forgotten: other views of it
   * may be stored, and so is what only it remembers of files that have gone.
   */
  again(ref: DocumentRef): Promise<Found>;
  /** The stored document, however old, without asking anyone; fetched when there is none. */
  stored(ref: DocumentRef): Promise<Found>;
  /** Views of the documents that name the artifact are told digests of its bytes. */
  learn(artifact: Artifact, digests: Integrity): Promise<void>;
  /** Whether this is the stored document, and fresh. */
  isFresh(ref: DocumentRef, state: DocumentState): boolean;
  /** The bytes of a stored document. */
  open(ref: DocumentRef, state: DocumentState): Source;
}

export function createDocuments(deps: DocumentDeps): Documents {
  const { repository, upstream, blobs, database, now } = deps;
  const states = createLru<DocumentState>(STATES_IN_MEMORY);
  const refreshes = createCollapse<Found>();
  const { receive, ingest } = createIntake(deps);
  const observe = createObserver({ ...deps, open });
  /** Of documents that are not stored, because what came was not admitted. */
  const refusals = new Map<string, { problem: Problem; at: number; until: number }>();

  async function get(ref: DocumentRef, notBefore = 0): Promise<Found> {
    const id = idOf(ref);
    const state = states.get(id) ?? (await load(id, ref));
    const isOurs = state && state.checkedAt >= notBefore;
    if (isOurs && lasts(state.freshUntil, deps.freshnessMs))
      return answer(ref, { state, cache: { hit: true } });

    const stored = state?.status === 200 ? state : null;
    if (stored) {
      const away = upstream.unavailable();
      if (away) return stale(stored, { hit: true, detail: away });
      const { trouble } = stored;
      if (trouble && lasts(trouble.until) && trouble.at >= notBefore)
        return stale(stored, { hit: true, detail: trouble.detail });
    }
    const refused = refusals.get(id);
    if (refused && lasts(refused.until) && refused.at >= notBefore) throw refused.problem;
    const { result, collapsed, forMs } = refreshes.run(id, () => refresh(id, ref, state ?? null));
    if (!stored) {
      const found = await result;
      return answer(ref, collapsed ? { ...found, cache: { ...found.cache, collapsed } } : found);
    }
    // Who asks for news is not helped by an old copy, however long the news take.
    return Promise.race(isOurs ? [result, patience(PATIENCE_MS - forMs)] : [result]).then(
      (found) => found ?? stale(stored, { hit: false, fwd: "stale", detail: "slow" }),
      (error) => {
        if (!(error instanceof Problem) || error.kind === "notFound") throw error;
        return stale(stored, { hit: false, fwd: "stale", detail: error.kind as Detail });
      },
    );
  }

  function isFresh(ref: DocumentRef, state: DocumentState): boolean {
    return states.get(idOf(ref)) === state && lasts(state.freshUntil, deps.freshnessMs);
  }

  /** An end that is further off than it can have been set was set before the clock was put back. */
  function lasts(until: number, longest = TROUBLE_IS_REMEMBERED_MS): boolean {
    const left = until - now();
    return left > 0 && left <= longest;
  }

  function answer(ref: DocumentRef, found: Found): Found {
    if (found.state.status === 404)
      throw new Problem(
        "notFound",
        `${ref.package} is not known to the upstream ${found.state.upstream}`,
      );
    return found;
  }

  function stale(state: DocumentState, cache: CacheStatus): Found {
    return {
      state,
      cache: { ...cache, age: Math.max(0, Math.round((now() - state.checkedAt) / 1000)) },
    };
  }

  async function load(id: string, ref: DocumentRef): Promise<DocumentState | null> {
    const state = await readDocument(database.read, repository, ref);
    if (state) states.set(id, state, 1);
    return state;
  }

  async function refresh(
    id: string,
    ref: DocumentRef,
    state: DocumentState | null,
  ): Promise<Found> {
    try {
      return await ask(id, ref, state);
    } catch (error) {
      if (state?.status !== 200) {
        refuse(id, ref, error);
        throw error;
      }
      // A stored copy outlives a bug of ours that a new document brings to light; the event has its stack.
      const problem =
        error instanceof Problem
          ? error
          : new Problem("malformed", "The new document could not be read", { cause: error });
      if (TROUBLES.includes(problem.kind)) {
        // A login page is told once, not each time that it is shown again.
        const { message } = problem;
        if (state.trouble?.message !== message && problem.kind !== "full")
          deps.report(troubleEvent(ref, problem, true));
        const detail = problem.kind as Detail;
        const at = now();
        state.trouble = { detail, message, at, until: at + TROUBLE_IS_REMEMBERED_MS };
      }
      throw problem;
    }
  }

  /** False bytes are told of also where no good ones are stored, and not fetched again for a while. */
  function refuse(id: string, ref: DocumentRef, error: unknown): void {
    for (const [key, { until }] of refusals) if (until < now()) refusals.delete(key);
    if (!(error instanceof Problem) || error.kind !== "tampered") return;
    deps.report(troubleEvent(ref, error, false));
    const at = now();
    refusals.set(id, { problem: error, at, until: at + TROUBLE_IS_REMEMBERED_MS });
  }

  async function ask(id: string, ref: DocumentRef, state: DocumentState | null): Promise<Found> {
    const headers: Record<string, string> = {};
    if (ref.accept) headers["accept"] = ref.accept;
    const isStored = state?.status === 200;
    if (isStored && state.etag) headers["if-none-match"] = state.etag;
    else if (isStored && state.lastModified) headers["if-modified-since"] = state.lastModified;

    const response = await upstream.fetch({ path: ref.path, headers });
    const cache: CacheStatus = {
      hit: false,
      fwd: isStored ? "stale" : "uri-miss",
      fwdStatus: response.status,
      upstream: response.upstream,
    };
    if (response.status === 304 && isStored) {
      await response.discard();
      return { state: confirm(id, ref, state, response), cache };
    }
    if (response.status === 404 || response.status === 410) {
      await response.discard();
      return { state: await vanish(id, ref, state, response), cache };
    }
    if (response.status !== 200) {
      await response.discard();
      throw refusal(response);
    }
    const received = await receive(response, deps.types[ref.kind]!.limit);
    try {
      if (isStored && received.sha256 === state.received)
        return { state: confirm(id, ref, state, response), cache };
      return {
        state: await accept(id, ref, state, response, received),
        cache: { ...cache, stored: true },
      };
    } finally {
      if ("incoming" in received) await received.incoming.abandon();
    }
  }

  /** The upstream confirmed the stored copy: only freshness moves. */
  function confirm(
    id: string,
    ref: DocumentRef,
    state: DocumentState,
    response: UpstreamResponse,
  ): DocumentState {
    const newest = states.get(id) ?? state; // files may have been fetched meanwhile
    if (newest.blob !== state.blob) return newest;
    const { trouble: _, ...rest } = newest;
    const confirmed: DocumentState = {
      ...rest,
      etag: response.headers.get("etag") ?? state.etag,
      checkedAt: now(),
      freshUntil: now() + deps.freshnessMs,
    };
    states.set(id, confirmed, 1);
    // Not waited for: after a crash the worst is one more question to the upstream.
    database.write((sql) => touchDocument(sql, repository, ref, confirmed)).catch(() => {});
    return confirmed;
  }

  /** The upstream says no. What was stored stays for lock files, marked as gone. */
  async function vanish(
    id: string,
    ref: DocumentRef,
    state: DocumentState | null,
    response: UpstreamResponse,
  ): Promise<DocumentState> {
    const isKept = state?.status === 200;
    const observed = isKept ? await observe(ref, state, [], response.upstream) : {};
    const at = now();
    return settle(id, isKept ? ref : null, state, observed, (overlay, changedAt) => ({
      ...(isKept ? state : { blob: null, size: 0, storedSize: 0 }),
      received: null, // the same bytes would be news: the files are back
      status: isKept ? 200 : 404,
      etag: null,
      lastModified: null,
      upstream: response.upstream,
      overlay,
      digest: digestOf(isKept ? state.blob : null, overlay),
      checkedAt: at,
      freshUntil:
        at + (isKept ? deps.freshnessMs : Math.min(deps.freshnessMs, NO_IS_REMEMBERED_MS)),
      changedAt,
    }));
  }

  /**
   * Stores a new state and puts it into service. It is put together from the newest one before, for files may be fetched meanwhile, up to
   * the moment at which it is stored. `ref` is null for what is kept in memory alone.
   */
  async function settle(
    id: string,
    ref: DocumentRef | null,
    state: DocumentState | null,
    observed: Overlay,
    make: (overlay: Overlay, changedAt: number) => DocumentState,
  ): Promise<DocumentState> {
    for (let before = states.get(id) ?? state; ; ) {
      const overlay = { ...observed };
      keepLearned(overlay, before?.overlay ?? {});
      const made = make(overlay, later(before));
      if (ref) await database.write((sql) => writeDocument(sql, repository, ref, made));
      const newest = states.get(id) ?? before;
      if (newest === before) {
        states.set(id, made, 1);
        return made;
      }
      before = newest;
    }
  }

  async function accept(
    id: string,
    ref: DocumentRef,
    state: DocumentState | null,
    response: UpstreamResponse,
    received: Received,
  ): Promise<DocumentState> {
    const taken = await ingest(ref, response, received).catch((error) => {
      throw notWhatWasAsked(error, ref, response);
    });
    try {
      const source = taken.source ?? sourceOf(ref, taken.blob, taken.size);
      await admit({ ref, source, previous: await previous(ref, state) });
      const observed = await observe(ref, state, taken.facts, response.upstream);
      const at = now();
      const accepted = await settle(id, ref, state, observed, (overlay, changedAt) => ({
        status: 200,
        received: received.sha256,
        blob: taken.blob,
        size: taken.size,
        storedSize: taken.storedSize,
        etag: response.headers.get("etag"),
        lastModified: response.headers.get("last-modified"),
        upstream: response.upstream,
        overlay,
        digest: digestOf(taken.blob, overlay),
        checkedAt: at,
        freshUntil: at + deps.freshnessMs,
        changedAt,
      }));
      return taken.source ? { ...accepted, source: taken.source } : accepted;
    } finally {
      taken.letGo();
    }
  }

  function open(ref: DocumentRef, state: DocumentState): Source {
    return state.source ?? sourceOf(ref, state.blob!, state.size);
  }

  function sourceOf(ref: DocumentRef, blob: string, size: number): Source {
    return fileSource(blobs.path(blob), "gzip", size, deps.types[ref.kind]!.limit);
  }

  /** A new copy that lacks something is refused like one that cannot be read: the document itself exists. */
  async function admit(candidate: Candidate): Promise<void> {
    try {
      await deps.admit?.(candidate);
    } catch (error) {
      if (!(error instanceof Problem) || error.kind !== "notFound") throw error;
      throw new Problem("malformed", `It is not complete: ${error.message}`, { cause: error });
    }
  }

  /** The copy in service, where its bytes are still there; for `admit` alone. */
  async function previous(ref: DocumentRef, state: DocumentState | null) {
    if (!deps.admit || state?.status !== 200 || !(await blobs.stat(state.blob!))) return null;
    return { ref, source: open(ref, state), overlay: state.overlay };
  }

  /** Now, and at least a second after the change before: Last-Modified tells no smaller differences. */
  function later(state: DocumentState | null): number {
    const second = Math.floor((state?.changedAt ?? -1000) / 1000) + 1;
    return Math.max(now(), second * 1000);
  }

  async function stored(ref: DocumentRef): Promise<Found> {
    const id = idOf(ref);
    const state = states.get(id) ?? (await load(id, ref));
    return state?.status === 200 ? { state, cache: { hit: true } } : get(ref);
  }

  async function learn(artifact: Artifact, digests: Integrity): Promise<void> {
    const { file, version, namedAs = file } = artifact;
    for (const ref of artifact.namedBy) {
      const id = idOf(ref);
      const facts = await readFacts(database.read, repository, ref.package);
      if (!Object.hasOwn(facts, namedAs)) continue;
      if (!states.get(id)) await load(id, ref);
      const state = states.get(id); // nothing is awaited from here on: another file's digests may come at the same time
      if (state?.status !== 200 || state.overlay[namedAs]?.integrity) continue;
      const since = new Date(now()).toISOString();
      const fetched = { state: "fetched", version, since, entry: null } as const;
      const entry = { ...(state.overlay[namedAs] ?? fetched), integrity: digests };
      const overlay = { ...state.overlay, [namedAs]: entry };
      const { source: _, ...rest } = state;
      const digest = digestOf(state.blob, overlay);
      const learned = { ...rest, overlay, digest, changedAt: later(state) };
      states.set(id, learned, 1);
      await database.write((sql) => writeDocument(sql, repository, ref, learned));
    }
  }

  async function again(ref: DocumentRef): Promise<Found> {
    const id = idOf(ref);
    const state = states.get(id) ?? (await load(id, ref));
    const unknown = state && { ...state, received: null, etag: null, lastModified: null };
    const { result } = refreshes.run(`${id}\0again`, () => ask(id, ref, unknown));
    return answer(ref, await result);
  }

  return { get, again, stored, learn, isFresh, open };
}

/** What the bytes of fetched files told stays known, also of those that a document no longer names. */
function keepLearned(overlay: Overlay, before: Overlay): void {
  for (const [file, entry] of Object.entries(before)) {
    if (entry.state === "fetched") overlay[file] ??= entry;
    const shown = overlay[file];
    if (shown?.integrity === null) overlay[file] = { ...shown, integrity: entry.integrity };
  }
}

type Detail = NonNullable<CacheStatus["detail"]>;

function idOf({ kind, key }: DocumentRef): string {
  return `${kind}\0${key}`;
}

/** Who comes later to a refresh that is under way does not wait as long as who began it. */
function patience(milliseconds: number): Promise<null> {
  return new Promise((resolve) => {
    setTimeout(resolve, Math.max(0, milliseconds), null);
  });
}

/** A login page, most often: who sent it for what, before what is wrong with it. No URL: one may hold a token. */
function notWhatWasAsked(
  error: unknown,
  { key }: DocumentRef,
  { upstream, headers }: UpstreamResponse,
): unknown {
  if (!(error instanceof Problem) || error.kind !== "malformed") return error;
  const isPage = /html/i.test(headers.get("content-type") ?? "");
  const message = `${upstream} sent ${isPage ? "a web page" : "something else"} for ${key}: ${error.message}`;
  const { cause, event } = error;
  return new Problem("malformed", message, {
    ...(cause !== undefined && { cause }),
    ...(event && { event }),
  });
}
