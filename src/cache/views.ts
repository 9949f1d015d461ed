// Documents as clients see them: rendered once, kept as gzip in memory and on disk, and found again by what they depend on.
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DocumentRef, DocumentType, ViewRequest } from "../core/format.ts";
import type { FileBody, Reply } from "../core/reply.ts";
import { gzip } from "../store/sink.ts";
import { createCollapse } from "./collapse.ts";
import { type DocumentState, type Documents, INLINE_LIMIT } from "./documents.ts";
import type { Lru } from "./lru.ts";
import type { Transform } from "./transform.ts";

/** Raised whenever any format renders anything differently, so that no old view outlives the code that made it. */
const RENDERING = 1;
/** Views above this are sent from disk. Bytes of gzip. */
const IN_MEMORY = 1024 * 1024;

/** A view: its gzip bytes in memory or in a file, and its entity tag. */
export interface View {
  body: Uint8Array | FileBody;
  etag: string;
  /** The reply to a plain hit, shared by all who get it. */
  hit?: Reply;
}

export interface ViewDeps {
  repository: string;
  format: string;
  types: Record<string, DocumentType>;
  documents: Documents;
  /** The folder for rendered documents. */
  folder: string;
  blobPath(sha256: string): string;
  transform: Transform;
  memory: Lru<{ digest: string; view: View }>;
}

export interface Views {
  /** Throws Problem("notFound") when the document has no such part. */
  get(ref: DocumentRef, state: DocumentState, view: ViewRequest): Promise<View>;
}

export function createViews(deps: ViewDeps): Views {
  const renders = createCollapse<View>();

  async function get(ref: DocumentRef, state: DocumentState, request: ViewRequest): Promise<View> {
    const key = `${deps.repository}\0${ref.kind}\0${ref.key}\0${request.variant}\0${request.base}`;
    const known = deps.memory.get(key);
    if (known?.digest === state.digest) return known.view;

    const { result } = renders.run(`${key}\0${state.digest}`, () => find(ref, state, request));
    const view = await result;
    const weight = view.body instanceof Uint8Array ? 2 * view.body.length + 500 : 500;
    deps.memory.set(key, { digest: state.digest, view }, weight);
    return view;
  }

  async function find(ref: DocumentRef, state: DocumentState, request: ViewRequest): Promise<View> {
    const etag = name(state.digest, request.variant, request.base, String(RENDERING));
    // One folder a document, so that the views of what it was before are found and removed.
    const document = name(deps.repository, ref.kind, ref.key);
    const folder = join(deps.folder, document.slice(0, 2), document.slice(2));
    const path = join(folder, `${name(state.digest)}-${etag}.gz`);
    const stored = await stat(path).catch(() => null);
    if (stored) return { etag, body: await load(path, stored.size) };

    mkdirSync(folder, { recursive: true });
    const temporary = `${path}.${process.pid}.part`;
    if (state.size <= INLINE_LIMIT) {
      const bytes = gzip(await render(ref, state, request));
      // Not waited for: a view that is not on disk is rendered again.
      save(temporary, path, bytes).catch(() => rm(temporary, { force: true }));
      forgetOthers(folder, state.digest);
      return { etag, body: bytes };
    }
    await rm(temporary, { force: true });
    const { size } = await deps.transform({
      op: "render",
      format: deps.format,
      ref,
      input: deps.blobPath(state.blob!),
      overlay: state.overlay,
      view: request,
      output: temporary,
    });
    await rename(temporary, path);
    forgetOthers(folder, state.digest);
    return { etag, body: await load(path, size) };
  }

  async function render(
    ref: DocumentRef,
    state: DocumentState,
    view: ViewRequest,
  ): Promise<Uint8Array> {
    const source = deps.documents.open(ref, state);
    const parts: Uint8Array[] = [];
    for await (const part of deps.types[ref.kind]!.render(
      { ref, source, overlay: state.overlay },
      view,
    ))
      parts.push(typeof part === "string" ? Buffer.from(part) : part);
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  return { get };
}

async function load(path: string, size: number): Promise<Uint8Array | FileBody> {
  return size <= IN_MEMORY ? await readFile(path) : { path, size };
}

async function save(temporary: string, path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(temporary, bytes);
  await rename(temporary, path);
}

/** Removes the views of what the document was before. A response that is sending one keeps its open file. */
function forgetOthers(folder: string, digest: string): void {
  const current = name(digest);
  const tidy = async () => {
    for (const file of await readdir(folder))
      if (!file.startsWith(current)) await rm(join(folder, file), { force: true });
  };
  tidy().catch(() => {}); // only disk space is at stake, and `gc` comes by
}

function name(...parts: string[]): string {
  return createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 32);
}
