// Immutable resources: tarballs, wheels, zips. `open` is the only function that reads one, on every path.
import { createHash } from "node:crypto";
import type { Artifact, DocumentRef, KnownFile, RepositoryEvent, Request } from "../core/format.ts";
import { Problem } from "../core/problem.ts";
import type { CacheStatus, FileBody, Reply } from "../core/reply.ts";
import { readFacts } from "../ledger/facts.ts";
import { type FileKey, pin, readPin } from "../ledger/pins.ts";
import type { Database, Query } from "../store/database.ts";
import type { Documents } from "./documents.ts";
import { type Download, type DownloadDeps, type Proven, startDownload } from "./download.ts";
import { follow, HOLD } from "./fill.ts";
import type { Lru } from "./lru.ts";
import { bothIntegrities, type Expectation, Tampered } from "./prove.ts";

/** A refused file is not fetched again for so long: clients retry at once, and the answer would be the same. */
const REFUSAL_IS_REMEMBERED_MS = 30_000;
const TRUSTED_MS = 1_000;
/** What a just confirmed document does not name is not looked for again. */
export const JUST_NOW_MS = 5_000;

export interface StoredArtifact {
  sha256: string;
  size: number;
  /** In memory when small, else in the blob's file. */
  body: Uint8Array | FileBody;
  /** When its file was last seen to be there. */
  seenAt: number;
  /** The reply to a hit, shared by all who get it. */
  hit?: Reply;
}

export interface ArtifactDeps extends DownloadDeps {
  repository: string;
  database: Database;
  documents: Documents;
  memory: Lru<StoredArtifact>;
  report(event: RepositoryEvent): void;
  now(): number;
}

export interface Artifacts {
  open(artifact: Artifact, request: Request): Promise<Reply>;
  known(packageName: string, file: string): Promise<KnownFile | null>;
  files(packageName: string): Promise<KnownFile[]>;
}

