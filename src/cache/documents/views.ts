// Documents as clients see them: rendered once, kept as gzip in memory and on disk, and found again by what they depend on.
import { createHash } from "node:crypto";
import type { DocumentRef, DocumentType, ViewRequest } from "../../core/document.ts";
import type { Withheld } from "../../core/policy.ts";
import type { FileBody, Reply } from "../../core/reply.ts";
import { gzip } from "../../store/sink.ts";
import type { ViewFiles } from "../../store/view-files.ts";
import type { Transform } from "../../worker/job.ts";
import { createCollapse } from "../collapse.ts";
import type { Lru } from "../lru.ts";
import type { Withholdings } from "../withheld.ts";
import type { Documents } from "./get.ts";
import { type DocumentState, INLINE_LIMIT, placed } from "./state.ts";

/** Raised whenever any format renders anything differently, so that no old view outlives the code that made it. */
export const RENDERING = "3";

/** Views of documents up to here are made again rather than kept on disk: that takes about as long as reading them. Bytes. */
const CHEAP = 64 * 1024;

const TRUSTED_MS = 1_000;

/** A view: its gzip bytes in memory or in a file, and its entity tag. */
export interface View {
  body: Uint8Array | FileBody;
  etag: string;
  /** When its file was last seen to be there. */
  seenAt: number;
  /** The reply to a plain hit, shared by all who get it. */
  hit?: Reply;
}

export interface ViewDeps {
  repository: string;
  format: string;
  types: Record<string, DocumentType>;
  documents: Documents;
  files: ViewFiles;
  transform: Transform;
  memory: Lru<{ digest: string; view: View }>;
  now(): number;
}

export interface Views {
  /** Throws Problem("notFound") when the document has no such part. */
  get(
    ref: DocumentRef,
    state: DocumentState,
    view: ViewRequest,
    withholdings: Withholdings,
  ): Promise<View>;
  /** In memory, or in a file that was there a second ago. */
  isTrusted(view: View): boolean;
}

export function createViews(deps: ViewDeps): Views {
  const renders = createCollapse<View>();

  async function get(
    ref: DocumentRef,
    state: DocumentState,
    request: ViewRequest,
    withholdings: Withholdings,
  ): Promise<View> {
    const digest = withholdings.key ? `${state.digest} ${withholdings.key}` : state.digest;
    const { withheld } = withholdings;
    const key = [deps.repository, ref.kind, ref.key, ...partsOf(request)].join("\0");
    const known = deps.memory.get(key);
    if (known?.digest === digest && (isTrusted(known.view) || (await isThere(known.view))))
      return known.view;

    const { result } = renders.run(`${key}\0${digest}`, () =>
      find(ref, state, request, { digest, withheld }),
    );
    const view = await result;
    // A hit is sent from a second copy that the HTTP layer prepares.
    const weight = view.body instanceof Uint8Array ? 2 * view.body.length + 500 : 500;
    deps.memory.set(key, { digest, view }, weight);
    return view;
  }

  /** A view in memory, or in a file that was there a second ago: views may be removed from disk at any time. */
  function isTrusted({ body, seenAt }: View): boolean {
    return body instanceof Uint8Array || deps.now() - seenAt < TRUSTED_MS;
  }

  async function isThere(view: View): Promise<boolean> {
    view.seenAt = deps.now();
    return deps.files.isThere(view.body as FileBody);
  }

  async function find(
    ref: DocumentRef,
    state: DocumentState,
    request: ViewRequest,
    { digest, withheld }: { digest: string; withheld: Withheld },
  ): Promise<View> {
    const document = [deps.repository, ref.kind, ref.key];
    const [variant, base, ...data] = partsOf(request);
    const view = [variant, base, RENDERING, ...data];
    const file = deps.files.file(document, digest, view);
    const isCheap = state.size <= CHEAP;
    const stored = isCheap ? null : await file.load();
    const seenAt = deps.now();
    if (stored) return { etag: file.etag, body: stored, seenAt };
    if (state.size <= INLINE_LIMIT) {
      const bytes = gzip(await render(ref, state, request, withheld));
      if (!isCheap) file.save(bytes);
      return { etag: file.etag, body: bytes, seenAt };
    }
    await deps.transform({
      op: "render",
      format: deps.format,
      ref: placed(ref, state),
      input: await deps.documents.local(ref, state),
      sha256: state.blob,
      size: state.size,
      overlay: state.overlay,
      withheld,
      view: request,
      output: await file.begin(),
    });
    return { etag: file.etag, body: await file.finish(), seenAt: deps.now() };
  }

  async function render(
    ref: DocumentRef,
    state: DocumentState,
    view: ViewRequest,
    withheld: Withheld,
  ): Promise<Uint8Array> {
    const source = deps.documents.open(ref, state);
    const parts: Uint8Array[] = [];
    for await (const part of deps.types[ref.kind]!.render(
      { ref: placed(ref, state), source, overlay: state.overlay, withheld },
      view,
    ))
      parts.push(typeof part === "string" ? Buffer.from(part) : part);
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  return { get, isTrusted };
}

/** What tells a view of a document from its others. */
function partsOf({ variant, base, data }: ViewRequest): [string, string, ...string[]] {
  if (data === undefined) return [variant, base];
  return [variant, base, createHash("sha256").update(JSON.stringify(data)).digest("hex")];
}
