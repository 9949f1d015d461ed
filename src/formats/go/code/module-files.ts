// Which files of a folder are a module's, as golang.org/x/mod/zip has it. https://go.dev/ref/mod#zip-path-size-constraints
import { Problem } from "../../../core/problem.ts";
import { humanSize } from "../../../core/size.ts";

/** golang.org/x/mod/zip.MaxZipFile: of all files, and of the archive. */
export const ZIP_LIMIT = 500 * 2 ** 20;
const LICENSE_LIMIT = 16 * 2 ** 20;

export interface FolderFile {
  /** Below the module's folder. */
  path: string;
  isRegular: boolean;
  size: number;
}

/** `isNew`: the module is of Go 1.24 or later, which leaves out more of vendor folders. Throws Problem("malformed") for what no module may have. */
export function moduleFiles(files: readonly FolderFile[], isNew: boolean): FolderFile[] {
  const modules = new Set<string>();
  for (const { path, isRegular } of files) {
    const { folder, base } = split(path);
    if (isRegular && base.toLowerCase() === "go.mod") modules.add(folder);
  }
  const seen = new Map<string, { path: string; isFolder: boolean }>();
  let size = 0;
  return files.filter((file) => {
    const { path } = file;
    if (isVendored(path, isNew) || isElsewhere(path, modules) || path === ".hg_archival.txt")
      return false;
    checkFilePath(path);
    if (path.toLowerCase() === "go.mod" && path !== "go.mod")
      throw bad(`${path}: go.mod has lower case letters`);
    collide(path, false, seen);
    if (!file.isRegular) return false;
    size += file.size;
    if (size > ZIP_LIMIT) throw tooLarge();
    if ((path === "go.mod" || path === "LICENSE") && file.size > LICENSE_LIMIT)
      throw bad(`${path} is larger than ${humanSize(LICENSE_LIMIT)}`);
    return true;
  });
}

/** The same rules for the files of an archive, which holds nothing but what is a module's. Throws Problem("malformed"). */
export function checkArchived(files: readonly FolderFile[]): void {
  const seen = new Map<string, { path: string; isFolder: boolean }>();
  let total = 0;
  for (const { path, isRegular, size } of files) {
    checkFilePath(path);
    collide(path, false, seen);
    const { folder, base } = split(path);
    if (!isRegular) throw bad(`${path} is no file`);
    if (base.toLowerCase() === "go.mod" && (folder !== "" || base !== "go.mod"))
      throw bad(`${path} is of another module`);
    total += size;
    if (total > ZIP_LIMIT) throw tooLarge();
    if ((path === "go.mod" || path === "LICENSE") && size > LICENSE_LIMIT)
      throw bad(`${path} is larger than ${humanSize(LICENSE_LIMIT)}`);
  }
}

export function tooLarge(): Problem {
  return bad(`its files are more than ${humanSize(ZIP_LIMIT)}`);
}

function bad(why: string): Problem {
  return new Problem("malformed", `No module can be made of this: ${why}`, {
    rule: "sources",
  });
}

function split(path: string): { folder: string; base: string } {
  const at = path.lastIndexOf("/") + 1;
  return { folder: path.slice(0, at), base: path.slice(at) };
}

/** Of another module, in a folder below. */
function isElsewhere(path: string, modules: ReadonlySet<string>): boolean {
  for (let { folder } = split(path); folder !== ""; { folder } = split(folder.slice(0, -1)))
    if (modules.has(folder)) return true;
  return false;
}

/** With the mistakes of Go before 1.24, on which checksums rest. */
function isVendored(path: string, isNew: boolean): boolean {
  if (isNew && path === "vendor/modules.txt") return true;
  let start: number;
  if (path.startsWith("vendor/")) start = "vendor/".length;
  else {
    const at = path.indexOf("/vendor/");
    if (at < 0) return false;
    start = (isNew ? at : 0) + "/vendor/".length;
  }
  return path.slice(start).includes("/");
}

const ELEMENT = /^[\p{L}0-9!#$%&()+,\-.=@[\]^_{}~ ]+$/u;
const DEVICE = /^(con|prn|aux|nul|com[1-9]|lpt[1-9])$/i;

/** As module.CheckFilePath. */
function checkFilePath(path: string): void {
  for (const element of path.split("/")) {
    const why = faultOf(element);
    if (why !== null) throw bad(`${JSON.stringify(path)} has ${why}`);
  }
}

function faultOf(element: string): string | null {
  if (element === "") return "an empty name";
  if (/^\.+$/.test(element)) return "a name of dots";
  if (element.endsWith(".")) return "a name that ends in a dot";
  if (!ELEMENT.test(element)) return "a character that no file of a module may have in its name";
  if (DEVICE.test(element.split(".", 1)[0]!)) return "a name that Windows keeps for itself";
  return null;
}

function collide(
  path: string,
  isFolder: boolean,
  seen: Map<string, { path: string; isFolder: boolean }>,
): void {
  const key = fold(path);
  const other = seen.get(key);
  if (other) {
    if (other.path !== path)
      throw bad(`${JSON.stringify(other.path)} and ${JSON.stringify(path)} differ in case alone`);
    if (other.isFolder !== isFolder || !isFolder)
      throw bad(`${JSON.stringify(path)} is there twice`);
    return;
  }
  seen.set(key, { path, isFolder });
  const at = path.lastIndexOf("/");
  if (at > 0) collide(path.slice(0, at), true, seen);
}

/** Letters that differ in case alone, as one. */
function fold(path: string): string {
  return [...path].map((letter) => letter.toUpperCase().toLowerCase()).join("");
}
