// Documents of packages that are published here: composed by their format from what was published, when somebody asks, and shown like fetched ones.
import { createHash } from "node:crypto";
import type { DocumentRef, DocumentType, Source } from "../../core/document.ts";
import type { HostedPackage } from "../../core/hosted.ts";
import { Problem } from "../../core/problem.ts";
import { readPackage, readPackageRow } from "../../hosted/rows.ts";
import type { Changes } from "../../store/changes.ts";
import type { Database } from "../../store/database.ts";
import { gzip } from "../../store/sink.ts";
import { memorySource } from "../../store/source.ts";
import type { ViewFiles } from "../../store/view-files.ts";
import { createCollapse } from "../collapse.ts";
import { createLru } from "../lru.ts";
import type { Documents, Found } from "./get.ts";
import { type DocumentState, idOf } from "./state.ts";
import { RENDERING } from "./views.ts";

const STATES_IN_MEMORY = 20_000;
/** Composed documents that views may still be made of. Bytes. */
const SOURCES_IN_MEMORY = 16 * 1024 * 1024;

export interface HostedDocumentDeps {
  repository: string;
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
  /** How often each package was changed since the start: what was read before a change is not remembered after it. */
  const changed = new Map<string, number>();
  deps.changes.on("hosted", (change) => {
    if (change.repository === repository) changed.set(change.key, turnOf(change.key) + 1);
  });
  const turnOf = (name: string) => changed.get(name) ?? 0;
  /** A document and what it was composed of: another one after each change. */
  const keyOf = (ref: DocumentRef) => `${idOf(ref)}\0${turnOf(ref.package)}`;

  async function get(ref: DocumentRef): Promise<Found> {
    const known = states.get(keyOf(ref));
    if (known) return { state: known, cache: { hit: true } };
    return composing.run(keyOf(ref), () => make(ref)).result;
  }

  async function make(ref: DocumentRef): Promise<Found> {
    const key = keyOf(ref);
    const { text, digest, changedAt, revision } = await compose(ref);
    const bytes = Buffer.from(text);
    const source = memorySource(bytes);
    const state: DocumentState = {
      revision,
      received: null,
      blob: digest,
      size: bytes.length,
      storedSize: bytes.length,
      etag: null,
      lastModified: null,
      upstream: "",
      foundAt: null,
      overlay: {},
      digest,
      checkedAt: changedAt,
      freshUntil: Number.MAX_SAFE_INTEGER,
      changedAt,
      skipped: [],
      isHosted: true,
    };
    sources.set(`${idOf(ref)}\0${digest}`, source, bytes.length + 500);
    states.set(key, state, 1);
    return { state, cache: { hit: true } };
  }

  /** Throws Problem("notFound") for a document that a published package does not have. */
  async function compose(ref: DocumentRef) {
    const row = await readPackageRow(database.read, repository, ref.package);
    const hosted = row && (await readPackage(database.read, repository, ref.package));
    const text = hosted && (types[ref.kind]?.compose?.(hosted, ref) ?? null);
    if (!hosted || text === null)
      throw new Problem(
        "notFound",
        `${ref.package} is published in the repository ${repository}, and has no ${ref.kind} ${ref.key}`,
        { rule: "hosted" },
      );
    return {
      text,
      digest: digestOf(hosted),
      changedAt: hosted.changedAt,
      revision: hosted.revision,
    };
  }

  /** The same for the same revision in each run of the server, and for no other. */
  function digestOf({ name, createdAt, changedAt, revision }: HostedPackage): string {
    const parts = ["hosted", repository, name, createdAt, changedAt, revision];
    return createHash("sha256").update(parts.join("\0")).digest("hex");
  }

  function open(ref: DocumentRef, { blob }: Pick<DocumentState, "blob">): Source {
    return (
      sources.get(`${idOf(ref)}\0${blob}`) ??
      lazily(async () => memorySource(Buffer.from((await compose(ref)).text)))
    );
  }

  /** For the worker, as a file that is made again when it is gone. */
  async function local(ref: DocumentRef, state: DocumentState): Promise<string> {
    const file = deps.files.file([repository, ref.kind, ref.key], state.digest, [
      "composed",
      RENDERING,
    ]);
    const stored = await file.path();
    return stored ?? file.put(gzip(Buffer.from(await open(ref, state).text())));
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
