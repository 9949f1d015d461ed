// One question to the upstream about a document, and what its answer makes of the stored one.
import type { Candidate, DocumentRef, DocumentType, Overlay, Source } from "../../core/document.ts";
import type { RepositoryEvent } from "../../core/event.ts";
import { isUndone, Problem } from "../../core/problem.ts";
import type { CacheStatus } from "../../core/reply.ts";
import { shortageOf } from "../../core/shortage.ts";
import type { Upstream, UpstreamResponse } from "../../core/upstream.ts";
import type { Blobs } from "../../store/blobs.ts";
import type { Leases } from "../../store/leases.ts";
import { type Absences, forgetAbsence } from "../absences.ts";
import { awaitTurn } from "../fetch-once.ts";
import { refusal } from "../refusal.ts";
import type { InService } from "./in-service.ts";
import type { Intake, Received } from "./intake.ts";
import { type Observe, type ObserverDeps, troubleEvent } from "./observe.ts";
import { tellSkipped } from "./skipped.ts";
import { type DocumentState, idOf, placed } from "./state.ts";
import type { Troubles } from "./troubles.ts";

/** How long a "no" is remembered at most while the upstream can be asked. A name may be published at any time. */
const NO_IS_REMEMBERED_MS = 60_000;
/** How long a bad answer (login page, refusal) is not asked for again while a good copy is stored. */
const TROUBLE_IS_REMEMBERED_MS = 30_000;
const TROUBLES = ["refused", "malformed", "tampered", "unfinished", "full", "unusable"];

export interface Found {
  state: DocumentState;
  cache: CacheStatus;
}

export interface RefreshDeps {
  repository: string;
  types: Record<string, DocumentType>;
  upstream: Upstream;
  blobs: Blobs;
  leases: Leases;
  freshnessMs: number;
  report(event: RepositoryEvent): void;
  storeEvent: ObserverDeps["storeEvent"];
  announce: ObserverDeps["announce"];
  /** What is to be told of a package of which there was no document before. */
  firstMet(ref: DocumentRef): Promise<RepositoryEvent[]>;
  /** Throws a Problem when the new copy must not take the place of the old one. */
  admit: ((candidate: Candidate) => Promise<void>) | null;
  now(): number;
  absences: Absences;
  /** See `ObserverDeps`. */
  isFollower?: boolean;
  inService: InService;
  troubles: Troubles;
  intake: Intake;
  observe: Observe;
  open(ref: DocumentRef, state: Pick<DocumentState, "blob" | "size" | "source">): Source;
}

export interface Refresh {
  /** Asks, and takes the answer in. Throws a Problem, told and remembered, when that brings nothing. */
  refresh(ref: DocumentRef, state: DocumentState | null): Promise<Found>;
  /** The same for who takes what another of several servers was answered as well, and waits for that. */
  refreshOnce(ref: DocumentRef, state: DocumentState | null): Promise<Found>;
  /** The same for who cannot use the stored copy: an answer that confirms it is none. */
  again(ref: DocumentRef): Promise<Found>;
}

