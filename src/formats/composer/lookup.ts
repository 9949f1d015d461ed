// Which document a package stands in: its own, packages.json, or an include.
import type { DocumentRef, ViewRequest } from "../../core/document.ts";
import { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import { type ComposerMemory, notBefore, viewsDate } from "./dates.ts";
import { devRef, type IncludeModel, includeRef, packageRef, rootRef } from "./documents.ts";
import type { ComposerOptions } from "./options.ts";
import type { Root } from "./root.ts";
import { WITHOUT_SOURCES } from "./view.ts";

const JSON_TYPE = { "content-type": "application/json" };

/** Where a package's releases, or its branches, are read. */
interface Holder {
  ref: DocumentRef;
  variant: string;
}

/** The document of a package as a reply. Throws a Problem. */
export async function servePackage(
  name: string,
  dev: boolean,
  base: string,
  repository: Repository<ComposerOptions>,
  memory: ComposerMemory,
): Promise<Reply> {
  repository.refuseClaimed(name);
  let known = await repository.model<Root>(rootRef, "stored");
  let holder = await holderOf(name, dev, known.model, repository);
  if (!holder) {
    known = await repository.model<Root>(rootRef);
    holder = await holderOf(name, dev, known.model, repository);
  }
  if (!holder)
    throw new Problem("notFound", `${name} is not among the packages that the upstream lists`);
  const suffix = repository.options.sources ? "" : WITHOUT_SOURCES;
  const view: ViewRequest = { variant: `${holder.variant}${suffix}`, base };
  const reply = await repository.view(holder.ref, view, JSON_TYPE);
  const date = await viewsDate(repository, memory, base, formOf(known.model, repository));
  // A package that moves from one document of many to another is told of in packages.json.
  return notBefore(
    reply,
    known.model.metadataUrl === null ? Math.max(date, known.changedAt) : date,
  );
}

/** What views look like by, beside the documents. */
export function formOf(root: Root, { options }: Repository<ComposerOptions>) {
  return { sources: options.sources, isMany: root.metadataUrl === null };
}

async function holderOf(
  name: string,
  dev: boolean,
  root: Root,
  repository: Repository,
): Promise<Holder | null> {
  const many = `${dev ? "dev" : "package"}/${name}`;
  if (root.inline.has(name)) return { ref: rootRef, variant: many };
  if (root.metadataUrl !== null) {
    if (root.available && !root.available.has(name)) return null;
    const make = dev ? devRef : packageRef;
    return { ref: make(name, root.metadataUrl), variant: "package" };
  }
  for (const include of root.includes) {
    const ref = includeRef(include);
    if ((await repository.model<IncludeModel>(ref)).model.has(name)) return { ref, variant: many };
  }
  return null;
}

/** The documents that may name a file of a package, and whether they hold other packages too. */
export function documentsOf(
  name: string,
  root: Root,
  kind: "release" | "branch" | "either",
): { refs: DocumentRef[]; areShared: boolean } {
  if (root.inline.has(name)) return { refs: [rootRef], areShared: true };
  if (root.metadataUrl === null) return { refs: root.includes.map(includeRef), areShared: true };
  const release = packageRef(name, root.metadataUrl);
  const branch = devRef(name, root.metadataUrl);
  const refs = { release: [release], branch: [branch], either: [branch, release] };
  return { refs: refs[kind], areShared: false };
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
  return [...names];
}