export function createArtifacts(deps: ArtifactDeps): Artifacts {
  const { repository, database, blobs, now } = deps;
  const downloads = new Map<string, { download: Download; stored: Promise<StoredArtifact> }>();
  const refusals = new Map<string, { problem: Problem; until: number }>();

  async function open(artifact: Artifact, request: Request): Promise<Reply> {
    const id = `${repository}\0${artifact.package}\0${artifact.file}`;
    const stored = (await inMemory(id)) ?? (await load(id, artifact)) ?? deps.memory.get(id);
    if (stored) return hit(artifact, stored);

    const refused = refusals.get(id);
    if (refused && now() < refused.until) throw refused.problem;
    refusals.delete(id);

    const running = downloads.get(id);
    const { download, stored: result } = running ?? start(id, artifact, request.path);
    const cache: CacheStatus = { hit: false, fwd: "uri-miss", stored: true };
    if (running) cache.collapsed = true;
    // A part of a file cannot be proven alone: those who ask for one wait for the whole.
    const reads = request.method === "GET" && request.header("range") === null;
    const following = reads ? await download.following : null;
    if (following?.fill.state !== "running") return whole(artifact, await result, cache);
    return {
      status: 200,
      headers: headersOf(artifact),
      body: { chunks: follow(following.fill), size: following.size },
      cache,
    };
  }

  function start(id: string, artifact: Artifact, path: string) {
    const download = startDownload(deps, artifact, expectation(artifact));
    const stored = download.proven
      .then((proven) => keep(id, artifact, proven, download, path))
      .catch(async (error) => {
        remember(id, artifact, error);
        (await download.following)?.fill.fail(error);
        throw error;
      })
      .finally(() => downloads.delete(id));
    stored.catch(() => {}); // every client may have left
    const started = { download, stored };
    downloads.set(id, started);
    return started;
  }

  /** Name first, then one transaction: a crash between the two leaves a file without a row, which `gc` finds. */
  async function keep(
    id: string,
    artifact: Artifact,
    proven: Proven,
    download: Download,
    path: string,
  ): Promise<StoredArtifact> {
    const { sha256, size, upstream: host, bytes, incoming } = proven;
    const following = await download.following;
    try {
      if (incoming) await incoming.commit(sha256);
      else await blobs.put(sha256, bytes!);
      following?.fill.move(blobs.path(sha256));
      await database.write((sql) => record(sql, artifact, { sha256, size, upstream: host }, path));
    } finally {
      await incoming?.abandon();
    }
    following?.fill.prove();
    const stored: StoredArtifact = {
      sha256,
      size,
      body: bytes ?? { path: blobs.path(sha256), size },
      seenAt: now(),
    };
    remember200(id, stored);
    return stored;
  }

  async function record(
    sql: Query,
    artifact: Artifact,
    found: { sha256: string; size: number; upstream: string },
    path: string,
  ): Promise<void> {
    const at = now();
    const first = await pin(sql, keyOf(artifact), { ...found, firstSeen: at });
    if (first.sha256 !== found.sha256)
      throw new Problem(
        "tampered",
        `${artifact.file} is pinned to ${first.sha256}, not ${found.sha256}`,
      );
    await sql`INSERT INTO artifacts VALUES (${repository}, ${artifact.package}, ${artifact.file}, ${artifact.version},
      ${artifact.purl}, ${found.sha256}, ${found.size}, ${at}, ${found.upstream}, ${path}) ON CONFLICT DO NOTHING`;
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
        kind: "tampered",
        package: name,
        version,
        file,
        message: error.message,
        detail: error.detail,
      });
    }
    for (const [key, { until }] of refusals) if (until < now()) refusals.delete(key);
  }

  /** What is known of a file is trusted for a second: it may be removed from disk by hand. */
  async function inMemory(id: string): Promise<StoredArtifact | null> {
    const stored = deps.memory.get(id);
    if (!stored || stored.body instanceof Uint8Array || now() - stored.seenAt < TRUSTED_MS)
      return stored ?? null;
    if ((await blobs.stat(stored.sha256))?.size === stored.size) {
      stored.seenAt = now();
      return stored;
    }
    deps.memory.delete(id);
    return null;
  }

  async function load(id: string, artifact: Artifact): Promise<StoredArtifact | null> {
    const [row] = await database.read`SELECT sha256, size FROM artifacts
      WHERE repository = ${repository} AND package = ${artifact.package} AND file = ${artifact.file}`;
    if (!row) return null;
    const size = Number(row.size);
    const path = blobs.path(row.sha256);
    // Removed or cut by hand: fetched again, and held against its pin. The row stays, for the disk may come back.
    if ((await blobs.stat(row.sha256))?.size !== size) return null;
    const stored: StoredArtifact = {
      sha256: row.sha256,
      size,
      body: { path, size },
      seenAt: now(),
    };
    if (size <= HOLD) {
      const bytes = await blobs.read(row.sha256);
      if (createHash("sha256").update(bytes).digest("hex") !== row.sha256) return null;
      stored.body = bytes;
    }
    remember200(id, stored);
    return stored;
  }

  /** What the bytes must be: the first integrity that a document showed, what the format knows, and the pin of earlier bytes. */
  async function expectation(artifact: Artifact): Promise<Expectation> {
    const [named, own, first] = await Promise.all([
      nameOf(artifact),
      artifact.integrity?.() ?? null,
      readPin(database.read, keyOf(artifact)),
    ]);
    return {
      integrity: bothIntegrities(named.integrity, own),
      isGrown: named.isGrown,
      pin: first,
      location: named.location,
    };
  }

  /** What the documents say of the file; asks for them in order until one names it. */
  async function nameOf(artifact: Artifact): Promise<Omit<Expectation, "pin">> {
    const none = { integrity: null, isGrown: false, location: null };
    if (artifact.namedBy.length === 0) return none;
    let known = await fact(artifact);
    let reason: Problem | null = null;
    for (const ref of artifact.namedBy) {
      if (known) break;
      const asked = await ask(ref);
      if (asked && asked.kind !== "notFound") reason = asked;
      known = await fact(artifact);
    }
    if (known) return { integrity: known.i, isGrown: known.a === true, location: known.l ?? null };
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

  async function fact(artifact: Artifact) {
    const facts = await readFacts(database.read, repository, artifact.package);
    return Object.hasOwn(facts, artifact.file) ? facts[artifact.file]! : null;
  }

  function keyOf(artifact: Artifact): FileKey {
    return { repository, package: artifact.package, file: artifact.file };
  }

  async function files(packageName: string): Promise<KnownFile[]> {
    const facts = await readFacts(database.read, repository, packageName);
    const rows = await database.read`SELECT file, version, sha256, size FROM artifacts
      WHERE repository = ${repository} AND package = ${packageName}`;
    const found = new Map<string, KnownFile>();
    for (const [file, { v, i, g }] of Object.entries(facts))
      found.set(file, {
        file,
        version: v,
        integrity: i,
        sha256: null,
        size: null,
        gone: g !== undefined,
      });
    for (const row of rows) {
      const before = found.get(row.file);
      found.set(row.file, {
        file: row.file,
        version: row.version,
        integrity: before?.integrity ?? null,
        sha256: row.sha256,
        size: Number(row.size),
        gone: before?.gone ?? false,
      });
    }
    return [...found.values()];
  }

  async function known(packageName: string, file: string): Promise<KnownFile | null> {
    return (await files(packageName)).find((one) => one.file === file) ?? null;
  }

  return { open, known, files };
}

function headersOf(artifact: Artifact): Record<string, string> {
  return {
    "content-type": artifact.contentType,
    "content-disposition": "attachment", // never shown as a page of ours, under the name that it has in the URL
    "cache-control": "public, max-age=31536000, immutable",
    ...artifact.headers,
  };
}

function hit(artifact: Artifact, stored: StoredArtifact): Reply {
  // The same file is always asked for in the same way, but for formats that let a client choose the type.
  if (stored.hit?.headers["content-type"] !== artifact.contentType)
    stored.hit = { ...whole(artifact, stored, { hit: true }), isShared: true };
  return stored.hit!;
}

function whole(artifact: Artifact, stored: StoredArtifact, cache: CacheStatus): Reply {
  return {
    status: 200,
    headers: headersOf(artifact),
    body: stored.body,
    etag: stored.sha256,
    ranges: true,
    cache,
  };
}
