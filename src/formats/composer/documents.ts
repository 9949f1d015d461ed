// The kinds of documents: packages.json and what it includes, and a package's releases and branches.
import type { DocumentRef, DocumentType, Source } from "../../core/document.ts";
import type { FactNames } from "../../core/format.ts";
import { Problem } from "../../core/problem.ts";
import { type Listing, type ListingFile, readListing } from "./composer1.ts";
import { locationOf } from "./dist.ts";
import { composePackage } from "./hosted.ts";
import { type Include, type Root, readRoot } from "./root.ts";
import { isNothing, isObject } from "./types.ts";
import {
  entriesOf,
  factsOf,
  type PackageDocument,
  packagesIn,
  type Release,
  readMany,
  readPackage,
  readPackages,
  readProvided,
  readVersions,
  refuseUnusable,
  type Skip,
} from "./versions.ts";
import { renderMany, renderPackage, renderProvided } from "./view.ts";

const MiB = 1024 * 1024;
const JSON_ACCEPT = "application/json";
/** What facts of branches stand under ends in it. */
const BRANCHES = /~dev$/;
/** Whose packages.json and includes are. No package can be named so. */
export const ROOT_PACKAGE = "packages.json";

/** What is needed of a package's document beside its views. */
export interface PackageModel {
  description: string;
  /** Of its newest version: "library", "composer-plugin"; null where it has none. */
  type: string | null;
  abandoned: unknown;
  /** By the version as it stands in our URLs. */
  dists: ReadonlyMap<string, { type: string; part: string; location: string }>;
}

/** The packages that an include holds. */
export type IncludeModel = ReadonlySet<string>;

type ReadPackage = (source: Source, name: string) => Promise<PackageDocument>;

function ofPackage(read: ReadPackage): Omit<DocumentType, "complete" | "render"> {
  return {
    limit: 64 * MiB,
    isDated: true,
    async facts(source, ref, skip) {
      const name = nameOf(ref);
      const document = await read(source, name);
      refuseUnusable(name, document);
      for (const entry of document.skipped) skip?.(entry);
      return factsOf(name, document.releases);
    },
    async extract(source, ref, files) {
      return entriesOf((await read(source, nameOf(ref))).releases, files);
    },
    async model({ source, ref }) {
      return modelOf(nameOf(ref), (await read(source, nameOf(ref))).releases);
    },
  };
}

/** They name branches too, which lose files with every commit: so what they stop naming is no news. */
const ofMany: Omit<DocumentType, "model" | "facts"> = {
  complete: false,
  limit: 64 * MiB,
  isDated: true,
  async extract(source, _ref, files) {
    const wanted = new Set([...files].map((file) => file.split("/", 2).join("/")));
    const entries: Record<string, unknown> = {};
    for (const [name, versions] of readPackages(packagesIn(await source.json())))
      if (wanted.has(name))
        Object.assign(
          entries,
          entriesOf(readVersions(name, versions, false).releases, files, `${name}/`),
        );
    return entries;
  },
  render: renderMany,
};

type Kind = "root" | "include" | "package" | "dev" | "listing" | "provided";

export const documents: Record<Kind, DocumentType> = {
  root: {
    ...ofMany,
    async facts(source, _ref, skip) {
      const document = await source.json();
      readRoot(document);
      return factsOfMany(document, skip);
    },
    async model({ source }): Promise<Root> {
      return readRoot(await source.json());
    },
  },
  include: {
    ...ofMany,
    async facts(source, ref, skip) {
      const document = await source.json();
      if (isNothing(document)) return [];
      if (!isObject(document) || !("packages" in document))
        throw new Problem("malformed", `The upstream's ${ref.key} holds no packages`);
      const { packages, includes } = document;
      if (!isObject(packages) && !Array.isArray(packages) && packages !== null)
        throw new Problem("malformed", `The upstream's ${ref.key} holds no packages`);
      if (!isNothing(includes))
        throw new Problem("malformed", `The upstream's ${ref.key} includes further files`);
      return factsOfMany(document, skip);
    },
    async model({ source }): Promise<IncludeModel> {
      return new Set(readPackages(packagesIn(await source.json())).keys());
    },
  },
  package: {
    ...ofPackage(readPackage),
    complete: true,
    compose: composePackage,
    render: renderPackage,
  },
  dev: {
    ...ofPackage(readPackage),
    complete: false,
    compose: composePackage,
    render: renderPackage,
  },
  provided: { ...ofPackage(readProvided), complete: false, render: renderProvided },
  listing: {
    complete: false,
    limit: 64 * MiB,
    async facts(source, ref) {
      readListing(await source.json(), ref.key);
      return [];
    },
    async model({ source, ref }): Promise<Listing> {
      return readListing(await source.json(), ref.key);
    },
    // biome-ignore lint/correctness/useYield: there is nothing to be seen of it
    async *render({ ref }) {
      throw new Problem("notFound", `The upstream's ${ref.key} has no views`);
    },
  },
};

