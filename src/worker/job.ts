// One piece of work on the bytes of documents and artifacts, as it is sent to a thread, and what is known of it before it is done.
import type { NamedArtifact } from "../core/artifact.ts";
import type { DocumentRef, Fact, Overlay, ViewRequest } from "../core/document.ts";
import type { Withheld } from "../core/policy.ts";
import type { Turn } from "../core/task.ts";
import { sizeOf } from "../store/sink.ts";
import type { SkippedEntries } from "./skipped.ts";
import type { TaskJob } from "./task.ts";

/** JSON: it crosses to the thread as text. Paths are of files in the data directory. */
export type Job =
  | {
      op: "ingest";
      format: string;
      ref: DocumentRef;
      input: string;
      encoding: "gzip" | "identity";
      output: string;
    }
  | {
      op: "extract";
      format: string;
      ref: DocumentRef;
      input: string;
      /** Of the document, uncompressed. Bytes. */
      size: number;
      files: string[];
    }
  | {
      op: "render";
      format: string;
      ref: DocumentRef;
      input: string;
      /** Of the blob at `input`. */
      sha256: string;
      /** Of the document, uncompressed. Bytes. */
      size: number;
      overlay: Overlay;
      withheld: Withheld;
      view: ViewRequest;
      output: string;
    }
  | {
      op: "compose";
      format: string;
      ref: DocumentRef;
      /** A gzip file: the HostedPackage as JSON. */
      input: string;
      /** Of that, uncompressed. Bytes. */
      size: number;
      output: string;
    }
  | { op: "checkpoint"; input: string }
  | { op: "content"; format: string; input: string; artifact: Release & { file: string } }
  /** Throws the Problem that `ArtifactType.check` throws. */
  | { op: "check"; format: string; input: string; artifact: NamedArtifact }
  | TaskJob
  | { op: "digest"; format: string; algorithm: string; input: string; artifact: Release };

interface Release {
  package: string;
  version: string;
}

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
  /** Size in bytes of the document whose gzip is at `output`; null when the package has none. */
  compose: { size: number | null };
  checkpoint: undefined;
  /** Base64. */
  digest: string;
  content: string | null;
  check: undefined;
  /** Whatever the task returns. */
  task: unknown;
}

/** What is known of a job beside what is to be done. */
export interface Call extends Turn {
  /** The repository that it is done for: an event tells its operator when it had to be ended. */
  repository?: string;
}

/**
 * Throws the Problem of the work itself; "busy" when too much waits already or the server stops; "unfinished" when it had to be
 * ended. What was written to `output` is removed in all of these cases.
 */
export type Transform = <J extends Job>(job: J, call?: Call) => Promise<Results[J["op"]]>;

/** Who waits behind whom: see docs/decisions/0013-worker-lanes.md. */
export type LaneName = "interactive" | "heavy";

/** What is larger is heavy work. Bytes, uncompressed; takes about a second at most. */
const INTERACTIVE_BYTES = 16 * 1024 * 1024;
/** How much larger documents and indices are than their compressed form: less than that, as a rule. */
const PACKED = 8;

/** Bytes that the job works on, about: uncompressed for documents, as they are for archives. */
export async function weigh(job: Job): Promise<number> {
  switch (job.op) {
    case "checkpoint":
      return 0;
    case "extract":
    case "render":
    case "compose":
      return job.size;
    case "ingest":
      return (await sizeOf(job.input)) * (job.encoding === "gzip" ? PACKED : 1);
    case "task": {
      let total = 0;
      for (const input of job.inputs) total += await sizeOf(input);
      return total * PACKED;
    }
    case "digest":
    case "content":
    case "check":
      return sizeOf(job.input);
  }
}

export function laneOf(job: Job, bytes: number, { isBehind }: Call): LaneName {
  const isSmall = bytes <= INTERACTIVE_BYTES;
  return isSmall && !isBehind && job.op !== "checkpoint" ? "interactive" : "heavy";
}

const LEAST_MS = 60_000;
const MOST_MS = 600_000;

/** How long the job may take: a minute, and a second for each MiB, ten minutes at most. Many times what it takes on a busy machine. */
export function deadlineOf(bytes: number): number {
  const seconds = Math.ceil(Math.max(0, bytes) / 2 ** 20);
  return Math.min(MOST_MS, LEAST_MS + 1000 * seconds);
}

/** The file that the job writes, or null. */
export function outputOf(job: Job): string | null {
  return "output" in job ? job.output : null;
}

/** What the job is about: a package, and words for "… did not finish". */
export function subjectOf(job: Job): { package: string; version?: string; what: string } {
  switch (job.op) {
    case "checkpoint":
      return { package: "", what: "The checkpoint of the database" };
    case "ingest":
      return { package: job.ref.package, what: `Reading the ${job.ref.kind} ${job.ref.key}` };
    case "extract":
      return {
        package: job.ref.package,
        what: `Reading the ${job.ref.kind} ${job.ref.key} stored before`,
      };
    case "render":
      return {
        package: job.ref.package,
        what: `Rendering the ${job.ref.kind} ${job.ref.key} (${job.view.variant})`,
      };
    case "compose":
      return {
        package: job.ref.package,
        what: `Composing the ${job.ref.kind} ${job.ref.key}`,
      };
    case "digest":
      return { ...job.artifact, what: `The digest ${job.algorithm} of ${named(job.artifact)}` };
    case "content":
    case "check":
      return {
        package: job.artifact.package,
        version: job.artifact.version,
        what: `Looking into ${named(job.artifact)}`,
      };
    case "task": {
      const about = words(job.options);
      return { package: about, what: `The task ${job.task}${about && ` of ${about}`}` };
    }
  }
}

function named({ package: name, version }: Release): string {
  return version ? `${name} ${version}` : name;
}

const WORDS = 100;

/** The short words among a task's options say what it is about; the long ones are the bytes that it is done on. */
function words(options: unknown): string {
  if (typeof options !== "object" || options === null) return "";
  const short = Object.values(options).filter(
    (value) => typeof value === "string" && value !== "" && value.length <= WORDS,
  );
  return short.join(" ").slice(0, 2 * WORDS);
}
