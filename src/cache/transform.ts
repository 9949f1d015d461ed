// What is done with the bytes of large documents and artifacts, away from the loop that serves requests.
import { rm } from "node:fs/promises";
import type { DocumentRef, Fact, Overlay, Source, ViewRequest } from "../core/document.ts";
import type { Format } from "../core/format.ts";
import { Problem } from "../core/problem.ts";
import { shortageOf } from "../core/shortage.ts";
import { checkpoint } from "../store/database.ts";
import { hashFile, openRandom, writeGzip } from "../store/sink.ts";
import { openFileSource } from "../store/source.ts";
import { collectSkipped, type SkippedEntries } from "./documents/skipped.ts";
import { runTask, type TaskJob } from "./task.ts";

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
      /** Of the blob at `input`. */
      sha256: string;
      overlay: Overlay;
      view: ViewRequest;
      output: string;
    }
  | { op: "checkpoint"; input: string }
  | { op: "content"; format: string; input: string }
  | TaskJob
  | {
      op: "digest";
      format: string;
      algorithm: string;
      input: string;
      artifact: { package: string; version: string };
    };

export interface Results {
  /** `stored`: the gzip file at `output`, or at `input` when that was gzip already. */
  ingest: {
    facts: Fact[];
    skipped: SkippedEntries;
    size: number;
    stored: { path: string; size: number; sha256: string };
  };
  extract: Record<string, unknown>;
  /** Size in bytes of the gzip at `output`. */
  render: { size: number };
  checkpoint: undefined;
  /** Base64. */
  digest: string;
  content: string;
  /** Whatever the task returns. */
  task: unknown;
}

export type Transform = <J extends Job>(job: J) => Promise<Results[J["op"]]>;

/** A document that was just read is rendered next, as a rule: it need not be parsed again for that. */
const KEEP_PARSED_MS = 2_000;

/** Does jobs where it stands. The worker calls it; so do tests. */
export function createTransform(formats: readonly AnyFormat[]): Transform {
  const byName = new Map(formats.map((format) => [format.name, format]));
  let last: { sha256: string; source: Source } | null = null;
  let forget: ReturnType<typeof setTimeout> | undefined;

  async function run(job: Job): Promise<unknown> {
    if (job.op === "checkpoint") return checkpoint(job.input);
    const format = byName.get(job.format)!;
    if (job.op === "digest") return digest(format, job);
    if (job.op === "content") return content(format, job.input);
    if (job.op === "task") return runTask(format, job);
    const type = format.documents[job.ref.kind]!;
    if (job.op === "ingest") {
      const source = await openFileSource(job.input, job.encoding, type.limit);
      const result = await ingest(type, source, job);
      // Its file is about to be renamed, so only what is in memory can be used again.
      last = source.isInMemory ? { sha256: result.stored.sha256, source } : null;
      clearTimeout(forget);
      forget = setTimeout(() => {
        last = null;
      }, KEEP_PARSED_MS);
      forget.unref?.();
      return result;
    }
    const kept = job.op === "render" && job.sha256 === last?.sha256 ? last.source : null;
    const source = kept ?? (await openFileSource(job.input, "gzip", type.limit));
    if (job.op === "extract")
      return (await type.extract?.(source, job.ref, new Set(job.files))) ?? {};
    return render(type, source, job);
  }
  return run as Transform;
}

type Type = AnyFormat["documents"][string];

async function digest(format: AnyFormat, job: Job & { op: "digest" }): Promise<string> {
  const file = await openRandom(job.input);
  try {
    return await format.digests![job.algorithm]!(file, job.artifact);
  } finally {
    await file.close();
  }
}

async function content(format: AnyFormat, path: string): Promise<string> {
  const file = await openRandom(path);
  try {
    return await format.contentDigest!(file);
  } finally {
    await file.close();
  }
}

async function ingest(
  type: Type,
  source: Source,
  job: Job & { op: "ingest" },
): Promise<Results["ingest"]> {
  const { skip, skipped } = collectSkipped();
  const facts = await type.facts(source, job.ref, skip);
  const path = job.encoding === "gzip" ? job.input : job.output;
  try {
    const size =
      job.encoding === "gzip" ? await fileSize(path) : await writeGzip(path, source.chunks());
    return {
      facts,
      skipped,
      size: source.size ?? 0,
      stored: { path, size, sha256: await hashFile(path) },
    };
  } catch (error) {
    await rm(job.output, { force: true });
    throw error;
  }
}

async function render(
  type: Type,
  source: Source,
  job: Job & { op: "render" },
): Promise<Results["render"]> {
  const chunks = type.render({ ref: job.ref, source, overlay: job.overlay }, job.view);
  try {
    return { size: await writeGzip(job.output, chunks) };
  } catch (error) {
    await rm(job.output, { force: true });
    throw error;
  }
}

async function fileSize(path: string): Promise<number> {
  const file = await openRandom(path);
  await file.close();
  return file.size;
}

/** How a failure crosses from the worker to the server and stays a Problem. */
export interface PackedError {
  /** Null for a bug, whose stack is the message. */
  kind: Problem["kind"] | null;
  message: string;
  rule?: string | null;
  event?: string | null;
  detail?: Record<string, unknown> | null;
}

export function packError(error: unknown): PackedError {
  const problem = error instanceof Problem ? error : shortageOf(error);
  if (problem) {
    const { kind, message, rule, event, detail } = problem;
    return { kind, message, rule, event, detail };
  }
  return {
    kind: null,
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}

export function unpackError({ kind, message, rule, event, detail }: PackedError): Error {
  if (!kind) return new Error(message);
  return new Problem(kind, message, {
    ...(rule && { rule }),
    ...(event && { event }),
    ...(detail && { detail }),
  });
}