export const factNames: FactNames = {
  whose: (named, file) =>
    named === ROOT_PACKAGE ? file.split("/", 2).join("/") : named.replace(BRANCHES, ""),
  about: (named) => (named === ROOT_PACKAGE ? null : named.replace(BRANCHES, "")),
  under: (name, file) => [
    { named: name, file },
    { named: `${name}~dev`, file },
    { named: ROOT_PACKAGE, file: `${name}/${file}` },
  ],
};

export const rootRef: DocumentRef = {
  kind: "root",
  key: "packages.json",
  package: ROOT_PACKAGE,
  path: "packages.json",
  accept: JSON_ACCEPT,
};

export function includeRef({ key, path }: Include): DocumentRef {
  return { kind: "include", key, package: ROOT_PACKAGE, path, accept: JSON_ACCEPT };
}

/** The releases of a package, at the place that the upstream's packages.json says. */
export function packageRef(name: string, metadataUrl: string): DocumentRef {
  const path = placeIn(metadataUrl, name);
  return { kind: "package", key: name, package: name, path, accept: JSON_ACCEPT };
}

/** Its branches. Files of branches come and go with every commit, so they are told apart from those of releases. */
export function devRef(name: string, metadataUrl: string): DocumentRef {
  const path = placeIn(metadataUrl, `${name}~dev`);
  return { kind: "dev", key: name, package: `${name}~dev`, path, accept: JSON_ACCEPT };
}

/** Both, as the upstream has them in one document for Composer 1. */
export function providedRef(name: string, template: string, sha256: string | null): DocumentRef {
  const path = placeIn(template, name).replaceAll("%hash%", sha256 ?? "");
  return { kind: "provided", key: name, package: name, path, accept: JSON_ACCEPT };
}

export function listingRef({ key, path }: ListingFile): DocumentRef {
  return { kind: "listing", key, package: ROOT_PACKAGE, path, accept: JSON_ACCEPT };
}

/** Relative, as a link from the host's root, or absolute: as the template is. */
function placeIn(template: string, name: string): string {
  return template.replaceAll("%package%", name);
}

/** The key is the package's name for both. */
function nameOf(ref: DocumentRef): string {
  return ref.key;
}

function factsOfMany(document: unknown, skip: Skip = () => {}) {
  return [...readMany(packagesIn(document), skip)].flatMap(([name, releases]) =>
    factsOf(name, releases, `${name}/`),
  );
}

/** What a composer.json means that says nothing of it. */
const LIBRARY = "library";

function modelOf(name: string, releases: readonly Release[]): PackageModel {
  const { description, abandoned, type = LIBRARY } = releases[0]?.data ?? {};
  const dists = new Map(
    releases.flatMap((release) => {
      const { dist, part, file } = release;
      if (file === null) return [];
      const location = locationOf(name, release);
      return [[file.slice(0, file.indexOf("/")), { type: dist!.type, part, location }]];
    }),
  );
  return {
    description: typeof description === "string" ? description : "",
    type: releases.length === 0 ? null : typeof type === "string" && type !== "" ? type : LIBRARY,
    abandoned: abandoned ?? false,
    dists,
  };
}
