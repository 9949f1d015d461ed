// Which catalog the files of a data directory belong to, where it is not the file in it. Files that a catalog does not name are garbage, so that
// the wrong one would have them all removed.
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { guard } from "./guard.ts";
import { FILE_MODE, type Layout } from "./layout.ts";

export interface CatalogMark {
  /** Of the catalog, wherever it is moved. */
  id: string;
  /** Where it was last, in the words of the configuration. */
  url: string;
}

function fileOf({ root }: Pick<Layout, "root">): string {
  return join(root, "catalog.json");
}

/** Whether it has a catalog of its own, as a file in it. */
export function hasOwnCatalog({ database }: Layout): boolean {
  return existsSync(database);
}

export function hasBlobs({ blobs }: Layout): boolean {
  return existsSync(blobs) && readdirSync(blobs).length > 0;
}

/** Null when the catalog is the file in the data directory, or there is none yet. Throws an Error when the mark is damaged. */
export function readMark(layout: Pick<Layout, "root">): CatalogMark | null {
  const file = fileOf(layout);
  if (!existsSync(file)) return null;
  try {
    const { id, url } = JSON.parse(readFileSync(file, "utf8"));
    if (typeof id === "string" && typeof url === "string") return { id, url };
  } catch {
    // Below.
  }
  throw new Error(`${file} is damaged: it says which database the files beside it belong to`);
}

export async function writeMark(layout: Pick<Layout, "root">, mark: CatalogMark): Promise<void> {
  const file = fileOf(layout);
  await guard(
    (async () => {
      writeFileSync(`${file}.new`, `${JSON.stringify(mark)}\n`, { mode: FILE_MODE });
      renameSync(`${file}.new`, file);
    })(),
  );
}

/** The catalog is the file in the data directory from now on. */
export function removeMark(layout: Pick<Layout, "root">): void {
  rmSync(fileOf(layout), { force: true });
}
