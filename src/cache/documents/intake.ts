// The bytes of a document on their way in: received, read for facts, and stored as gzip.
import { createHash } from "node:crypto";
import type { DocumentRef, DocumentType, Fact, Source } from "../../core/document.ts";
import { Problem } from "../../core/problem.ts";
import type { UpstreamResponse } from "../../core/upstream.ts";
import type { Blobs, Incoming } from "../../store/blobs.ts";
import { gzip } from "../../store/sink.ts";
import { gunzipUpTo, memorySource } from "../../store/source.ts";
import type { Transform } from "../../worker/job.ts";
import { collectSkipped, type SkippedEntries } from "../../worker/skipped.ts";
import { isGzip, refuseUnknown } from "../codings.ts";
import type { Naming } from "../named.ts";
import { INLINE_LIMIT } from "./state.ts";

/** What is longer goes to a file while it comes. Bytes, as they travel. */
const MEMORY_LIMIT = 128 * 1024;

/** Losing it costs one more fetch (docs/decisions/0007-no-sync-for-fetched-bytes.md). */
const FETCHED = { durable: false };

export interface IntakeDeps {
  format: string;
  types: Record<string, DocumentType>;
  blobs: Blobs;
  naming: Naming;
  transform: Transform;
}

export type Received = { sha256: string; isGzip: boolean } & (
  | { bytes: Uint8Array }
  | { incoming: Incoming }
);

export interface Taken {
  facts: Fact[];
  skipped: SkippedEntries;
  blob: string;
  size: number;
  storedSize: number;
  source?: Source;
  /** To be called when a row names the blob, or none will: until then it is not removed. */
  letGo(): void;
}

export interface Intake {
  /** The bytes as they come. Throws Problem("malformed") past `limit` bytes. */
  receive(response: UpstreamResponse, limit: number): Promise<Received>;
  /** Reads the facts and stores the bytes as gzip: here when small, in the worker when large. */
  ingest(ref: DocumentRef, response: UpstreamResponse, received: Received): Promise<Taken>;
}

export function createIntake(deps: IntakeDeps): Intake {
  const { blobs } = deps;

  async function receive(response: UpstreamResponse, limit: number): Promise<Received> {
    const hash = createHash("sha256");
    let parts: Uint8Array[] = [];
    let first = Buffer.alloc(0);
    let size = 0;
    let incoming: Incoming | null = null;
    try {
      for await (const chunk of response.body) {
        size += chunk.length;
        if (size > limit)
          throw new Problem("malformed", `The document is larger than ${limit} bytes`);
        hash.update(chunk);
        if (first.length < 2) first = Buffer.concat([first, chunk.subarray(0, 2)]);
        if (incoming) await incoming.write(chunk);
        else parts.push(chunk);
        if (!incoming && size > MEMORY_LIMIT) {
          incoming = await blobs.begin();
          for (const part of parts) await incoming.write(part);
          parts = [];
        }
      }
    } catch (error) {
      await incoming?.abandon();
      throw error;
    }
    const digest = hash.digest("hex");
    const told = { sha256: digest, isGzip: isGzip(first) };
    return incoming ? { incoming, ...told } : { bytes: Buffer.concat(parts), ...told };
  }

  async function ingest(
    ref: DocumentRef,
    response: UpstreamResponse,
    received: Received,
  ): Promise<Taken> {
    refuseUnknown(response, `the ${ref.kind} ${ref.key}`);
    // Its first bytes tell more than its label does. A document that is named for gzip is meant to be it.
    const encoding = received.isGzip && !/\.gz$/i.test(ref.path) ? "gzip" : "identity";
    const type = deps.types[ref.kind]!;
    const told = { ...ref, url: response.url };
    if ("bytes" in received) {
      const plain = encoding === "gzip" ? gunzipUpTo(received.bytes, INLINE_LIMIT) : received.bytes;
      if (plain && plain.length <= INLINE_LIMIT) {
        const source = memorySource(plain);
        const { skip, skipped } = collectSkipped();
        const facts = await type.facts(source, told, skip);
        const stored = encoding === "gzip" ? received.bytes : gzip(plain);
        const blob = encoding === "gzip" ? received.sha256 : sha256(stored);
        const letGo = await held(blob, () => blobs.put(blob, stored, FETCHED));
        const { length: storedSize } = stored;
        return { facts, skipped, blob, size: plain.length, storedSize, source, letGo };
      }
    }
    const incoming = "incoming" in received ? received.incoming : await blobs.begin();
    const output = `${incoming.path}-gzip`;
    try {
      if ("bytes" in received) await incoming.write(received.bytes);
      const { facts, skipped, size, stored } = await deps.transform({
        op: "ingest",
        format: deps.format,
        ref: told,
        input: incoming.path,
        encoding,
        output,
      });
      const { sha256: blob } = stored;
      const letGo = await held(blob, () =>
        stored.path === incoming.path
          ? incoming.commit(blob, FETCHED)
          : blobs.adopt(stored.path, blob, FETCHED),
      );
      return { facts, skipped, blob, size, storedSize: stored.size, letGo };
    } finally {
      await incoming.abandon();
      await blobs.discard(output);
    }
  }

  /** Gives the bytes their name, and keeps it. */
  async function held(sha256: string, name: () => Promise<void>): Promise<() => void> {
    const letGo = await deps.naming.hold(sha256);
    try {
      await name();
      return letGo;
    } catch (error) {
      letGo();
      throw error;
    }
  }

  return { receive, ingest };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
