// Documents of packages that are published here: composed by their format from what was published, when somebody asks, and shown like fetched ones.
import { createHash } from "node:crypto";
import type { DocumentRef, DocumentType, Source } from "../../core/document.ts";
import type { HostedPackage } from "../../core/hosted.ts";
import { Problem } from "../../core/problem.ts";
import { type PackageRow, readPackageJson, readPackageRow } from "../../hosted/rows.ts";
import type { Changes } from "../../store/changes.ts";
import type { Database } from "../../store/database.ts";
import { gzip, removeFile, writeGzip } from "../../store/sink.ts";
import { memorySource, openFileSource } from "../../store/source.ts";
import type { ViewFile, ViewFiles } from "../../store/view-files.ts";
import type { Transform } from "../../worker/job.ts";
import { createCollapse } from "../collapse.ts";
import { createLru } from "../lru.ts";
import type { Documents, Found } from "./get.ts";
import { type DocumentState, INLINE_LIMIT, idOf } from "./state.ts";
import { RENDERING } from "./views.ts";

const STATES_IN_MEMORY = 20_000;
/** Composed documents that views may still be made of. Bytes. */
const SOURCES_IN_MEMORY = 16 * 1024 * 1024;
const PIECE = 256 * 1024;

export interface HostedDocumentDeps {
  repository: string;
  format: string;
  transform: Transform;
  types: Record<string, DocumentType>;
  database: Database;
  changes: Changes;
  files: ViewFiles;
}

