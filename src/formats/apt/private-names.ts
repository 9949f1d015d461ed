// Which parts of a path are names that may be somebody's own: what claims are matched with.
import { memo, memoText } from "../../core/memo.ts";
import type { Repository } from "../../core/repository.ts";
import { indexName } from "./index-names.ts";
import type { AptOptions } from "./options.ts";
import { type AptRoute, folderOf, packageOf } from "./routes.ts";

/** The folders of a pool that hold all names with a beginning: "h", "libt". */
const BEGINNING = /^(lib)?[a-z0-9]$/;

/**
 * The names that a path holds: of suites, of source packages (whose folders hold what is built of them), of the package that a file's name speaks
 * of, with and without its extension; and the path itself, for claims of whole folders. No components, and no parts of the layout.
 */
export function namesIn(path: string): string[] {
  const folder = folderOf(path);
  const file = path.slice(path.lastIndexOf("/") + 1);
  const segments = folder.split("/");
  const isLayout = segments.includes("dists") && !segments.includes("pool");
  const isIndex = isLayout || indexName(file).kind !== "other";
  const names = isIndex ? [] : [packageOf(file), file.replace(/\.[a-z]+$/, "")];
  return [...new Set([path, ...folderNames(folder), ...names])];
}

/** Of a folder, the same. */
export function namesInFolder(folder: string): string[] {
  return folder === "." ? [] : [...new Set([folder, ...folderNames(folder)])];
}

function folderNames(folder: string): string[] {
  if (folder === ".") return [];
  const segments = folder.split("/");
  const dists = segments.indexOf("dists");
  const pool = segments.indexOf("pool");
  const end = pool >= 0 ? pool : segments.length;
  const above =
    dists >= 0 && dists < end
      ? [...segments.slice(0, dists), ...segments.slice(dists + 1, dists + 2)]
      : segments.slice(0, end);
  if (pool < 0) return above;
  const inside = segments.slice(pool + 1);
  const component = inside.length > 1 ? 1 : 0;
  return [...above, ...inside.slice(component).filter((name) => !BEGINNING.test(name))];
}

const namesOfRoute = memo((route: AptRoute): string[] => {
  switch (route.kind) {
    case "inrelease":
    case "release":
    case "signature":
      return namesInFolder(route.suite);
    case "hash":
    case "folder":
      return namesInFolder(route.folder);
    case "pool":
    case "file":
      return namesIn(route.path);
    case "key":
    case "diff":
    case "upload":
      return [];
  }
});

type Claims = Pick<Repository, "claims" | "refuseClaimed"> & { options?: Partial<AptOptions> };

/** Throws Problem("notFound") that names the claim when a route is about a private name: before anything is asked. */
export function refusePrivate(repository: Claims, route: AptRoute): void {
  refuse(repository, namesOfRoute(route));
}

const namesOfSuite = memoText(namesInFolder);

/** The same for a suite folder, whoever asks for its release. */
export function refusePrivateSuite(repository: Claims, suite: string): void {
  refuse(repository, namesOfSuite(suite));
}

function refuse(repository: Claims, names: readonly string[]): void {
  // Where all is published here there is no upstream that could be asked.
  if (repository.options?.hosted) return;
  for (const name of names) if (repository.claims(name)) repository.refuseClaimed(name);
}

/** Whether a pool file is private: by its path, or by the package that an index says it is of. */
export function isPrivateFile(repository: Claims, path: string, packageName: string): boolean {
  return repository.claims(packageName) || namesIn(path).some((name) => repository.claims(name));
}
