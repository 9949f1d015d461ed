// Go's "h1:" hash of a module zip and of a lone go.mod. https://go.dev/ref/mod#go-sum-files
import { createHash } from "node:crypto";
import {
  readAhead,
  readDirectory,
  readEntry,
  type ZipLimits,
  zipLimits,
} from "../../archive/zip.ts";
import type { RandomAccess } from "../../core/artifact.ts";
import { Problem } from "../../core/problem.ts";

// The go command itself refuses more: golang.org/x/mod/zip.MaxZipFile, for packed and unpacked size alike.
const LIMITS: ZipLimits = { ...zipLimits, entrySize: 500 * 2 ** 20, totalSize: 500 * 2 ** 20 };
/** Unpacked bytes after which other work gets its turn. */
const TURN = 2 ** 20;
const MOD_LIMIT = 16 * 2 ** 20;

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Base64, without the "h1:", over the sorted names of all entries and the SHA-256 of their contents. */
export async function hashZip(file: RandomAccess): Promise<string> {
  const entries = await readDirectory(file, LIMITS);
  const ahead = readAhead(file);
  const digests = new Map<string, { name: Uint8Array; sha256: string }>();
  let sinceTurn = 0;
  for (const entry of entries.sort((a, b) => a.offset - b.offset)) {
    if (entry.rawName.includes(0x0a) || digests.has(entry.name))
      throw new Problem("malformed", `Not a module zip: unusable or repeated name ${entry.name}`);
    const hash = createHash("sha256");
    for await (const chunk of readEntry(ahead, entry)) {
      hash.update(chunk);
      sinceTurn += chunk.length;
      if (sinceTurn < TURN) continue;
      sinceTurn = 0;
      await nextTurn();
    }
    digests.set(entry.name, { name: entry.rawName, sha256: hash.digest("hex") });
  }
  const total = createHash("sha256");
  // By bytes, as Go sorts strings; JavaScript would sort by UTF-16 units.
  const sorted = [...digests.values()].sort((a, b) => Buffer.compare(a.name, b.name));
  for (const { name, sha256 } of sorted) total.update(`${sha256}  `).update(name).update("\n");
  return total.digest("base64");
}

/** Base64, without the "h1:", of a go.mod as go.sum's "/go.mod" lines have it. */
export async function hashMod(file: RandomAccess): Promise<string> {
  if (file.size > MOD_LIMIT) throw new Problem("malformed", "Not a go.mod: larger than 16 MiB");
  const sha256 = createHash("sha256")
    .update(await file.read(0, file.size))
    .digest("hex");
  return createHash("sha256").update(`${sha256}  go.mod\n`).digest("base64");
}
