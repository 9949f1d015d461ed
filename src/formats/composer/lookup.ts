// Which document a package stands in: its own, packages.json, an include, or one of Composer 1's.
import type { DocumentRef, ViewRequest } from "../../core/document.ts";
import { cannotAsk, Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import { rootModel } from "./asking.ts";
import { serveCodePackage } from "./code-serve.ts";
import type { Listing } from "./composer1.ts";
import { type ComposerMemory, notBefore, viewsDate } from "./dates.ts";
import {
  devRef,
  type IncludeModel,
  includeRef,
  listingRef,
  packageRef,
  providedRef,
  rootRef,
} from "./documents.ts";
import { serveHostedPackage } from "./hosted-serve.ts";
import type { ComposerOptions } from "./options.ts";
import type { Root } from "./root.ts";
import { WITHOUT_SOURCES } from "./view.ts";

const JSON_TYPE = { "content-type": "application/json" };

/** How new what is read must be, see `Repository.model`. */
export type Which = "fresh" | "stored" | "now";

/** Where a package's releases, or its branches, are read. */
interface Holder {
  ref: DocumentRef;
  variant: string;
  /** What the upstream names by its digest: it is there, or what names it is old. */
  isNamed: boolean;
}

/** The document of a package as a reply. Throws a Problem. */
export async function servePackage(
  name: string,
  dev: boolean,
  base: string,
  repository: Repository<ComposerOptions>,
  memory: ComposerMemory,
): Promise<Reply> {
  const source = repository.sources.for(name);
  if (source) return serveCodePackage(name, dev, base, source, repository, memory);
  if (repository.hosting.owns(name)) return serveHostedPackage(name, dev, base, repository, memory);
  repository.refuseClaimed(name);
  const serve = async (which: Which) => {
    const known = await rootModel(repository, which);
    const holder = await holderOf(name, dev, known.model, repository, which);
    if (!holder) return null;
    const suffix = repository.options.checkouts ? "" : WITHOUT_SOURCES;
    const view: ViewRequest = { variant: `${holder.variant}${suffix}`, base };
    const reply = await viewOf(holder, view, repository, which);
    const date = await viewsDate(repository, memory, base, formOf(known.model, repository));
    // A package that moves from one document of many to another is told of in packages.json.
    return notBefore(
      reply,
      known.model.metadataUrl === null ? Math.max(date, known.changedAt) : date,
    );
  };
  const reply = await serve("stored").catch((error) => {
    if (error instanceof Replaced) return serve("now");
    throw error;
  });
  const found = reply ?? (await serve("fresh"));
  if (found) return found;
  throw new Problem("notFound", `${name} is not among the packages that the upstream lists`);
}

/** What packages.json names is not there. No "no" to who asks for a package: most often the upstream was built anew meanwhile. */
class Replaced extends Problem {
  constructor(what: string, cause: Problem) {
    super("malformed", `The upstream names ${what} and does not have it: ${cause.message}`, {
      cause,
    });
  }
}

/** Throws Replaced in place of Problem("notFound"). */
async function named<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof Problem) || error.kind !== "notFound" || error.rule !== null)
      throw error;
    throw new Replaced(what, error);
  }
}

async function viewOf(
  { ref, isNamed }: Holder,
  view: ViewRequest,
  repository: Repository<ComposerOptions>,
  which: Which,
): Promise<Reply> {
  if (!isNamed) return repository.view(ref, view, JSON_TYPE);
  // What was said under its old name is no answer.
  if (which === "now") await named(ref.key, repository.model(ref, which));
  return named(ref.key, repository.view(ref, view, JSON_TYPE));
}

/** What views look like by, beside the documents. */
export function formOf(root: Root, { options }: Repository<ComposerOptions>) {
  return { sources: options.checkouts, isMany: root.metadataUrl === null };
}

