// Reads SHA256SUMS files. sha256sum(1)
import type { TaskInput } from "../../core/task.ts";
import { isHash } from "./hashes.ts";
import { cleanPath } from "./index-names.ts";

const LINE = /^([0-9a-f]{64}) [ *](.+)$/i;
const MOST = 20_000;

/** Task: the files that the list names, each with its SHA-256. Other lines are passed over: what they might name stays unknown. */
export async function sums({ files: [list] }: TaskInput): Promise<[path: string, hash: string][]> {
  const parts: Uint8Array[] = [];
  for await (const part of list!.chunks()) parts.push(part);
  const found: [string, string][] = [];
  for (const line of Buffer.concat(parts).toString().split("\n")) {
    const [, hash = "", name = ""] = LINE.exec(line.trimEnd()) ?? [];
    const path = cleanPath(name);
    if (path !== null && isHash("SHA256", hash) && found.length < MOST)
      found.push([path, hash.toLowerCase()]);
  }
  return found;
}
