// The work itself: what is done with the bytes of large documents and artifacts, away from the loop that serves requests.
import type { Source } from "../core/document.ts";
import type { AnyFormat } from "../core/format.ts";
import type { HostedPackage } from "../core/hosted.ts";
import { checkpoint } from "../store/database.ts";
import { hashFile, openRandom, removeFile, sizeOf, writeGzip } from "../store/sink.ts";
import { memorySource, openFileSource, readGzipText } from "../store/source.ts";
import type { Job, Results, Transform } from "./job.ts";
import { collectSkipped } from "./skipped.ts";
import { runTask } from "./task.ts";

/** A document that was just read is rendered next, as a rule: it need not be parsed again for that. */
const KEEP_PARSED_MS = 2_000;

/** Does jobs where it stands. The threads call it; so do tests. */
export function createTransform(formats: readonly AnyFormat[]): Transform {
  const byName = new Map(formats.map((format) => [format.name, format]));
  let last: { sha256: string; source: Source } | null = null;
  let forget: ReturnType<typeof setTimeout> | undefined;

  async function run(job: Job): Promise<unknown> {
    if (job.op === "checkpoint") return checkpoint(job.input);
    const format = byName.get(job.format)!;
    if (job.op === "digest") return digest(format, job);
    if (job.op === "check") return check(format, job);
    if (job.op === "content") return content(format, job);
    if (job.op === "task") return runTask(format, job);
    const type = format.documents[job.ref.kind]!;
    if (job.op === "compose") return compose(type, job);
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

async function check(format: AnyFormat, job: Job & { op: "check" }): Promise<void> {
  const file = await openRandom(job.input);
  try {
    await format.artifacts[job.artifact.kind]!.check(file, job.artifact);
  } finally {
    await file.close();
  }
}

async function content(format: AnyFormat, job: Job & { op: "content" }): Promise<string | null> {
  const file = await openRandom(job.input);
  try {
    return await format.contentDigest!(file, job.artifact);
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
      job.encoding === "gzip" ? await sizeOf(path) : await writeGzip(path, source.chunks());
    return {
      facts,
      skipped,
      size: source.size ?? 0,
      stored: { path, size, sha256: await hashFile(path) },
    };
  } catch (error) {
    await removeFile(job.output);
    throw error;
  }
}

async function compose(
  type: Type,
  { ref, input, output }: Job & { op: "compose" },
): Promise<Results["compose"]> {
  const hosted = JSON.parse(await readGzipText(input)) as HostedPackage;
  const text = type.compose?.(hosted, ref) ?? null;
  if (text === null) return { size: null };
  const bytes = Buffer.from(text);
  try {
    await writeGzip(output, memorySource(bytes).chunks());
  } catch (error) {
    await removeFile(output);
    throw error;
  }
  return { size: bytes.length };
}

async function render(
  type: Type,
  source: Source,
  job: Job & { op: "render" },
): Promise<Results["render"]> {
  const chunks = type.render(
    { ref: job.ref, source, overlay: job.overlay, withheld: job.withheld },
    job.view,
  );
  try {
    return { size: await writeGzip(job.output, chunks) };
  } catch (error) {
    await removeFile(job.output);
    throw error;
  }
}
