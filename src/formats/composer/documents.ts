// The kinds of documents: packages.json and what it includes, and a package's releases and branches.
import type { DocumentRef, DocumentType, Source } from "../../core/document.ts";
import { Problem } from "../../core/problem.ts";
import { locationOf } from "./dist.ts";
import { type Include, type Root, readRoot } from "./root.ts";
import { isObject } from "./types.ts";
import {
  entriesOf,
  factsOf,
  type Release,
  readPackage,
  readPackages,
  releasesOf,
} from "./versions.ts";
import { renderMany, renderPackage } from "./view.ts";

const MiB = 1024 * 1024;
const JSON_ACCEPT = "application/json";
/** Whose packages.json and includes are. No package can be named so. */
export const ROOT_PACKAGE = "packages.json";

/** What is needed of a package's document beside its views. */
export interface PackageModel {
  description: string;
  abandoned: unknown;
  /** By the version as it stands in our URLs. */
  dists: ReadonlyMap<string, { type: string; part: string; location: string }>;
}

/** The packages that an include holds. */
export type IncludeModel = ReadonlySet<string>;

const ofPackage: Omit<DocumentType, "complete"> = {
  limit: 64 * MiB,
  isDated: true,
  async facts(source, ref) {
    return factsOf(nameOf(ref), (await readPackage(source, nameOf(ref))).releases);
  },
  async extract(source, ref, files) {
    return entriesOf((await readPackage(source, nameOf(ref))).releases, files);
  },
  async model({ source, ref }) {
    return modelOf(nameOf(ref), (await readPackage(source, nameOf(ref))).releases);
  },
  render: renderPackage,
};

/** They name branches too, which lose files with every commit: so what they stop naming is no news. */
const ofMany: Omit<DocumentType, "model" | "facts"> = {
  complete: false,
  limit: 64 * MiB,
  isDated: true,
  async extract(source, _ref, files) {
    const wanted = new Set([...files].map((file) => file.split("/", 2).join("/")));
    const entries: Record<string, unknown> = {};
    for (const [name, versions] of readPackages(await packagesOf(source)))
      if (wanted.has(name))
        Object.assign(entries, entriesOf(releasesOf(name, versions, false), files, `${name}/`));
    return entries;
  },
  render: renderMany,
};

export const documents: Record<"root" | "include" | "package" | "dev", DocumentType> = {
  root: {
    ...ofMany,
    async facts(source) {
      readRoot(await source.json());
      return factsOfMany(source);
    },
    async model({ source }): Promise<Root> {
      return readRoot(await source.json());
    },
  },
  include: {
    ...ofMany,
    async facts(source, ref) {
      const document = await source.json();
      if (!isObject(document) || !isObject(document["packages"]))
        throw new Problem("malformed", `The upstream's ${ref.key} holds no packages`);
      if (isObject(document["includes"]) && Object.keys(document["includes"]).length > 0)
        throw new Problem("malformed", `The upstream's ${ref.key} includes further files`);
      return factsOfMany(source);
    },
    async model({ source }): Promise<IncludeModel> {
      return new Set(readPackages(await packagesOf(source)).keys());
    },
  },
  package: { ...ofPackage, complete: true },
  dev: { ...ofPackage, complete: false },
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

/** Relative, as a link from the host's root, or absolute: as the template is. */
function placeIn(template: string, name: string): string {
  return template.replaceAll("%package%", name);
}

/** The key is the package's name for both. */
function nameOf(ref: DocumentRef): string {
  return ref.key;
}

async function packagesOf(source: Source): Promise<unknown> {
  const document = await source.json();
  return isObject(document) ? document["packages"] : null;
}

async function factsOfMany(source: Source) {
  return [...readPackages(await packagesOf(source))].flatMap(([name, versions]) =>
    factsOf(name, releasesOf(name, versions, false), `${name}/`),
  );
}

function modelOf(name: string, releases: readonly Release[]): PackageModel {
  const { description, abandoned } = releases[0]?.data ?? {};
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
    abandoned: abandoned ?? false,
    dists,
  };
}
