// What is in a tarball that somebody publishes: its package.json, its readme, and how much it unpacks to.
import { unpackedLimit } from "../../archive/check.ts";
import { decompressed } from "../../archive/decompress.ts";
import { piecesOf } from "../../archive/pieces.ts";
import { readTar } from "../../archive/tar.ts";
import type { RandomAccess } from "../../core/artifact.ts";
import { readJson } from "../../core/json.ts";
import { Problem } from "../../core/problem.ts";
import { isObject, type Manifest } from "./types.ts";

const MANIFEST = 4 * 1024 * 1024;
/** Of a readme as much is kept. */
const README = 256 * 1024;

export interface TarballInside {
  manifest: Manifest;
  readme: string;
  files: number;
  unpackedSize: number;
}

/** Reads all of it. Throws Problem("badRequest") for what is no package. */
export async function readTarball(file: RandomAccess): Promise<TarballInside> {
  try {
    return await read(file);
  } catch (error) {
    if (!(error instanceof Problem) || error.kind !== "malformed") throw error;
    throw new Problem("badRequest", `The tarball cannot be read: ${error.message}`, {
      cause: error,
    });
  }
}

async function read(file: RandomAccess): Promise<TarballInside> {
  let manifest: Manifest | null = null;
  let readme: string | null = null;
  let files = 0;
  let unpackedSize = 0;
  for await (const entry of readTar(
    decompressed("tarball.tar.gz", piecesOf(file), unpackedLimit(file)),
  )) {
    if (entry.type !== "file") continue;
    files += 1;
    unpackedSize += entry.size;
    const name = rootName(entry.name);
    if (name?.toLowerCase() === "package.json") {
      // Clients unpack the last one, and other readers may believe the first.
      if (manifest || name !== "package.json")
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
  return { manifest, readme: readme ?? "", files, unpackedSize };
}

/** Of an entry that stands in the one folder of the archive; null for all others. Clients drop the folder, whatever it is called. */
function rootName(path: string): string | null {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  return parts.length === 2 ? parts[1]! : null;
}

function manifestOf(text: string): Manifest {
  let value: unknown;
  try {
    value = readJson(Buffer.from(text.replace(/^\ufeff/, "")));
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
