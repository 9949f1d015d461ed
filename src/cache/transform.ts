// What is done with the bytes of large documents and artifacts, away from the loop that serves requests.
import { rm } from "node:fs/promises";
import type { DocumentRef, Fact, Format, Overlay, Source, ViewRequest } from "../core/format.ts";
import { Problem } from "../core/problem.ts";
import { checkpoint } from "../store/database.ts";
import { hashFile, openRandom, writeGzip } from "../store/sink.ts";
import { fileSource } from "../store/source.ts";

// biome-ignore lint/suspicious/noExplicitAny: each format has its own Route and Options, which only it reads
export type AnyFormat = Format<any, any>;

/** One piece of work, as it is sent to the worker. Paths are of files in the data directory. */
export type Job =
  | {
      op: "ingest";
      format: string;
      ref: DocumentRef;
      input: string;
      encoding: "gzip" | "identity";
      output: string;
    }
  | { op: "extract"; format: string; ref: DocumentRef; input: string; files: string[] }
  | {
      op: "render";
      format: string;
      ref: DocumentRef;
      input: string;
      overlay: Overlay;
      view: ViewRequest;
      output: string;
    }
  | { op: "checkpoint"; input: string }
  | {
      op: "digest";
      format: string;
      algorithm: string;
      input: string;
      artifact: { package: string; version: string };
    };

export interface Results {
  /** `stored`: the gzip file at `output`, or at `input` when that was gzip already. */
  ingest: { facts: Fact[]; size: number; stored: { path: string; size: number; sha256: string } };
  extract: Record<string, unknown>;
  /** Size in bytes of the gzip at `output`. */
  render: { size: number };
  checkpoint: undefined;
  /** Base64. */
  digest: string;
}

export type Transform = <J extends Job>(job: J) => Promise<Results[J["op"]]>;

/** Does jobs where it stands. The worker calls it; so do tests. */
export function createTransform(formats: readonly AnyFormat[]): Transform {
  const byName = new Map(formats.map((format) => [format.name, format]));
  async function run(job: Job): Promise<unknown> {
    if (job.op === "checkpoint") return checkpoint(job.input);
    const format = byName.get(job.format)!;
    if (job.op === "digest") {
      const file = await openRandom(job.input);
      try {
        return await format.digests![job.algorithm]!(file, job.artifact);
      } finally {
        await file.close();
      }
    }
    const type = format.documents[job.ref.kind]!;
    if (job.op === "ingest") return ingest(type, job);
    const source = fileSource(job.input, "gzip", null, type.limit);
    if (job.op === "extract")
      return (await type.extract?.(source, job.ref, new Set(job.files))) ?? {};
    const chunks = type.render({ ref: job.ref, source, overlay: job.overlay }, job.view);
    try {
      return { size: await writeGzip(job.output, chunks) };
    } catch (error) {
      await rm(job.output, { force: true });
      throw error;
    }
  }
  return run as Transform;
}

async function ingest(
  type: AnyFormat["documents"][string],
  job: Job & { op: "ingest" },
): Promise<Results["ingest"]> {
  const counted = countedSource(fileSource(job.input, job.encoding, null, type.limit));
  const facts = await type.facts(counted, job.ref);
  const size = await counted.total();
  const path = job.encoding === "gzip" ? job.input : job.output;
  try {
    const stored =
      job.encoding === "gzip"
        ? await openRandomSize(path)
        : await writeGzip(path, fileSource(job.input, "identity", null, type.limit).chunks());
    return { facts, size, stored: { path, size: stored, sha256: await hashFile(path) } };
  } catch (error) {
    await rm(job.output, { force: true });
    throw error;
  }
}

async function openRandomSize(path: string): Promise<number> {
  const file = await openRandom(path);
  await file.close();
  return file.size;
}

/** A source that knows its size once it was read to the end; `total` reads it where that has not happened. */
function countedSource(inner: Source): Source & { total(): Promise<number> } {
  let size: number | null = null;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    let sum = 0;
    for await (const chunk of inner.chunks()) {
      sum += chunk.length;
      yield chunk;
    }
    size = sum;
  }
  return {
    size: inner.size,
    chunks,
    text: () => inner.text(),
    json: () => inner.json(),
    async total() {
      if (size === null) for await (const _ of chunks());
      return size!;
    },
  };
}

/** How a failure crosses from the worker to the server and stays a Problem. */
export function packError(error: unknown): { kind: Problem["kind"] | null; message: string } {
  if (error instanceof Problem) return { kind: error.kind, message: error.message };
  if ((error as NodeJS.ErrnoException)?.code === "ENOSPC")
    return { kind: "full", message: "The disk that holds the data directory is full" };
  return {
    kind: null,
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}

export function unpackError(packed: ReturnType<typeof packError>): Error {
  return packed.kind ? new Problem(packed.kind, packed.message) : new Error(packed.message);
}
