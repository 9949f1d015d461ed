// One configured repository: the only way from a format to the network and the disk.
import { gunzipSync } from "node:zlib";
import type { DocumentRef, DocumentType, ViewRequest } from "../core/document.ts";
import type { AnyFormat, Service } from "../core/format.ts";
import type { Action, Grant } from "../core/grant.ts";
import { isUndone, Problem } from "../core/problem.ts";
import type { CacheStatus, Reply } from "../core/reply.ts";
import type { Repository, UnboundRepository } from "../core/repository.ts";
import type { Turn } from "../core/task.ts";
import type { Upstream } from "../core/upstream.ts";
import type { Events } from "../ledger/events.ts";
import { readPin } from "../ledger/pins.ts";
import type { Blobs } from "../store/blobs.ts";
import type { Changes } from "../store/changes.ts";
import type { Database } from "../store/database.ts";
import { hashFile } from "../store/sink.ts";
import type { ViewFiles } from "../store/view-files.ts";
import type { Transform } from "../worker/job.ts";
import { createAbsences } from "./absences.ts";
import { knownFile, knownFiles, listStored } from "./artifact-rows.ts";
import { createArtifacts, type StoredArtifact } from "./artifacts.ts";
import { createAsk } from "./ask.ts";
import { createDocuments, type Found } from "./documents/get.ts";
import { createModels } from "./documents/models.ts";
import { listDocuments } from "./documents/rows.ts";
import type { DocumentState } from "./documents/state.ts";
import { createViews, type View } from "./documents/views.ts";
import { createDoor } from "./door.ts";
import { JUST_NOW_MS } from "./expect.ts";
import { createKept } from "./kept.ts";
import { localOf } from "./local.ts";
import type { Lru } from "./lru.ts";
import type { Naming } from "./named.ts";
import { createRepackCheck } from "./repacked.ts";
import type { Soundness } from "./soundness.ts";
import { createTasks } from "./tasks.ts";

export interface RepositorySettings {
  name: string;
  options: unknown;
  claims: string[];
  freshnessMs: number;
}

/** What all repositories of a server share. */
export interface Shared {
  views: ViewFiles;
  blobs: Blobs;
  database: Database;
  changes: Changes;
  naming: Naming;
  soundness: Soundness;
  events: Events;
  transform: Transform;
  viewMemory: Lru<{ digest: string; view: View }>;
  artifactMemory: Lru<StoredArtifact>;
  /** What the server itself may. */
  ownGrant: Grant;
  now(): number;
}

type Detail = NonNullable<CacheStatus["detail"]>;

/** A repository, and its format at work on it. */
export interface Mounted {
  format: AnyFormat;
  repository: UnboundRepository;
  service: Service;
}

