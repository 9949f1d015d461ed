// Mutable resources: packuments, project pages, version lists. Freshness, revalidation and stale-if-error for every format.
import { createHash } from "node:crypto";
import type {
  DocumentRef,
  DocumentType,
  Fact,
  Overlay,
  RepositoryEvent,
  Source,
} from "../core/format.ts";
import { cannotAsk, Problem } from "../core/problem.ts";
import type { CacheStatus } from "../core/reply.ts";
import type { Unavailable, Upstream, UpstreamResponse } from "../core/upstream.ts";
import { type Change, type KnownFacts, readFacts, reconcile, writeFacts } from "../ledger/facts.ts";
import type { Blobs, Incoming } from "../store/blobs.ts";
import type { Database } from "../store/database.ts";
import { gzip } from "../store/sink.ts";
import { fileSource, gunzipUpTo, memorySource } from "../store/source.ts";
import { createCollapse } from "./collapse.ts";
import { forgetBytes, readDocument, touchDocument, writeDocument } from "./document-rows.ts";
import { createLru } from "./lru.ts";
import type { Transform } from "./transform.ts";

/** How long a client waits for news of something that is stored here. */
const PATIENCE_MS = 1000;
/** How long a "no" is remembered at most. A name may be published at any time. */
const NO_IS_REMEMBERED_MS = 60_000;
/** How long a bad answer (login page, refusal) is not asked for again while a good copy is stored. */
const TROUBLE_IS_REMEMBERED_MS = 30_000;
/** Documents above this are parsed in the worker, so that none holds up the loop. Bytes, uncompressed. */
export const INLINE_LIMIT = 400 * 1024;
const MEMORY_LIMIT = 128 * 1024;
const STATES_IN_MEMORY = 20_000;

export interface DocumentState {
  status: 200 | 404;
  received: string | null;
  blob: string | null;
  size: number;
  storedSize: number;
  etag: string | null;
  lastModified: string | null;
  upstream: string;
  overlay: Overlay;
  /** Changes whenever a view of it may change. */
  digest: string;
  checkedAt: number;
  freshUntil: number;
  changedAt: number;
  /** Why the last refresh brought nothing, and until when that is not tried again. In memory only. */
  trouble?: { detail: NonNullable<CacheStatus["detail"]>; until: number };
  /** The parsed document, while the request that fetched it still needs it. */
  source?: Source;
}

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
  database: Database;
  transform: Transform;
  freshnessMs: number;
  report(event: RepositoryEvent): void;
  now(): number;
}

export interface Documents {
  /**
   * The stored document: fresh, or refreshed, or stale when the upstream cannot be asked or takes over a second.
   * `notBefore`: a copy that was confirmed earlier than that is refreshed first. Throws Problem("notFound") when the upstream
   * says no, and the reason when it cannot be asked and nothing is stored.
   */
  get(ref: DocumentRef, notBefore?: number): Promise<Found>;
  /** Forgets a copy whose bytes are lost or altered on disk, so that it is fetched again. */
  forget(ref: DocumentRef): Promise<void>;
  /** The bytes of a stored document. */
  open(ref: DocumentRef, state: DocumentState): Source;
}

type Received = { bytes: Uint8Array; sha256: string } | { incoming: Incoming; sha256: string };

