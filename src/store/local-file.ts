// A file of this machine that somebody names, outside of the data directory: read once, in pieces.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import type { GivenFile } from "../core/hosting.ts";
import { Problem } from "../core/problem.ts";

const PIECE = 256 * 1024;

/** `path`: from the root. Throws Problem("notFound") where there is no such file, or this process may not read it. */
export async function localFile(path: string): Promise<GivenFile> {
  const found = await stat(path).catch((error) => {
    throw unreadable(path, error);
  });
  if (!found.isFile()) throw new Problem("badRequest", `${path} is no file`);
  return { name: basename(path), size: found.size, chunks: chunksOf(path) };
}

async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: PIECE });
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): Problem {
  const { code, message } = error as NodeJS.ErrnoException;
  const why = code === "ENOENT" ? "there is no such file" : message;
  return new Problem("notFound", `The server cannot read ${path}: ${why}`, { cause: error });
}
