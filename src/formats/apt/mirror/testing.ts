// For the tests of operations: a repository that keeps everything in memory, with an upstream that is a list of files.

import { createHash } from "node:crypto";
import type { Artifact, StoredArtifactRow } from "../../../core/artifact.ts";
import type { Candidate, DocumentRef, DocumentType, Source } from "../../../core/document.ts";
import type { RepositoryEvent } from "../../../core/event.ts";
import { compareIntegrity, integrityFromHex } from "../../../core/integrity.ts";
import type { OperationCall } from "../../../core/operation.ts";
import { Problem } from "../../../core/problem.ts";
import type { Repository } from "../../../core/repository.ts";
import type { StoredBytes, Task, Turn } from "../../../core/task.ts";
import { unexpectedParts } from "../../../core/testkit.ts";

export const HOUR = 3_600_000;

export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export interface FakeSettings<Options> {
  options: Options;
  documents: Record<string, DocumentType>;
  tasks: Record<string, Task>;
  admit?(candidate: Candidate, repository: Repository<Options>): Promise<void>;
}

export interface FakeRepository<Options> extends Repository<Options> {
  /** The upstream's files by path, encoded. A Problem is thrown instead. */
  upstream: Map<string, Uint8Array | string | Problem>;
  /** Paths that the upstream was asked for files, in order. */
  asked: string[];
  /** Called before each file is fetched. */
  beforeFetch(path: string): void | Promise<void>;
  /** Called with the turn of each task that writes a file. */
  beforeDerive(turn: Turn | undefined): void;
  rows: StoredArtifactRow[];
  pins: Map<string, string>;
  blobs: Map<string, Uint8Array>;
  inService: Map<string, Uint8Array>;
  values: Map<string, { bytes: Uint8Array; at: number }>;
  events: RepositoryEvent[];
  clock: number;
}