export function createRefresh(deps: RefreshDeps): Refresh {
  const { repository, upstream, blobs, now, inService, troubles } = deps;

  async function refresh(ref: DocumentRef, state: DocumentState | null): Promise<Found> {
    try {
      const found = await ask(ref, state);
      troubles.clear(idOf(ref));
      return found;
    } catch (error) {
      throw state ? troubled(ref, error) : await refused(ref, error);
    }
  }

  async function refreshOnce(ref: DocumentRef, state: DocumentState | null): Promise<Found> {
    const turn = await awaitTurn(deps.leases, `document ${repository} ${idOf(ref)}`, () =>
      newer(ref, state),
    );
    if ("found" in turn) {
      troubles.clear(idOf(ref));
      const fwd = state ? "stale" : "uri-miss";
      return { state: turn.found, cache: { hit: false, fwd, collapsed: true } };
    }
    try {
      return await refresh(ref, state);
    } finally {
      await inService.noted();
      await turn.lease?.release();
    }
  }

  /** What another server stored or confirmed since. One that it confirmed by a clock that is behind is asked for once more. */
  async function newer(ref: DocumentRef, state: DocumentState | null) {
    const stored = await inService.read(ref);
    if (!stored || !state) return stored;
    const isNewer =
      stored.revision > state.revision ||
      (stored.revision === state.revision && stored.checkedAt > state.checkedAt);
    return isNewer ? stored : null;
  }

  /** A stored copy outlives a bug of ours that a new document brings to light; the event has its stack. */
  function troubled(ref: DocumentRef, error: unknown): Problem {
    const problem =
      error instanceof Problem
        ? error
        : (shortageOf(error) ??
          new Problem("malformed", "The new document could not be read", { cause: error }));
    if (!TROUBLES.includes(problem.kind)) return problem;
    // A login page is told once, not each time that it is shown again.
    const isNews = troubles.last(idOf(ref))?.problem.message !== problem.message;
    if (isNews && !isUndone(problem)) deps.report(troubleEvent(ref, problem, true));
    troubles.set(idOf(ref), problem, TROUBLE_IS_REMEMBERED_MS);
    return problem;
  }

  /** Nothing is stored. False bytes are told of also then; neither they, nor a no, nor what kept a thread busy is asked for again for a while. */
  async function refused(ref: DocumentRef, error: unknown): Promise<unknown> {
    if (error instanceof Problem && error.kind === "tampered") {
      deps.report(troubleEvent(ref, error, false));
      troubles.set(idOf(ref), error, TROUBLE_IS_REMEMBERED_MS);
    }
    if (error instanceof Problem && error.kind === "unfinished")
      troubles.set(idOf(ref), error, TROUBLE_IS_REMEMBERED_MS);
    if (error instanceof Problem && error.kind === "notFound")
      troubles.set(idOf(ref), error, Math.min(deps.freshnessMs, NO_IS_REMEMBERED_MS));
    return deps.absences.explain("document", [ref.kind, ref.key], error);
  }

  async function ask(ref: DocumentRef, state: DocumentState | null): Promise<Found> {
    const headers: Record<string, string> = {};
    if (ref.accept) headers["accept"] = ref.accept;
    if (state?.etag) headers["if-none-match"] = state.etag;
    else if (state?.lastModified) headers["if-modified-since"] = state.lastModified;

    const response = await upstream.fetch({ path: ref.path, headers, package: ref.package });
    const cache: CacheStatus = {
      hit: false,
      fwd: state ? "stale" : "uri-miss",
      fwdStatus: response.status,
      upstream: response.upstream,
    };
    if (response.status === 304 && state) {
      await response.discard();
      if (foundAt(ref, response) !== state.foundAt && (state.etag ?? state.lastModified) !== null)
        return ask(ref, unconfirmed(state)); // the same bytes, whose links now lead elsewhere
      return { state: confirm(ref, state, response), cache };
    }
    if (response.status === 404 || response.status === 410) {
      await response.discard();
      return { state: await vanish(ref, state, response), cache };
    }
    if (response.status !== 200) {
      await response.discard();
      throw refusal(response);
    }
    const received = await deps.intake.receive(response, deps.types[ref.kind]!.limit);
    try {
      const isSame = state?.received === received.sha256;
      if (isSame && state.foundAt === foundAt(ref, response))
        return { state: confirm(ref, state, response), cache };
      return {
        state: await accept(ref, state, response, received),
        cache: { ...cache, stored: true },
      };
    } finally {
      if ("incoming" in received) await received.incoming.abandon();
    }
  }

  /** The upstream confirmed the stored copy: only freshness moves. */
  function confirm(
    ref: DocumentRef,
    state: DocumentState,
    response: UpstreamResponse,
  ): DocumentState {
    const etag = response.headers.get("etag") ?? state.etag;
    return inService.touch(ref, state, { etag, ...fresh(response) });
  }

  /** See `DocumentRef.foundAt`. What follows a "?" may be a secret that holds for minutes. */
  function foundAt({ kind }: DocumentRef, response: UpstreamResponse): string | null {
    if (!deps.types[kind]!.isLinked || !response.isRedirected) return null;
    const { origin, pathname } = new URL(response.url);
    return origin + pathname;
  }

  function fresh({ isCurrent }: UpstreamResponse) {
    const checkedAt = now();
    // Who knows at any time whether it has changed is asked again after a restart, and not after a while.
    const freshUntil = isCurrent ? checkedAt : checkedAt + deps.freshnessMs;
    return { checkedAt, freshUntil, isCurrent };
  }

  /** The upstream says no. What was stored stays for lock files, marked as gone. */
  async function vanish(
    ref: DocumentRef,
    state: DocumentState | null,
    response: UpstreamResponse,
  ): Promise<DocumentState> {
    const host = response.upstream;
    const no = new Problem("notFound", `${nameOf(ref)} is not known to the upstream ${host}`);
    if (!state) throw no;
    if (deps.isFollower) {
      await inService.drop(ref);
      throw no;
    }
    const observed = await deps.observe(ref, state, [], host);
    const kept = await inService.change(
      ref,
      (before) =>
        before && {
          ...before,
          received: null, // the same bytes would be news: the files are back
          etag: null,
          lastModified: null,
          upstream: host,
          overlay: withLearned(observed, before.overlay),
          ...fresh(response),
        },
    );
    if (!kept) throw no;
    return kept;
  }

  async function accept(
    ref: DocumentRef,
    state: DocumentState | null,
    response: UpstreamResponse,
    received: Received,
  ): Promise<DocumentState> {
    const host = response.upstream;
    const at = { foundAt: foundAt(ref, response) };
    const here = placed(ref, at);
    const taken = await deps.intake.ingest(here, response, received).catch((error) => {
      throw notWhatWasAsked(error, ref, response);
    });
    try {
      const source = deps.open(ref, taken);
      await admit({ ref: here, source, previous: await previous(ref, state) });
      const observed = await deps.observe(ref, state, taken.facts, host);
      const first = state ? [] : await deps.firstMet(ref);
      let events: RepositoryEvent[] = [];
      const accepted = await inService.change(
        ref,
        (before) => {
          const { told, ...news } = tellSkipped(ref, host, taken.skipped, before?.skipped ?? []);
          events = before ? news.events : [...first, ...news.events];
          return {
            received: received.sha256,
            blob: taken.blob,
            size: taken.size,
            storedSize: taken.storedSize,
            etag: response.headers.get("etag"),
            lastModified: response.headers.get("last-modified"),
            upstream: host,
            ...at,
            overlay: withLearned(observed, before?.overlay ?? {}),
            skipped: told,
            ...fresh(response),
          };
        },
        async (sql) => {
          for (const event of events) await deps.storeEvent(sql, event);
          if (!state) await forgetAbsence(sql, repository, "document", [ref.kind, ref.key]);
        },
      );
      for (const event of events) deps.announce(event);
      return taken.source ? { ...accepted!, source: taken.source } : accepted!;
    } finally {
      taken.letGo();
    }
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
    if (!deps.admit || !state || !(await blobs.stat(state.blob))) return null;
    return { ref: placed(ref, state), source: deps.open(ref, state), overlay: state.overlay };
  }

  return {
    refresh,
    refreshOnce: deps.leases.hasOthers ? refreshOnce : refresh,
    async again(ref) {
      const state = await inService.find(ref);
      return ask(ref, state && unconfirmed(state));
    },
  };
}

/** A state that no answer confirms. */
function unconfirmed(state: DocumentState): DocumentState {
  return { ...state, received: null, etag: null, lastModified: null };
}

/** What the bytes of fetched files told stays known, also of those that a document no longer names. */
function withLearned(observed: Overlay, before: Overlay): Overlay {
  const overlay: Overlay = Object.assign(Object.create(null), observed); // a file may be called __proto__
  for (const [file, entry] of Object.entries(before)) {
    if (entry.state === "fetched") overlay[file] ??= entry;
    const shown = overlay[file];
    if (shown?.integrity === null) overlay[file] = { ...shown, integrity: entry.integrity };
  }
  return overlay;
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

/** What people call the document: its package, or what of it was asked for when its key says more. */
function nameOf({ package: name, key }: DocumentRef): string {
  return key.startsWith(name) ? key : name;
}
