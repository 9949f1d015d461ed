// Immutable resources: tarballs, wheels, zips. `open` is the only function that reads one, on every path.
import type { Artifact, Pace, StoredFile } from "../core/artifact.ts";
import type { EventKind, RepositoryEvent } from "../core/event.ts";
import { Problem } from "../core/problem.ts";
import type { CacheStatus, Reply } from "../core/reply.ts";
import type { Request } from "../core/request.ts";
import { readPublished } from "../hosted/rows.ts";
import { type Changes, goneFile } from "../store/changes.ts";
import type { Database } from "../store/database.ts";
import type { Fill } from "../store/fill.ts";
import type { Leases } from "../store/leases.ts";
import { type Absences, forgetAbsence, isSilence } from "./absences.ts";
import { type Afar, isAfar } from "./afar.ts";
import { readStored, removeStored, writeStored } from "./artifact-rows.ts";
import type { Documents } from "./documents/get.ts";
import { type Download, type DownloadDeps, type Proven, startDownload } from "./download.ts";
import { createExpect, namedSince } from "./expect.ts";
import { type Fetching, fetchOnce } from "./fetch-once.ts";
import { isWhole, localOf } from "./local.ts";
import type { Lru } from "./lru.ts";
import type { Naming } from "./named.ts";
import { askingUpstream, isForNow, partial } from "./partial.ts";
import { Tampered } from "./prove.ts";
import { createReadAlong, type Underway } from "./relay.ts";
import type { Soundness } from "./soundness.ts";
import {
  createStoredReplies,
  headersOf,
  releaseOf,
  type StoredArtifact,
  whole,
} from "./stored-reply.ts";
import { isToBeNoted, type Uses } from "./uses.ts";
import type { WithheldOf } from "./withheld.ts";

/** A refused file is not fetched again for so long: clients retry at once, and the answer would be the same. */
const REFUSAL_IS_REMEMBERED_MS = 30_000;
const TRUSTED_MS = 1_000;
/** Losing it costs one more fetch (docs/decisions/0007-no-sync-for-fetched-bytes.md). */
const FETCHED = { durable: false };

export interface ArtifactDeps extends DownloadDeps {
  repository: string;
  database: Database;
  changes: Changes;
  naming: Naming;
  leases: Leases;
  soundness: Soundness;
  documents: Documents;
  absences: Absences;
  uses: Pick<Uses, "note">;
  /** Where clients are sent for large files; without it nowhere. */
  afar?: Afar;
  memory: Lru<StoredArtifact>;
  /** Whether the package's files are those that were published here, and no others. */
  isHosted(packageName: string): boolean;
  /** Whether they are a matter of another repository by now. */
  isElsewhere(packageName: string): boolean;
  withheld: Pick<WithheldOf, "refuse" | "stamp">;
  /** Whether that somebody reads the package's files is to be written down. */
  isPrivate(packageName: string): boolean;
  /** Told of each file that was stored. */
  stored(file: { package: string; version: string; file: string }): void;
  report(event: RepositoryEvent): void;
  now(): number;
}

/** A download under way, and how many still wait for it. */
interface Running extends Fetching<Underway, StoredArtifact> {
  followers: number;
}

export interface Artifacts {
  open(artifact: Artifact, request: Request): Promise<Reply>;
  /** Sees to it that it is stored. */
  fetch(artifact: Artifact, pace: Pace | undefined): Promise<StoredFile>;
  /** Out of the catalog, and from disk where nothing else names the bytes. */
  remove(files: { package: string; file: string }[]): Promise<{ files: number; bytes: number }>;
}