export function fakeRepository<Options>({
  options,
  documents,
  tasks,
  admit,
}: FakeSettings<Options>): FakeRepository<Options> {
  const never = (what: string) => async (): Promise<never> => {
    throw new Error(`${what} is not part of this test`);
  };
  const models = new Map<string, unknown>();

  /** The upstream's answer for a path. */
  function answer(path: string): Uint8Array {
    const found = fake.upstream.get(path);
    if (found === undefined) throw new Problem("notFound", `The upstream has no ${path}`);
    if (found instanceof Problem) throw found;
    return Buffer.from(found);
  }

  async function modelOf<T>(ref: DocumentRef, bytes: Uint8Array): Promise<T> {
    const key = `${ref.kind}/${ref.key}/${sha256(bytes)}`;
    const type = documents[ref.kind]!;
    if (!models.has(key)) {
      await type.facts(sourceOf(bytes), ref);
      models.set(key, await type.model!({ ref, source: sourceOf(bytes) }));
    }
    return models.get(key) as T;
  }

  function bytesOf(files: string[]): StoredBytes[] {
    return files.map((file) => {
      const bytes = fake.blobs.get(file);
      if (!bytes) throw new Problem("notFound", `${file} is not stored`);
      return storedBytes(bytes);
    });
  }

  const fake: FakeRepository<Options> = {
    name: "debian",
    options,
    upstream: new Map(),
    asked: [],
    rows: [],
    pins: new Map(),
    blobs: new Map(),
    inService: new Map(),
    values: new Map(),
    events: [],
    clock: Date.UTC(2026, 1, 1),
    beforeFetch: () => {},
    beforeDerive: () => {},
    claims: () => false,
    hasUpstreams: true,
    mayBlock: false,
    withheld: async () => ({}),
    claimPatterns: [],
    secret: unexpectedParts.secret,
    heard: unexpectedParts.heard,
    catchUp: unexpectedParts.catchUp,
    accounts: unexpectedParts.accounts,
    sources: unexpectedParts.sources,
    advisories: unexpectedParts.advisories,
    hosting: unexpectedParts.hosting,
    refuseClaimed: () => {},
    view: never("view"),
    async read(ref, view) {
      const bytes = fake.inService.get(`${ref.kind}/${ref.key}`);
      if (!bytes) throw new Problem("notFound", `${ref.path} is not stored`);
      const document = { ref, source: sourceOf(bytes), overlay: {} };
      const parts: Uint8Array[] = [];
      for await (const part of documents[ref.kind]!.render(document, view))
        parts.push(Buffer.from(part));
      return { bytes: Buffer.concat(parts), cache: { hit: true } };
    },
    artifact: never("artifact"),
    async known(name, file) {
      const row = fake.rows.find((row) => row.package === name && row.file === file);
      if (!row) return null;
      const { version, sha256: digest, size } = row;
      return { file, version, integrity: null, sha256: digest, digests: null, size, gone: false };
    },
    files: never("files"),
    ask: never("ask"),
    now: () => fake.clock,
    report: (event) => void fake.events.push(event),

    async model<T>(ref: DocumentRef, which = "fresh") {
      const key = `${ref.kind}/${ref.key}`;
      const old = fake.inService.get(key);
      let detail: "unreachable" | "tampered" | "malformed" | undefined;
      if (which === "now" || !old)
        try {
          const bytes = answer(ref.path);
          await modelOf(ref, bytes);
          const source = sourceOf(bytes);
          const previous = old ? { ref, source: sourceOf(old), overlay: {} } : null;
          if (!old || sha256(old) !== sha256(bytes)) await admit?.({ ref, source, previous }, fake);
          fake.inService.set(key, bytes);
        } catch (error) {
          if (!old || !(error instanceof Problem)) throw error;
          if (error.kind !== "notFound") detail = error.kind as "unreachable";
        }
      const bytes = fake.inService.get(key)!;
      return {
        model: await modelOf<T>(ref, bytes),
        digest: sha256(bytes),
        changedAt: fake.clock,
        cache: { hit: which !== "now", ...(detail && { detail }) },
      };
    },

    async fetch(artifact: Artifact, pace) {
      const old = fake.rows.find(
        ({ package: name, file }) => name === artifact.package && file === artifact.file,
      );
      // Lost from disk, it is fetched again.
      if (old && fake.blobs.has(old.sha256))
        return { sha256: old.sha256, size: old.size, isNew: false };
      let bytes: Uint8Array | undefined;
      let no: unknown;
      for (const path of [artifact.path, ...(artifact.otherPaths ?? [])]) {
        if (path === null) continue;
        await fake.beforeFetch(path);
        fake.asked.push(path);
        try {
          bytes = answer(path);
          break;
        } catch (error) {
          no = error;
        }
      }
      if (!bytes) throw no;
      pace?.(bytes.length);
      const digest = sha256(bytes);
      const expected = (await artifact.integrity?.()) ?? null;
      if (compareIntegrity(expected, integrityFromHex("sha256", digest)) === "different")
        throw new Problem(
          artifact.isMoving ? "malformed" : "tampered",
          `${artifact.path} is not what was expected`,
        );
      const pin = fake.pins.get(artifact.file);
      if (pin && pin !== digest)
        throw new Problem("tampered", `${artifact.path} is not what was seen first`);
      fake.pins.set(artifact.file, digest);
      fake.blobs.set(digest, bytes);
      if (!old)
        fake.rows.push({
          package: artifact.package,
          version: artifact.version,
          file: artifact.file,
          sha256: digest,
          size: bytes.length,
          fetchedAt: fake.clock,
        });
      return { sha256: digest, size: bytes.length, isNew: true };
    },

    async work<T>(task: string, given: unknown, files: string[]) {
      const options = JSON.parse(JSON.stringify(given));
      const result = await tasks[task]!({ options, files: bytesOf(files), write: never("write") });
      return JSON.parse(JSON.stringify(result ?? null)) as T;
    },

    async derive(task, given, files, turn) {
      fake.beforeDerive(turn);
      turn?.signal?.throwIfAborted();
      const options = JSON.parse(JSON.stringify(given));
      const parts: Uint8Array[] = [];
      const write = async (chunk: Uint8Array | string) => void parts.push(Buffer.from(chunk));
      await tasks[task]!({ options, files: bytesOf(files), write });
      return { ...storedBytes(Buffer.concat(parts)), close: async () => {} };
    },

    stored: async (name) =>
      fake.rows
        .filter((row) => name === undefined || row.package === name)
        .map((row) => ({ ...row })),

    pinned: async (_, file) => fake.pins.get(file) ?? null,

    async remove(files) {
      const gone = fake.rows.filter((row) =>
        files.some(({ package: name, file }) => name === row.package && file === row.file),
      );
      fake.rows = fake.rows.filter((row) => !gone.includes(row));
      return { files: gone.length, bytes: gone.reduce((sum, { size }) => sum + size, 0) };
    },

    async keep(key, bytes) {
      fake.values.set(key, { bytes, at: fake.clock });
    },
    async swap(key, bytes, previous) {
      const before = fake.values.get(key)?.bytes ?? Buffer.of();
      if (Buffer.compare(before, previous ?? Buffer.of()) !== 0) return false;
      fake.values.set(key, { bytes, at: fake.clock });
      return true;
    },
    explain: async (_key, error) => error,
    kept: async (key) => fake.values.get(key) ?? null,
    documents: async (kind, text) =>
      [...fake.inService.keys()]
        .filter((key) => key.startsWith(`${kind}/`) && key.includes(text))
        .map((key) => key.slice(kind.length + 1))
        .sort(),
  };
  return fake;
}

function sourceOf(bytes: Uint8Array): Source {
  return {
    size: bytes.length,
    async *chunks() {
      yield bytes;
    },
    text: async () => Buffer.from(bytes).toString(),
    json: async () => JSON.parse(Buffer.from(bytes).toString()),
  };
}

function storedBytes(bytes: Uint8Array): StoredBytes {
  return {
    size: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
    async *chunks() {
      yield bytes;
    },
  };
}

/** A call that writes down what it is told. */
export function fakeCall(...flags: string[]): OperationCall & {
  lines: string[];
  bar: [done: number, total: number, note: string][];
  stop: AbortController;
} {
  const stop = new AbortController();
  const lines: string[] = [];
  const bar: [number, number, string][] = [];
  return {
    lines,
    bar,
    stop,
    flags: new Set(flags),
    signal: stop.signal,
    say: (line) => void lines.push(line),
    progress: (done, total, note) => void bar.push([done, total, note]),
  };
}
