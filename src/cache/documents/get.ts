// Mutable resources: packuments, project pages, version lists. Freshness, revalidation and stale-if-error for every format.
import type { Artifact } from "../../core/artifact.ts";
import type { DocumentRef, Source } from "../../core/document.ts";
import type { Integrity } from "../../core/integrity.ts";
import { Problem } from "../../core/problem.ts";
import type { CacheStatus } from "../../core/reply.ts";
import type { Changes } from "../../store/changes.ts";
import { fileSource } from "../../store/source.ts";
import { createCollapse } from "../collapse.ts";
import { localOf } from "../local.ts";
import { createInService } from "./in-service.ts";
import { createIntake, type IntakeDeps } from "./intake.ts";
import { createLearn } from "./learn.ts";
import { createObserver, type ObserverDeps } from "./observe.ts";
import { createRefresh, type Found, type RefreshDeps } from "./refresh.ts";
import { type DocumentState, idOf } from "./state.ts";
import { createTroubles } from "./troubles.ts";

export type { Found } from "./refresh.ts";

/** How long clients wait for news of something that is stored here, from when the upstream was asked. */
const PATIENCE_MS = 1000;

/** So far may the clocks of servers on one database be apart. */
const CLOCKS_APART_MS = 120_000;

export type DocumentDeps = Omit<
  IntakeDeps & ObserverDeps & RefreshDeps,
  "inService" | "troubles" | "intake" | "observe" | "open"
> & {
  changes: Changes;
  /** In place of the second that clients wait for news. For tests, which are not to depend on how busy the machine is. */
  patienceMs?: number;
};

/** What is needed of a state to read its bytes. */
export type OpenState = Pick<DocumentState, "blob" | "size" | "source" | "isHosted">;

export interface Documents {
  /**
   * The stored document: fresh, or refreshed, or stale when the upstream cannot be asked or takes over a second.
   * `notBefore`: a copy that was confirmed earlier than that is refreshed first, however long it takes. Throws Problem("notFound") when the upstream
   * says no, or said so last and cannot be asked now; and the reason when it cannot be asked and nothing is stored.
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
  open(ref: DocumentRef, state: OpenState): Source;
  /** The same as a gzip file on this machine. */
  local(ref: DocumentRef, state: DocumentState): Promise<string>;
}

export function createDocuments(deps: DocumentDeps): Documents {
  const { upstream, blobs, now, freshnessMs, patienceMs = PATIENCE_MS } = deps;
  const inService = createInService(deps);
  const troubles = createTroubles(now);
  const refreshes = createCollapse<Found>();
  const { refresh, refreshOnce, again } = createRefresh({
    ...deps,
    inService,
    troubles,
    intake: createIntake(deps),
    observe: createObserver({ ...deps, open }),
    open,
  });

  async function get(ref: DocumentRef, notBefore = 0): Promise<Found> {
    const id = idOf(ref);
    const isGood = (one: DocumentState) => one.checkedAt >= notBefore && isLasting(one);
    const known = await inService.find(ref);
    if (known && isGood(known)) return { state: known, cache: { hit: true } };
    const state = known && (await inService.later(ref, known));
    if (state && isGood(state)) return { state, cache: { hit: true } };
    const isOurs = state !== null && state.checkedAt >= notBefore;

    const away = state && upstream.unavailable();
    if (away) return stale(state, { hit: true, detail: away });
    const trouble = troubles.standing(id, notBefore);
    if (trouble && !state) throw trouble.problem;
    if (trouble) return stale(state!, { hit: true, detail: detailOf(trouble.problem) });

    // What others were answered before `notBefore` is no news to who asks for later ones.
    const ask = notBefore > 0 ? refresh : refreshOnce;
    const { result, collapsed, forMs } = refreshes.run(id, () => ask(ref, state));
    if (!state) {
      const found = await result;
      return collapsed ? { ...found, cache: { ...found.cache, collapsed } } : found;
    }
    // Who asks for news is not helped by an old copy, however long the news take.
    return Promise.race(isOurs ? [result, patience(patienceMs - forMs)] : [result]).then(
      (found) => found ?? stale(state, { hit: false, fwd: "stale", detail: "slow" }),
      (error) => {
        if (!(error instanceof Problem) || error.kind === "notFound") throw error;
        return stale(state, { hit: false, fwd: "stale", detail: detailOf(error) });
      },
    );
  }

  /** An end that is further off than it can have been set, here or by a server whose clock is ahead, was set before the clock was put back. */
  function isLasting({ freshUntil, isCurrent }: DocumentState): boolean {
    if (isCurrent) return isCurrent();
    const left = freshUntil - now();
    return left > 0 && left <= freshnessMs + (deps.changes.isShared ? CLOCKS_APART_MS : 0);
  }

  function stale(state: DocumentState, cache: CacheStatus): Found {
    const age = Math.max(0, Math.round((now() - state.checkedAt) / 1000));
    return { state, cache: { ...cache, age } };
  }

  async function stored(ref: DocumentRef): Promise<Found> {
    const state = await inService.find(ref);
    return state ? { state, cache: { hit: true } } : get(ref);
  }

  function open(
    ref: DocumentRef,
    { blob, size, source }: Pick<DocumentState, "blob" | "size" | "source">,
  ): Source {
    return (
      source ?? fileSource(() => localOf(blobs, blob), "gzip", size, deps.types[ref.kind]!.limit)
    );
  }

  return {
    get,
    stored,
    open,
    local: (_ref, state) => localOf(blobs, state.blob),
    again: (ref) => refreshes.run(`${idOf(ref)}\0again`, () => again(ref)).result,
    learn: createLearn({ ...deps, inService }),
    isFresh: (ref, state) => inService.isNewest(ref, state) && isLasting(state),
  };
}

type Detail = NonNullable<CacheStatus["detail"]>;

function detailOf({ kind }: Problem): Detail {
  return kind as Detail;
}

/** Who comes later to a refresh that is under way does not wait as long as who began it. */
function patience(milliseconds: number): Promise<null> {
  return new Promise((resolve) => {
    setTimeout(resolve, Math.max(0, milliseconds), null);
  });
}