export function createArtifacts(deps: ArtifactDeps): Artifacts {
  const { repository, database, blobs, now } = deps;
  const downloads = new Map<string, Running>();
  const refusals = new Map<string, { problem: Problem; until: number }>();
  const expectation = createExpect(deps);
  const replies = createStoredReplies(deps);
  /** What was read of the catalog before a removal is not remembered after it. */
  let removals = 0;
  deps.changes.on(
    "artifact",
    (change) => {
      if (change.repository !== repository) return;
      removals += 1;
      deps.memory.delete(`${repository}\0${change.key}`);
      refusals.delete(`${repository}\0${change.key}`);
    },
    () => {
      removals += 1;
      deps.memory.clear();
      refusals.clear();
    },
  );

  const idOf = ({ package: name, file }: { package: string; file: string }) =>
    `${repository}\0${name}\0${file}`;

  async function open(artifact: Artifact, request: Request): Promise<Reply> {
    const id = idOf(artifact);
    const stored = await find(id, artifact);
    const stamp = deps.withheld.stamp(artifact.package);
    const refusal = deps.withheld.refuse(artifact, stored !== undefined);
    if (refusal) await refusal;
    const reply = stored ? await replies.of(artifact, stored, request) : null;
    if (stored && reply) {
      noteUse(artifact, stored);
      if (deps.isPrivate(artifact.package))
        reply.privateRead = {
          package: artifact.package,
          purl: artifact.purl,
          digest: stored.sha256,
        };
      else delete reply.privateRead;
      if (stored.body === null) return reply; // the next one is sent by another URL, or from here
      reply.isCurrent = () =>
        deps.memory.get(id) === stored &&
        isTrusted(stored) &&
        !deps.isElsewhere(artifact.package) &&
        deps.withheld.stamp(artifact.package) === stamp &&
        artifact.isCurrent?.() !== false;
      return reply;
    }

    refuseLost(artifact);
    const running = downloads.get(id);
    const started = running ?? start(id, artifact, request.path);
    const { stored: result } = started;
    const cache: CacheStatus = { hit: false, fwd: "uri-miss", stored: true };
    if (running) cache.collapsed = true;
    started.followers += 1;
    const left = once(() => leave(started));
    const following = isForNow(request) ? null : await started.following();
    const part =
      following?.fill.state === "running"
        ? await partial(request, following, left, askingUpstream(deps, artifact, following))
        : null;
    if (!part) return awaited(artifact, await result.finally(left), cache, request);
    return {
      ...part,
      ...releaseOf(artifact),
      headers: { ...headersOf(artifact), ...part.headers },
      cache: { ...cache, ...part.cache },
    };
  }

  /** What was stored while the client waited: here, or by another server. */
  async function awaited(
    artifact: Artifact,
    stored: StoredArtifact,
    cache: CacheStatus,
    request: Request,
  ): Promise<Reply> {
    if (stored.body !== null) return whole(artifact, stored, cache);
    const reply = await replies.of(artifact, stored, request);
    if (reply) return { ...reply, cache };
    throw new Problem("unreachable", `What another server stored of ${artifact.file} is lost`);
  }

  function noteUse({ package: name, file }: Artifact, stored: StoredArtifact): void {
    const at = now();
    if (!isToBeNoted(stored.usedAt, at)) return;
    stored.usedAt = at;
    deps.uses.note({ repository, package: name, file }, at);
  }

  async function find(id: string, artifact: Artifact): Promise<StoredArtifact | undefined> {
    const stored = (await inMemory(id)) ?? (await load(id, artifact)) ?? deps.memory.get(id);
    if (stored) return stored;
    const refused = refusals.get(id);
    // An end that is further off was set before the clock was put back.
    const left = refused ? refused.until - now() : 0;
    if (refused && left > 0 && left <= REFUSAL_IS_REMEMBERED_MS) throw refused.problem;
    refusals.delete(id);
  }

  async function fetch(artifact: Artifact, pace: Pace | undefined): Promise<StoredFile> {
    const id = idOf(artifact);
    const stored = await find(id, artifact);
    await deps.withheld.refuse(artifact, stored !== undefined);
    if (stored) return { sha256: stored.sha256, size: stored.size, isNew: false };
    refuseLost(artifact);
    const running = downloads.get(id) ?? start(id, artifact, `/${artifact.path ?? ""}`, pace);
    running.followers += 1;
    const { sha256, size } = await running.stored.finally(() => leave(running));
    return { sha256, size, isNew: true };
  }

  async function remove(files: { package: string; file: string }[]) {
    for (const { package: name } of files)
      if (deps.isHosted(name))
        throw new Problem(
          "conflict",
          `${name} is published here: what is published is unpublished`,
        );
    const gone = files.map(({ package: name, file }) => goneFile(repository, name, file));
    const removed = await database.write(async (sql) => {
      for (const change of gone) await deps.changes.note(sql, change);
      return removeStored(sql, repository, files);
    });
    for (const change of gone) deps.changes.announce(change);
    let bytes = 0;
    for (const { sha256, size } of removed.blobs)
      if (await deps.naming.remove(sha256)) bytes += size;
    return { files: removed.files, bytes };
  }

  function start(id: string, artifact: Artifact, path: string, pace?: Pace): Running {
    const isWanted = () => started.followers > 0;
    const end = () => downloads.get(id) === started && downloads.delete(id);
    const begin = () => {
      const download = startDownload(deps, artifact, expectation(artifact), { isWanted, pace });
      const stored = download.proven
        .then((proven) => keep(id, artifact, proven, download, path))
        .catch(async (error) => {
          remember(id, artifact, error);
          const following = await download.following;
          end(); // who reads along is told now, and may ask again before the rest is found out
          following?.fill.fail(error);
          throw await explain(artifact, error);
        })
        .finally(() => end());
      return { following: () => download.following, stored };
    };
    const { leases } = deps;
    const awaited = () => {
      started.followers += 1;
    };
    const fetching = leases.hasOthers ? fetchAmong(id, artifact, begin, awaited) : begin();
    fetching.stored.catch(() => {}); // every client may have left
    const started: Running = { ...fetching, followers: 0 };
    downloads.set(id, started);
    if (leases.hasOthers) fetching.stored.then(end, end); // also where another server stored it
    return started;
  }

  function fetchAmong(
    id: string,
    artifact: Artifact,
    begin: () => Fetching<Underway, StoredArtifact>,
    awaited: () => void,
  ) {
    const name = `fill ${id}`;
    const refused = (problem: Problem) => remember(id, artifact, problem);
    const along = createReadAlong({ ...deps, awaited, refused }, artifact, name);
    return fetchOnce(deps.leases, name, () => load(id, artifact), begin, along);
  }

  async function explain(artifact: Artifact, error: unknown): Promise<unknown> {
    // A no that is older than the document that names the file is not the last word.
    const since = isSilence(error) ? await namedSince(deps, artifact) : 0;
    return deps.absences.explain("file", [artifact.package, artifact.file], error, since);
  }

  /** Name first, then one transaction: a crash between the two leaves a file without a row, which `gc` finds. */
  async function keep(
    id: string,
    artifact: Artifact,
    proven: Proven,
    download: Download,
    requested: string,
  ): Promise<StoredArtifact> {
    const { sha256, size, upstream: host, bytes, incoming, digests, content } = proven;
    const following = await download.following;
    const letGo = await deps.naming.hold(sha256).catch(async (error) => {
      await incoming?.abandon();
      throw error;
    });
    let path = "";
    try {
      if (incoming) await incoming.commit(sha256, FETCHED);
      else await blobs.put(sha256, bytes!, FETCHED);
      if (!bytes) {
        path = await localOf(blobs, sha256);
        await deps.soundness.proven(sha256);
      }
      following?.fill.move(path);
      const found = { sha256, size, upstream: host, digests, content, firstSeen: now() };
      await database.write(async (sql) => {
        if (deps.isHosted(artifact.package)) throw notPublished(artifact, repository); // meanwhile
        await writeStored(sql, repository, artifact, found, requested);
        await forgetAbsence(sql, repository, "file", [artifact.package, artifact.file]);
      });
    } finally {
      letGo();
      await incoming?.abandon();
    }
    following?.fill.prove();
    // What views tell of it is worth less than the file itself, which is stored and pinned.
    if (digests) await deps.documents.learn(artifact, digests).catch(() => {});
    const stored: StoredArtifact = {
      sha256,
      size,
      body: bytes ?? { path, size },
      seenAt: now(),
      usedAt: now(),
    };
    remember200(id, isAfar(deps.afar, artifact, size) ? { ...stored, body: null } : stored);
    deps.stored(artifact);
    return stored;
  }

  function remember200(id: string, stored: StoredArtifact): void {
    deps.memory.set(id, stored, stored.body instanceof Uint8Array ? 2 * stored.size + 500 : 500);
  }

  function remember(id: string, artifact: Artifact, error: unknown): void {
    if (!(error instanceof Problem) || error.kind !== "tampered") return;
    refusals.set(id, { problem: error, until: now() + REFUSAL_IS_REMEMBERED_MS });
    if (error instanceof Tampered) {
      const { package: name, version, file } = artifact;
      deps.report({
        kind: (error.event ?? "tampered") as EventKind,
        package: name,
        version,
        file,
        message: error.message,
        detail: error.detail ?? {},
      });
    }
    for (const [key, { until }] of refusals) if (until < now()) refusals.delete(key);
  }

  /** What is known of a file is trusted for a second: it may be removed from disk by hand. */
  function isTrusted({ body, seenAt }: StoredArtifact): boolean {
    return body instanceof Uint8Array || now() - seenAt < TRUSTED_MS;
  }

  async function inMemory(id: string): Promise<StoredArtifact | null> {
    const stored = deps.memory.get(id);
    if (!stored || isTrusted(stored)) return stored ?? null;
    if (await deps.soundness.isUnchanged(stored.sha256)) {
      stored.seenAt = now();
      return stored;
    }
    deps.memory.delete(id);
    return null;
  }

  async function load(id: string, artifact: Artifact): Promise<StoredArtifact | null> {
    const { package: name, file } = artifact;
    const before = removals;
    const isHosted = deps.isHosted(name);
    const key = { repository, package: name, file };
    const fetched = isHosted ? null : await readStored(database.read, key);
    const row = isHosted ? await readPublished(database.read, key) : fetched;
    if (!row && isHosted) throw notPublished(artifact, repository);
    if (!row) return null;
    const { size } = row;
    const usedAt = fetched?.usedAt ?? null;
    // Removed or cut by hand: fetched again, and held against its pin. The row stays, for the disk may come back.
    if (!(await isWhole(blobs, row.sha256, size))) return null;
    const { sha256 } = row;
    const isSentAfar = isAfar(deps.afar, artifact, size);
    if (isSentAfar && (await blobs.stored(sha256)) === null) return null;
    const coming = isSentAfar ? null : await blobs.coming(sha256, size);
    const body = isSentAfar || coming ? null : await replies.open(sha256, size);
    if (!body && !coming && !isSentAfar) return null;
    const stored: StoredArtifact = { sha256, size, body, seenAt: now(), usedAt };
    if (coming) {
      void rememberWhole(id, stored, coming, () => removals === before);
      return { ...stored, coming };
    }
    if (removals === before) remember200(id, stored);
    return stored;
  }

  /** Once it is here: it may be asked for again when the catalog cannot be. */
  async function rememberWhole(
    id: string,
    stored: StoredArtifact,
    coming: Fill,
    isStored: () => boolean,
  ): Promise<void> {
    try {
      while (coming.state === "running") await coming.changed();
      const body = await replies.open(stored.sha256, stored.size);
      if (body && isStored()) remember200(id, { ...stored, body, seenAt: now() });
    } catch {
      // who reads along is told why
    }
  }

  /** What was published here comes from nowhere else. */
  function refuseLost({ package: name, file }: Artifact): void {
    if (!deps.isHosted(name)) return;
    throw new Problem(
      "unreachable",
      `The bytes of ${file} of ${name}, which was published here, are lost or altered: only a backup has them`,
      { rule: "hosted" },
    );
  }

  return { open, fetch, remove };
}

function notPublished({ package: name, file }: Artifact, repository: string): Problem {
  const message = `${file} of ${name} is not published in the repository ${repository}, which has published others of that name`;
  return new Problem("notFound", message, { rule: "hosted" });
}

function leave(running: Running): void {
  running.followers -= 1;
}

function once(call: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) call();
    isDone = true;
  };
}
