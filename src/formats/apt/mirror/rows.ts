// Reads a whole lookup file, from its first line to its last. See ../lookup-file.ts.
import type { RandomAccess } from "../../../core/artifact.ts";
import { Problem } from "../../../core/problem.ts";
import { isHead, type LookupRow, parseLine } from "../lookup-file.ts";

const PIECE = 256 * 1024;

/** In groups, so that others have their turn in between. Throws Problem("malformed") for what is no lookup file. */
export async function* rowsOf(file: RandomAccess): AsyncGenerator<LookupRow[]> {
  let rest = "";
  for (let offset = 0; offset < file.size; ) {
    const bytes = await file.read(offset, Math.min(PIECE, file.size - offset));
    if (bytes.length === 0) break;
    offset += bytes.length;
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield lines.filter((line) => !isHead(line)).map(rowOf);
  }
  if (rest) throw unreadable(rest);
}

function rowOf(line: string): LookupRow {
  const row = parseLine(line);
  if (!row) throw unreadable(line);
  return row;
}

function unreadable(line: string): Problem {
  return new Problem(
    "malformed",
    `A list of files has the line ${JSON.stringify(line.slice(0, 200))}`,
  );
}
