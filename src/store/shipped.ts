// Files that this program carries.
import { readFile } from "node:fs/promises";

/** All of one, which was imported as a file. What an executable carries can be read, and not opened. */
export async function shippedFile(path: string): Promise<Uint8Array> {
  return readFile(path);
}