export function createDocuments(deps: DocumentDeps): Documents {
  const { repository, upstream, blobs, database, now } = deps;
  const states = createLru<DocumentState>(STATES_IN_MEMORY);
  const refreshes = createCollapse<Found>();

  async function get(ref: DocumentRef, notBefore = 0): Promise<Found> {
    const id = `${ref.kind}\0${ref.key}`;
    const state = states.get(id) ?? (await load(id, ref));
    const isOurs = state && state.checkedAt >= notBefore;
    if (isOurs && now() < state.freshUntil) return answer(ref, { state, cache: { hit: true } });

    const stored = state?.status === 200 ? state : null;
    if (stored) {
      const away = upstream.unavailable();
      if (away) return stale(stored, { hit: true, detail: away });
      if (stored.trouble && now() < stored.trouble.until)
        return stale(stored, { hit: true, detail: stored.trouble.detail });
    }
    const { result, collapsed } = refreshes.run(id, () => refresh(id, ref, state ?? null));
    if (!stored) {
      const found = await result;
      return answer(ref, collapsed ? { ...found, cache: { ...found.cache, collapsed } } : found);
    }
    return Promise.race([result, patience()]).then(
      (found) => found ?? stale(stored, { hit: false, fwd: "stale", detail: "slow" }),
      (error) => {
        if (!cannotAsk(error)) throw error;
        return stale(stored, {
          hit: false,
          fwd: "stale",
          detail: error.kind as Unavailable & string,
        });
      },
    );
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
      if (state && error instanceof Problem && ["refused", "malformed"].includes(error.kind)) {
        const detail = error.kind as "refused" | "malformed";
        // A login page is told once, not each time that it is shown again.
        if (!state.trouble) deps.report(troubleEvent(ref, error, detail));
        state.trouble = { detail, until: now() + TROUBLE_IS_REMEMBERED_MS };
      }
      throw error;
    }
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
    const { trouble: _, ...rest } = state;
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
    const overlay = isKept ? await observe(ref, state, [], response.upstream) : {};
    const at = now();
    const gone: DocumentState = {
      ...(isKept ? state : { received: null, blob: null, size: 0, storedSize: 0 }),
      status: isKept ? 200 : 404,
      etag: null,
      lastModified: null,
      upstream: response.upstream,
      overlay,
      digest: digestOf(isKept ? state.blob : null, overlay),
      checkedAt: at,
      freshUntil:
        at + (isKept ? deps.freshnessMs : Math.min(deps.freshnessMs, NO_IS_REMEMBERED_MS)),
      changedAt: at,
    };
    await database.write((sql) => writeDocument(sql, repository, ref, gone));
    states.set(id, gone, 1);
    return gone;
  }

  async function accept(
    id: string,
    ref: DocumentRef,
    state: DocumentState | null,
    response: UpstreamResponse,
    received: Received,
  ): Promise<DocumentState> {
    const taken = await ingest(ref, response, received);
    const overlay = await observe(ref, state, taken.facts, response.upstream);
    const at = now();
    const accepted: DocumentState = {
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
      changedAt: at,
    };
    await database.write((sql) => writeDocument(sql, repository, ref, accepted));
    states.set(id, accepted, 1);
    return taken.source ? { ...accepted, source: taken.source } : accepted;
  }

  interface Taken {
    facts: Fact[];
    blob: string;
    size: number;
    storedSize: number;
    source?: Source;
  }

  /** Reads the facts and stores the bytes as gzip: here when small, in the worker when large. */
  async function ingest(
    ref: DocumentRef,
    response: UpstreamResponse,
    received: Received,
  ): Promise<Taken> {
    const encoding = response.headers.get("content-encoding") === "gzip" ? "gzip" : "identity";
    const type = deps.types[ref.kind]!;
    if ("bytes" in received) {
      const plain = encoding === "gzip" ? gunzipUpTo(received.bytes, INLINE_LIMIT) : received.bytes;
      if (plain && plain.length <= INLINE_LIMIT) {
        const source = memorySource(plain);
        const facts = await type.facts(source, ref);
        const stored = encoding === "gzip" ? received.bytes : gzip(plain);
        const blob = encoding === "gzip" ? received.sha256 : sha256(stored);
        await blobs.put(blob, stored);
        return { facts, blob, size: plain.length, storedSize: stored.length, source };
      }
    }
    const incoming = "incoming" in received ? received.incoming : await blobs.begin();
    const output = `${incoming.path}-gzip`;
    try {
      if ("bytes" in received) await incoming.write(received.bytes);
      const { facts, size, stored } = await deps.transform({
        op: "ingest",
        format: deps.format,
        ref,
        input: incoming.path,
        encoding,
        output,
      });
      if (stored.path === incoming.path) await incoming.commit(stored.sha256);
      else await blobs.adopt(stored.path, stored.sha256);
      return { facts, blob: stored.sha256, size, storedSize: stored.size };
    } finally {
      await incoming.abandon();
    }
  }

  /**
   * Holds what the document says against what was seen first, reports what changed under a fixed name, and returns what
   * views must know beyond the new document.
   */
  async function observe(
    ref: DocumentRef,
    state: DocumentState | null,
    facts: Fact[],
    host: string,
  ): Promise<Overlay> {
    const type = deps.types[ref.kind]!;
    const at = new Date(now()).toISOString();
    const result = await database.write(async (sql) => {
      const known = await readFacts(sql, repository, ref.package);
      const reconciled = reconcile(known, facts, type.complete, at);
      if (reconciled.changed) await writeFacts(sql, repository, ref.package, reconciled.facts);
      return reconciled;
    });
    for (const event of changeEvents(ref, host, result)) deps.report(event);

    const overlay = marked(result.facts, facts, type.complete, state?.overlay ?? {});
    const missing = Object.keys(overlay).filter((file) => overlay[file]!.entry === null);
    if (missing.length > 0 && state?.blob && type.extract) {
      const entries = await extract(ref, state, missing);
      for (const file of missing) overlay[file]!.entry = entries[file] ?? null;
    }
    return overlay;
  }

  async function extract(
    ref: DocumentRef,
    state: DocumentState,
    files: string[],
  ): Promise<Record<string, unknown>> {
    if (state.size <= INLINE_LIMIT)
      return deps.types[ref.kind]!.extract!(open(ref, state), ref, new Set(files));
    return deps.transform({
      op: "extract",
      format: deps.format,
      ref,
      input: blobs.path(state.blob!),
      files,
    });
  }

  async function receive(response: UpstreamResponse, limit: number): Promise<Received> {
    const hash = createHash("sha256");
    let parts: Uint8Array[] = [];
    let size = 0;
    let incoming: Incoming | null = null;
    try {
      for await (const chunk of response.body) {
        size += chunk.length;
        if (size > limit)
          throw new Problem("malformed", `The document is larger than ${limit} bytes`);
        hash.update(chunk);
        if (incoming) await incoming.write(chunk);
        else parts.push(chunk);
        if (!incoming && size > MEMORY_LIMIT) {
          incoming = await blobs.begin();
          for (const part of parts) await incoming.write(part);
          parts = [];
        }
      }
    } catch (error) {
      await incoming?.abandon();
      throw error;
    }
    const digest = hash.digest("hex");
    return incoming
      ? { incoming, sha256: digest }
      : { bytes: Buffer.concat(parts), sha256: digest };
  }

  function open(ref: DocumentRef, state: DocumentState): Source {
    return (
      state.source ??
      fileSource(blobs.path(state.blob!), "gzip", state.size, deps.types[ref.kind]!.limit)
    );
  }

  async function forget(ref: DocumentRef): Promise<void> {
    states.delete(`${ref.kind}\0${ref.key}`);
    await database.write((sql) => forgetBytes(sql, repository, ref));
  }

  return { get, forget, open };
}