export function createRepository(
  settings: RepositorySettings,
  format: AnyFormat,
  upstream: Upstream,
  shared: Shared,
): Mounted {
  const { name, options } = settings;
  const { database, blobs, now } = shared;
  const door = createDoor(name, settings.claims, format.spell);
  const transform: Transform = (job, call) => shared.transform(job, { ...call, repository: name });
  const report: Repository["report"] = (event) => shared.events.report(name, event);
  const bound = new WeakMap<Grant, Repository>();
  const values = createKept({ repository: name, database, now });
  const repository: UnboundRepository = {
    name,
    options,
    report,
    now,
    claimPatterns: settings.claims,
    claims: (packageName) => door.whose(packageName) === "claimed",
    ask: (question) => boundTo(shared.ownGrant).ask(question),
    ...values,
    for: boundTo,
  };
  const service: Service = format.mount(repository);
  const absences = createAbsences({
    repository: name,
    database,
    unavailable: () => upstream.unavailable(),
    now,
  });
  const common = {
    repository: name,
    absences,
    types: format.documents,
    upstream,
    blobs,
    database,
    changes: shared.changes,
    naming: shared.naming,
    transform,
    report,
    now,
  };
  const documents = createDocuments({
    ...common,
    format: format.name,
    freshnessMs: settings.freshnessMs,
    storeEvent: (sql, event) => shared.events.store(sql, name, event),
    announce: (event) => shared.events.announce(name, event),
    hasDigests: (format.alsoPinned ?? []).length > 0,
    repacked: format.contentDigest ? createRepackCheck({ ...common, format }) : null,
    admit: service.admit
      ? (candidate) => service.admit!(candidate, boundTo(shared.ownGrant))
      : null,
  });
  const models = createModels({ types: format.documents, documents, isSound, now });
  const tasks = createTasks({
    repository: name,
    format: format.name,
    blobPath: (sha256) => localOf(blobs, sha256),
    files: shared.views,
    transform,
  });
  const views = createViews({
    repository: name,
    format: format.name,
    types: format.documents,
    documents,
    files: shared.views,
    blobPath: (sha256) => localOf(blobs, sha256),
    transform,
    memory: shared.viewMemory,
    now,
  });
  const artifacts = createArtifacts({
    ...common,
    soundness: shared.soundness,
    format,
    documents,
    memory: shared.artifactMemory,
  });

  const ask = createAsk(upstream, absences);

  async function find(ref: DocumentRef, view: ViewRequest): Promise<{ found: Found; view: View }> {
    const found = await documents.get(ref);
    try {
      return { found, view: await views.get(ref, found.state, view) };
    } catch (error) {
      if (error instanceof Problem && error.kind === "notFound")
        return lookAgain(ref, view, found, error);
      if (isUndone(error) || (await isSound(found.state))) throw error;
      const fetched = await documents.again(ref);
      return { found: fetched, view: await views.get(ref, fetched.state, view) };
    }
  }

  /** What the document lacks may exist by now: only an upstream that was just asked can say no. */
  async function lookAgain(ref: DocumentRef, view: ViewRequest, found: Found, no: Problem) {
    const part = [ref.kind, ref.key, view.variant];
    if (found.cache.detail) throw await unsure(part, no, found.cache.detail);
    const notBefore = now() - JUST_NOW_MS;
    if (found.state.checkedAt >= notBefore) throw await absences.explain("view", part, no);
    const newer = await documents.get(ref, notBefore);
    if (newer.cache.detail) throw await unsure(part, no, newer.cache.detail);
    if (newer.state.digest === found.state.digest) throw await absences.explain("view", part, no);
    return { found: newer, view: await views.get(ref, newer.state, view) };
  }

  /** The copy that lacks it could not be brought up to date. */
  async function unsure(part: string[], no: Problem, detail: Detail): Promise<unknown> {
    const reason = new Problem(
      detail === "slow" ? "unreachable" : detail,
      `${no.message}, as far as is stored here, and the upstream cannot be asked`,
    );
    return detail === "slow" ? reason : absences.explain("view", part, reason);
  }

  async function isSound({ blob, storedSize }: DocumentState): Promise<boolean> {
    const path = (await blobs.stat(blob))?.size === storedSize ? await blobs.local(blob) : null;
    return path !== null && (await hashFile(path)) === blob;
  }

  async function view(
    ref: DocumentRef,
    request: ViewRequest,
    headers: Record<string, string>,
  ): Promise<Reply> {
    const { found, view } = await find(ref, request);
    const reply = viewReply(view, headers, found, format.documents[ref.kind]!);
    const { state } = found; // another object after each revalidation
    if (reply.isShared)
      reply.isCurrent = () => documents.isFresh(ref, state) && views.isTrusted(view);
    return reply;
  }

  async function read(ref: DocumentRef, request: ViewRequest) {
    const { found, view } = await find(ref, request);
    const packed =
      view.body instanceof Uint8Array ? view.body : await blobs.readFile(view.body.path);
    return { bytes: gunzipSync(packed), cache: found.cache };
  }

  function boundTo(grant: Grant): Repository {
    let made = bound.get(grant);
    if (!made) {
      made = bind(grant);
      bound.set(grant, made);
    }
    return made;
  }

  /** Each function asks at the door, and only then does what it is for. */
  function bind(grant: Grant): Repository {
    /** What comes from upstream, or once did. */
    const enter = (packageName: string | null) => door.enter(grant, packageName);
    /** What the catalog tells, of private names as well. */
    const permit = (action: Action, packageName: string | null) =>
      door.permit(grant, action, packageName);
    return {
      name,
      options,
      report,
      now,
      claims: repository.claims,
      claimPatterns: settings.claims,
      refuseClaimed: enter,
      async view(ref, request, headers) {
        enter(ref.package);
        return view(ref, request, headers);
      },
      async read(ref, request) {
        enter(ref.package);
        return read(ref, request);
      },
      async model<T>(ref: DocumentRef, which: "fresh" | "stored" | "now" = "fresh") {
        enter(ref.package);
        return models.get<T>(ref, which);
      },
      async artifact(artifact, request) {
        enter(artifact.package);
        return artifacts.open(artifact, request);
      },
      async fetch(artifact, pace) {
        enter(artifact.package);
        return artifacts.fetch(artifact, pace);
      },
      async ask(question) {
        enter(question.package);
        return ask(question);
      },
      async known(packageName, file) {
        permit("read", packageName);
        return knownFile(database.read, { repository: name, package: packageName, file });
      },
      async files(packageName) {
        permit("read", packageName);
        return knownFiles(database.read, name, packageName);
      },
      async stored(packageName) {
        permit("read", packageName ?? null);
        const rows = await listStored(database.read, name, packageName ?? null);
        return rows.filter((row) => grant.may(name, "read", row.package));
      },
      async pinned(packageName, file) {
        permit("read", packageName);
        const key = { repository: name, package: packageName, file };
        return (await readPin(database.read, key))?.sha256 ?? null;
      },
      async documents(kind, text, limit) {
        permit("read", null);
        const mayRead = (packageName: string) => grant.may(name, "read", packageName);
        return listDocuments(database.read, name, kind, text, limit, mayRead);
      },
      async remove(files) {
        for (const file of files) permit("admin", file.package);
        return artifacts.remove(files);
      },
      async work<T>(task: string, options: unknown, files: string[], turn?: Turn) {
        permit("read", null);
        return tasks.work<T>(task, options, files, turn);
      },
      async derive(task, options, files, turn) {
        permit("read", null);
        return tasks.derive(task, options, files, turn);
      },
      async explain(key, error) {
        permit("read", null);
        return absences.explain("format", [key], error);
      },
      async keep(key, bytes, how) {
        permit("read", null);
        return values.keep(key, bytes, how);
      },
      async kept(key) {
        permit("read", null);
        return values.kept(key);
      },
      async swap(key, bytes, previous) {
        permit("read", null);
        return values.swap(key, bytes, previous);
      },
    };
  }

  return { format, repository, service };
}

/** Hits are answered with one reply for all, so that http/ prepares it once. */
function viewReply(
  view: View,
  headers: Record<string, string>,
  { cache, state }: Found,
  type: DocumentType,
): Reply {
  const isPlainHit = cache.hit && !cache.detail;
  if (isPlainHit && view.hit && sameHeaders(view.hit.headers, headers)) return view.hit;
  const { body, etag } = view;
  const reply: Reply =
    type.isPlain && body instanceof Uint8Array
      ? { status: 200, headers, body: gunzipSync(body), etag, ranges: true, cache }
      : { status: 200, headers, body, encoding: "gzip", etag, cache };
  if (type.isDated) reply.lastModified = state.changedAt;
  if (isPlainHit) {
    reply.isShared = true;
    view.hit = reply;
  }
  return reply;
}

function sameHeaders(a: Record<string, string>, b: Record<string, string>): boolean {
  if (a === b) return true;
  for (const name in a) if (a[name] !== b[name]) return false;
  for (const name in b) if (!(name in a)) return false;
  return true;
}
