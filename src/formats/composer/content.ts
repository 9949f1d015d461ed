// What an archive holds, as a digest, where that can be read here.
import { treeDigest } from "../../archive/tree.ts";
import type { RandomAccess } from "../../core/artifact.ts";

export const ZIP = "PK\x03\x04";
export const GZIP = "\x1f\x8b";
/** Tars that Composer's PharData unpacks and `archive/tree.ts` does not. */
export const BZIP2 = "BZh";
/** Stands in each archive of PHP's own form. https://www.php.net/manual/en/phar.fileformat.stub.php */
export const PHAR_END = "__HALT_COMPILER();";
const PIECE = 256 * 1024;

/** The tree of a zip and a tar; null for what is held to its bytes alone. Throws Problem("malformed") for what is neither. */
export async function contentDigest(
  file: RandomAccess,
  { file: name }: { file: string },
): Promise<string | null> {
  return (await isReadable(file, name)) ? treeDigest(file) : null;
}

/** Whether it should be an archive whose tree can be read. `name`: "<version>/<reference>.<type>". */
export async function isReadable(file: RandomAccess, name: string): Promise<boolean> {
  const type = name.slice(name.lastIndexOf(".") + 1);
  return type === "zip" || (type === "tar" && !(await begins(file, BZIP2)));
}

/** `start`: bytes as Latin-1. */
export async function begins(file: RandomAccess, start: string): Promise<boolean> {
  return latin(await file.read(0, Math.min(start.length, file.size))) === start;
}

/** Whether some bytes stand anywhere in it; as Latin-1. */
export async function holds(file: RandomAccess, text: string): Promise<boolean> {
  let before = "";
  for (let at = 0; at < file.size; ) {
    const piece = await file.read(at, Math.min(PIECE, file.size - at));
    if (piece.length === 0) return false;
    const both = before + latin(piece);
    if (both.includes(text)) return true;
    before = both.slice(-text.length);
    at += piece.length;
  }
  return false;
}

function latin(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
