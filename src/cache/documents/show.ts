// Documents as clients get them: a view of the copy in service, and what is done when that copy has no such part or is damaged.
import { gunzipSync } from "node:zlib";
import type { DocumentRef, DocumentType, ViewRequest } from "../../core/document.ts";
import { isUndone, Problem } from "../../core/problem.ts";
import type { CacheStatus, Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Blobs } from "../../store/blobs.ts";
import type { Absences } from "../absences.ts";
import { JUST_NOW_MS } from "../expect.ts";
import type { WithheldOf, Withholdings } from "../withheld.ts";
import type { Documents, Found } from "./get.ts";
import type { DocumentState } from "./state.ts";
import type { View, Views } from "./views.ts";

type Detail = NonNullable<CacheStatus["detail"]>;

export interface ShowDeps {
  types: Record<string, DocumentType>;
  documents: Documents;
  views: Views;
  withheld: Pick<WithheldOf, "of" | "isCurrent">;
  absences: Absences;
  blobs: Blobs;
  /** Whether the bytes on disk are what they were. */
  isSound(state: DocumentState): Promise<boolean>;
  now(): number;
}

interface Shown {
  found: Found;
  view: View;
  withholdings: Withholdings;
}

/** See `Repository.view` and `Repository.read`. */
export function createShow(deps: ShowDeps): Pick<Repository, "view" | "read"> {
  const { types, documents, views, withheld, absences, blobs, isSound, now } = deps;

  async function find(ref: DocumentRef, view: ViewRequest): Promise<Shown> {
    const found = await documents.get(ref);
    try {
      return await shown(ref, found, view);
    } catch (error) {
      const isNo = error instanceof Problem && error.kind === "notFound";
      if (isNo && found.state.isHosted) throw error; // nobody else knows of it
      if (isNo) return lookAgain(ref, view, found, error);
      if (isUndone(error) || (await isSound(found.state))) throw error;
      const fetched = await documents.again(ref);
      return shown(ref, fetched, view);
    }
  }

  async function shown(ref: DocumentRef, found: Found, view: ViewRequest): Promise<Shown> {
    const known = withheld.of(ref.package, found.state.digest);
    const withholdings = known instanceof Promise ? await known : known;
    return { found, withholdings, view: await views.get(ref, found.state, view, withholdings) };
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
    return shown(ref, newer, view);
  }

  /** The copy that lacks it could not be brought up to date. */
  async function unsure(part: string[], no: Problem, detail: Detail): Promise<unknown> {
    const reason = new Problem(
      detail === "slow" ? "unreachable" : detail,
      `${no.message}, as far as is stored here, and the upstream cannot be asked`,
    );
    return detail === "slow" ? reason : absences.explain("view", part, reason);
  }

  async function view(
    ref: DocumentRef,
    request: ViewRequest,
    headers: Record<string, string>,
  ): Promise<Reply> {
    const { found, view, withholdings } = await find(ref, request);
    const reply = viewReply(view, headers, found, types[ref.kind]!, withholdings.since);
    const { state } = found; // another object after each revalidation
    if (reply.isShared)
      reply.isCurrent = () =>
        documents.isFresh(ref, state) && views.isTrusted(view) && withheld.isCurrent(withholdings);
    return reply;
  }

  async function read(ref: DocumentRef, request: ViewRequest) {
    const { found, view } = await find(ref, request);
    const packed =
      view.body instanceof Uint8Array ? view.body : await blobs.readFile(view.body.path);
    return { bytes: gunzipSync(packed), cache: found.cache };
  }

  return { view, read };
}

/** Hits are answered with one reply for all, so that http/ prepares it once. */
function viewReply(
  view: View,
  headers: Record<string, string>,
  { cache, state }: Found,
  type: DocumentType,
  /** When policy last changed what is shown. */
  since: number,
): Reply {
  const isPlainHit = cache.hit && !cache.detail;
  if (isPlainHit && view.hit && sameHeaders(view.hit.headers, headers)) return view.hit;
  const { body, etag } = view;
  const reply: Reply =
    type.isPlain && body instanceof Uint8Array
      ? { status: 200, headers, body: gunzipSync(body), etag, ranges: true, cache }
      : { status: 200, headers, body, encoding: "gzip", etag, cache };
  if (type.isDated) reply.lastModified = Math.max(state.changedAt, since);
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