function patience(): Promise<null> {
  return new Promise((resolve) => {
    setTimeout(resolve, PATIENCE_MS, null);
  });
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** What a document is known by to its views. */
export function digestOf(blob: string | null, overlay: Overlay): string {
  const marks = Object.keys(overlay).length > 0 ? sha256(Buffer.from(JSON.stringify(overlay))) : "";
  return `${blob ?? ""}${marks}`;
}

/** An answer that is neither yes nor no. 403 and 451 are how countries and licences are blocked; 401 is a missing password. */
export function refusal(response: UpstreamResponse): Problem {
  return new Problem(
    "refused",
    `Blocked by the upstream ${response.upstream}: it answered ${response.status}`,
  );
}

/** The overlay entries that the facts call for; entries that an earlier overlay has are kept. */
function marked(known: KnownFacts, named: Fact[], complete: boolean, before: Overlay): Overlay {
  const overlay: Overlay = {};
  const files = complete ? Object.keys(known) : named.map(({ file }) => file);
  for (const file of files) {
    const fact = known[file];
    if (!fact?.g && !fact?.t) continue;
    const state = fact.g ? "gone" : "tampered";
    overlay[file] = {
      state,
      version: fact.v,
      integrity: fact.i,
      since: fact.g ?? fact.t!.since,
      entry: before[file]?.entry ?? null,
    };
  }
  return overlay;
}

function* changeEvents(
  ref: DocumentRef,
  upstream: string,
  changes: { tampered: Change[]; gone: Change[]; returned: Change[] },
): Generator<RepositoryEvent> {
  for (const { file, version, first, shown } of changes.tampered)
    yield {
      kind: "tampered",
      package: ref.package,
      version,
      file,
      message: `${upstream} now shows another integrity for ${file} of ${ref.package} ${version}; clients keep the first`,
      detail: { first, shown, upstream },
    };
  yield* byVersion(
    "orphaned",
    changes.gone,
    ref,
    (what) => `${upstream} no longer has ${what}; it stays here for lock files`,
  );
  yield* byVersion("returned", changes.returned, ref, (what) => `${upstream} has ${what} again`);
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

function troubleEvent(
  ref: DocumentRef,
  problem: Problem,
  kind: "refused" | "malformed",
): RepositoryEvent {
  return {
    kind,
    package: ref.package,
    message: `${problem.message}; the copy of ${ref.package} stored before is served`,
    detail: { path: ref.path },
  };
}