async function holderOf(
  name: string,
  dev: boolean,
  root: Root,
  repository: Repository,
  which: Which,
): Promise<Holder | null> {
  const kind = dev ? "dev" : "package";
  const many = `${kind}/${name}`;
  if (root.inline.has(name)) return { ref: rootRef, variant: many, isNamed: false };
  if (root.metadataUrl !== null) {
    if (root.available && !root.available.has(name)) return null;
    const make = dev ? devRef : packageRef;
    return { ref: make(name, root.metadataUrl), variant: "package", isNamed: false };
  }
  // What they hold is asked for as often as any other document.
  const newest = which === "now" ? "now" : "fresh";
  for (const include of root.includes) {
    const ref = includeRef(include);
    const { model } = await named(ref.key, repository.model<IncludeModel>(ref, newest));
    if (model.has(name)) return { ref, variant: many, isNamed: true };
  }
  const provided = await providedOf(name, root, repository, newest);
  return provided && { ...provided, variant: kind };
}

/** The document of a package in the forms of Composer 1; null where the upstream lists no such package. Throws a Problem. */
export async function providedOf(
  name: string,
  { composer1 }: Root,
  repository: Repository,
  which: Which,
): Promise<{ ref: DocumentRef; sha256: string | null; isNamed: boolean } | null> {
  if (!composer1) return null;
  const { listedUrl, lazyUrl, listed, listings } = composer1;
  let sha256 = listed.get(name) ?? null;
  for (const file of listings) {
    if (sha256 !== null) break;
    const ref = listingRef(file);
    const { model } = await named(ref.key, repository.model<Listing>(ref, which));
    sha256 = model.get(name) ?? null;
  }
  if (sha256 !== null) return { ref: providedRef(name, listedUrl!, sha256), sha256, isNamed: true };
  return lazyUrl === null
    ? null
    : { ref: providedRef(name, lazyUrl, null), sha256, isNamed: false };
}

/** What a file may be of; where it matters only which one is the likelier. */
export type FileKind = "release" | "branch" | "either";

/**
 * The documents that may name a file of a package, the likeliest first, and whether they hold other packages too. A version may stand in
 * either of a package's two.
 */
export async function documentsOf(
  name: string,
  root: Root,
  kind: FileKind,
  repository: Repository,
  which: Which,
): Promise<{ refs: DocumentRef[]; areShared: boolean }> {
  if (root.inline.has(name)) return { refs: [rootRef], areShared: true };
  if (root.composer1) {
    const provided = await providedOf(name, root, repository, which).catch((error) => {
      if (cannotAsk(error)) return null; // what is stored needs no document
      throw error;
    });
    // The place of none, where the upstream says so.
    const nowhere = root.composer1.listedUrl ?? root.composer1.lazyUrl!;
    return { refs: [provided?.ref ?? providedRef(name, nowhere, null)], areShared: false };
  }
  if (root.metadataUrl === null) return { refs: root.includes.map(includeRef), areShared: true };
  const release = packageRef(name, root.metadataUrl);
  const branch = devRef(name, root.metadataUrl);
  return { refs: kind === "release" ? [release, branch] : [branch, release], areShared: false };
}

/** The names that the upstream lists, beside patterns of names; null when it lists none. Throws a Problem. */
export async function listedNames(root: Root, repository: Repository): Promise<string[] | null> {
  const names = new Set(root.inline);
  if (root.metadataUrl !== null) {
    for (const name of root.available?.packages ?? []) names.add(name);
    return root.available ? [...names] : null;
  }
  for (const include of root.includes)
    for (const name of (await repository.model<IncludeModel>(includeRef(include))).model)
      names.add(name);
  const { composer1 } = root;
  for (const name of composer1?.listed.keys() ?? []) names.add(name);
  for (const file of composer1?.listings ?? [])
    for (const name of (await repository.model<Listing>(listingRef(file))).model.keys())
      names.add(name);
  return composer1?.lazyUrl ? null : [...names];
}
