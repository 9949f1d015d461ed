// What is in a tarball that somebody publishes: its package.json, its readme, and how much it unpacks to.
import { unpackedLimit } from "../../archive/check.ts";
import { decompressed } from "../../archive/decompress.ts";
import { piecesOf } from "../../archive/pieces.ts";
import { readTar, tarLimits } from "../../archive/tar.ts";
import type { RandomAccess } from "../../core/artifact.ts";
import { jsonFault, readJson } from "../../core/json.ts";
import { Problem } from "../../core/problem.ts";
import { type Beside, commandFolder, filledIn } from "./filled.ts";
import { NESTING } from "./hosted.ts";
import { isObject, type Manifest } from "./types.ts";

const MANIFEST = 1024 * 1024;
/** Files of a folder that are commands. */
const COMMANDS = 1_000;
/** Of a readme as much is kept. */
const README = 256 * 1024;

export interface TarballInside {
  manifest: Manifest;
  /** The same with what npm fills in from other files. */
  filled: Manifest;
  readme: string;
  files: number;
  unpackedSize: number;
}

/** Reads all of it. Throws Problem("badRequest") for what is no package. */
export async function readTarball(file: RandomAccess): Promise<TarballInside> {
  try {
    const { manifest, hasGyp, ...inside } = await read(file);
    const folder = commandFolder(manifest);
    const commands = folder === null ? [] : await filesBelow(file, folder);
    return { ...inside, manifest, filled: filledIn(manifest, { hasGyp, commands }) };
  } catch (error) {
    if (!(error instanceof Problem) || error.kind !== "malformed") throw error;
    throw new Problem("badRequest", `The tarball cannot be read: ${error.message}`, {
      cause: error,
    });
  }
}

async function read(
  file: RandomAccess,
): Promise<Omit<TarballInside, "filled"> & Pick<Beside, "hasGyp">> {
  let manifest: Manifest | null = null;
  let readme: string | null = null;
  let files = 0;
  let unpackedSize = 0;
  let hasGyp = false;
  for await (const entry of entriesOf(file)) {
    refuseOdd(entry.name);
    if (entry.type !== "file") continue;
    files += 1;
    unpackedSize += entry.size;
    const name = rootName(entry.name);
    if (name && /^[^.].*\.gyp$/.test(name)) hasGyp = true;
    if (name?.toLowerCase() === "package.json") {
      // Clients unpack the last one, and other readers may believe the first.
      if (manifest || name !== "package.json" || partsOf(entry.name).join("/") !== entry.name)
        throw new Problem(
          "badRequest",
          "The tarball has more than one package.json, or one that is spelled otherwise",
        );
      if (entry.size > MANIFEST) throw new Problem("badRequest", "Its package.json is too large");
      manifest = manifestOf(await wholeText(entry.chunks(), MANIFEST));
    } else if (readme === null && name && /^readme(\.(md|markdown|txt))?$/i.test(name))
      readme = await wholeText(entry.chunks(), README);
  }
  if (!manifest) throw new Problem("badRequest", "The tarball has no package.json");
  return { manifest, readme: readme ?? "", files, unpackedSize, hasGyp };
}

function entriesOf(file: RandomAccess) {
  const plain = decompressed("tarball.tar.gz", piecesOf(file), unpackedLimit(file));
  return readTar(plain, { ...tarLimits, isStrict: true });
}

/** Reads the archive again: few packages have such a folder. */
async function filesBelow(file: RandomAccess, folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { type, name } of entriesOf(file)) {
    const path = partsOf(name).slice(1).join("/");
    if (type !== "file" || !path.startsWith(`${folder}/`)) continue;
    if (path.slice(folder.length).includes("/.")) continue; // npm passes hidden ones over
    if (found.push(path) > COMMANDS)
      throw new Problem("badRequest", `Its folder ${folder} has more than ${COMMANDS} commands`);
  }
  return found;
}

/** Of an entry that stands in the one folder of the archive; null for all others. Clients drop the folder, whatever it is called. */
function rootName(path: string): string | null {
  const parts = partsOf(path);
  return parts.length === 2 ? parts[1]! : null;
}

/** Clients drop the first part of a path, whatever that is: of a path without one another part is dropped than of any other. */
function refuseOdd(path: string): void {
  const parts = path.split("/");
  const isOdd = parts[0] === "" || parts[0] === "." || parts.includes("..") || path.includes("\\");
  if (isOdd && parts.some((part) => part.toLowerCase() === "package.json"))
    throw new Problem(
      "badRequest",
      `The tarball has ${JSON.stringify(path.slice(0, 200))}, which clients unpack to different places`,
    );
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

function manifestOf(text: string): Manifest {
  const bytes = Buffer.from(text.replace(/^\ufeff/, ""));
  const fault = jsonFault(bytes, undefined, NESTING);
  if (fault !== null) throw new Problem("badRequest", `The package.json in the tarball ${fault}`);
  let value: unknown;
  try {
    value = readJson(bytes);
  } catch (error) {
    throw new Problem("badRequest", "The package.json in the tarball is not JSON", {
      cause: error,
    });
  }
  if (!isObject(value))
    throw new Problem("badRequest", "The package.json in the tarball is no object");
  return value;
}

/** At most `limit` bytes of it: the rest is passed over. */
async function wholeText(chunks: AsyncIterable<Uint8Array>, limit: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    if (size < limit) parts.push(chunk.subarray(0, limit - size));
    size += chunk.length;
  }
  return Buffer.concat(parts).toString("utf8");
}