export function createHostedDocuments(deps: HostedDocumentDeps): Omit<Documents, "learn"> {
  const { repository, database, types } = deps;
  const states = createLru<DocumentState>(STATES_IN_MEMORY);
  const sources = createLru<Source>(SOURCES_IN_MEMORY);
  const composing = createCollapse<Found>();
  /** At which turn each package was changed: what was read before a change is not remembered after it. */
  const changed = new Map<string, number>();
  let turns = 0;
  deps.changes.on(
    "hosted",
    (change) => {
      turns += 1;
      if (change.repository === repository) changed.set(change.key, turns);
    },
    () => {
      turns += 1;
      changed.clear();
      least = turns;
    },
  );
  /** Of those that were not changed since all may have been. */
  let least = 0;
  const turnOf = (name: string) => changed.get(name) ?? least;
  /** A document and what it was composed of: another one after each change. */
  const keyOf = (ref: DocumentRef) => `${idOf(ref)}\0${turnOf(ref.package)}`;

  async function get(ref: DocumentRef): Promise<Found> {
    const known = states.get(keyOf(ref));
    if (known) return { state: known, cache: { hit: true } };
    return composing.run(keyOf(ref), () => make(ref)).result;
  }

  async function make(ref: DocumentRef): Promise<Found> {
    const key = keyOf(ref);
    const row = await rowOf(ref);
    const digest = digestOf(row);
    const size = await compose(ref, row, digest);
    const state: DocumentState = {
      revision: row.revision,
      received: null,
      blob: digest,
      size,
      storedSize: size,
      etag: null,
      lastModified: null,
      upstream: "",
      foundAt: null,
      overlay: {},
      digest,
      checkedAt: row.changedAt,
      freshUntil: Number.MAX_SAFE_INTEGER,
      changedAt: row.changedAt,
      skipped: [],
      isHosted: true,
    };
    states.set(key, state, 1);
    return { state, cache: { hit: true } };
  }

  async function rowOf(ref: DocumentRef): Promise<PackageRow> {
    const row = await readPackageRow(database.read, repository, ref.package);
    if (!row) throw nothing(ref);
    return row;
  }

  /**
   * Composes the document into memory, or, where much is said of the package, in the worker and into a file. Resolves to its size in bytes. Throws
   * Problem("notFound") for a document that a published package does not have.
   */
  async function compose(ref: DocumentRef, row: PackageRow, digest: string): Promise<number> {
    const file = fileOf(ref, digest);
    const before = await file.path();
    if (before !== null) return sizeIn(ref, before);
    const packed = await readPackageJson(database.read, repository, row);
    if (packed.size > INLINE_LIMIT) return composeBeside(ref, packed, file, digest);
    const hosted = JSON.parse([...packed.pieces()].join("")) as HostedPackage;
    const text = types[ref.kind]?.compose?.(hosted, ref) ?? null;
    if (text === null) throw nothing(ref);
    const bytes = Buffer.from(text);
    sources.set(`${idOf(ref)}\0${digest}`, memorySource(bytes), bytes.length + 500);
    return bytes.length;
  }

  async function composeBeside(
    ref: DocumentRef,
    packed: Awaited<ReturnType<typeof readPackageJson>>,
    file: ViewFile,
    digest: string,
  ): Promise<number> {
    const input = await fileOf(ref, digest, "published").begin();
    try {
      await writeGzip(input, joined(packed.pieces()));
      const { size } = await deps.transform({
        op: "compose",
        format: deps.format,
        ref,
        input,
        size: packed.size,
        output: await file.begin(),
      });
      if (size === null) throw nothing(ref);
      await file.finish();
      return size;
    } finally {
      await removeFile(input);
    }
  }

  /** For the worker, as a file that is made again when it is gone. */
  function fileOf(ref: DocumentRef, digest: string, what = "composed"): ViewFile {
    return deps.files.file([repository, ref.kind, ref.key], digest, [what, RENDERING]);
  }

  async function sizeIn(ref: DocumentRef, path: string): Promise<number> {
    return (await openFileSource(path, "gzip", limitOf(ref))).size!;
  }

  const limitOf = ({ kind }: DocumentRef) => types[kind]!.limit;

  function nothing({ package: name, kind, key }: DocumentRef): Problem {
    return new Problem(
      "notFound",
      `${name} is published in the repository ${repository}, and has no ${kind} ${key}`,
      { rule: "hosted" },
    );
  }

  /** The same for the same revision in each run of the server, and for no other. */
  function digestOf({ name, createdAt, changedAt, revision }: PackageRow): string {
    const parts = ["hosted", repository, name, createdAt, changedAt, revision];
    return createHash("sha256").update(parts.join("\0")).digest("hex");
  }

  function open(ref: DocumentRef, { blob, digest }: DocumentState): Source {
    const known = `${idOf(ref)}\0${blob}`;
    return sources.get(known) ?? lazily(async () => sources.get(known) ?? openAgain(ref, digest));
  }

  /** What was forgotten is composed once more: as it is by now. */
  async function openAgain(ref: DocumentRef, digest: string): Promise<Source> {
    const stored = await fileOf(ref, digest).path();
    if (stored) return openFileSource(stored, "gzip", limitOf(ref));
    const row = await rowOf(ref);
    const now = digestOf(row);
    await compose(ref, row, now);
    const inMemory = sources.get(`${idOf(ref)}\0${now}`);
    return inMemory ?? openFileSource((await fileOf(ref, now).path())!, "gzip", limitOf(ref));
  }

  async function local(ref: DocumentRef, state: DocumentState): Promise<string> {
    const file = fileOf(ref, state.digest);
    const stored = await file.path();
    if (stored) return stored;
    const source =
      sources.get(`${idOf(ref)}\0${state.blob}`) ?? (await openAgain(ref, state.digest));
    // What another revision has is no file of this one.
    return (await file.path()) ?? file.put(gzip(Buffer.from(await source.text())));
  }

  return {
    get,
    stored: get,
    open,
    local,
    again(ref) {
      states.delete(keyOf(ref));
      return composing.run(keyOf(ref), () => make(ref)).result;
    },
    isFresh: (ref, state) => states.get(keyOf(ref)) === state,
  };
}

/** Few large pieces: each one costs a turn. */
async function* joined(pieces: Iterable<string>): AsyncGenerator<string> {
  let parts: string[] = [];
  let size = 0;
  for (const piece of pieces) {
    parts.push(piece);
    size += piece.length;
    if (size < PIECE) continue;
    yield parts.join("");
    parts = [];
    size = 0;
  }
  yield parts.join("");
}

/** Bytes that are got when somebody reads them. */
function lazily(get: () => Promise<Source>): Source {
  let source: Promise<Source> | null = null;
  const found = () => {
    source ??= get();
    return source;
  };
  return {
    size: null,
    async *chunks() {
      yield* (await found()).chunks();
    },
    text: async () => (await found()).text(),
    json: async () => (await found()).json(),
  };
}
