// What a client sends, on its way to disk: counted and hashed piece by piece, so that its size costs no memory.
import { createHash, type Hash } from "node:crypto";
import type { Upload } from "../core/hosting.ts";
import { Problem } from "../core/problem.ts";
import { humanSize } from "../core/size.ts";
import type { Incoming } from "../store/blobs.ts";
import { openRandom } from "../store/sink.ts";
import type { HostedDeps, HostedSettings } from "./deps.ts";
import { overQuota, readUsage, roomOf } from "./usage.ts";
import { readWaiting } from "./waiting.ts";

export interface Receiver {
  /** Throws Problem("full") when so many bytes more are over a quota, and Problem("tooLarge") when no file may have as many. */
  admit(account: string, size: number): Promise<void>;
  receive(
    account: string,
    chunks: AsyncIterable<Uint8Array>,
    limit: number,
    algorithms: readonly string[],
  ): Promise<Upload>;
  /** Where an upload's bytes stand; null for what was not received just now. */
  incomingOf(upload: Upload): Incoming | null;
}

export function createReceiver(deps: HostedDeps, settings: HostedSettings): Receiver {
  const { repository } = settings;
  const uploads = new WeakMap<Upload, Incoming>();
  /** Bytes that came and are not published yet, by account: parallel uploads share what room there is. */
  const coming = new Map<string, number>();

  function reserve(account: string, bytes: number): void {
    const left = (coming.get(account) ?? 0) + bytes;
    if (left > 0) coming.set(account, left);
    else coming.delete(account);
  }

  async function roomFor(account: string) {
    const stored = await readUsage(deps.database.read, repository, account);
    const waiting = await readWaiting(deps.database.read, repository, account);
    return () => {
      let all = stored.all + waiting.all;
      for (const bytes of coming.values()) all += bytes;
      return roomOf(settings, {
        all,
        own: stored.own + waiting.own + (coming.get(account) ?? 0),
      });
    };
  }

  async function admit(account: string, size: number): Promise<void> {
    if (size > settings.fileLimit) throw tooLarge(settings.fileLimit);
    const { bytes, rule } = (await roomFor(account))();
    if (bytes < size) throw overQuota(repository, settings, rule);
  }

  async function receive(
    account: string,
    chunks: AsyncIterable<Uint8Array>,
    limit: number,
    algorithms: readonly string[],
  ): Promise<Upload> {
    const room = await roomFor(account);
    const bound = Math.min(limit, settings.fileLimit);
    const hashes = hashesOf(["sha256", ...algorithms]);
    const incoming = await deps.blobs.begin();
    let size = 0;
    const letGo = () => {
      reserve(account, -size);
      size = 0;
    };
    try {
      for await (const chunk of chunks) {
        if (size + chunk.length > bound) throw tooLarge(bound);
        const { bytes, rule } = room();
        if (chunk.length > bytes) throw overQuota(repository, settings, rule);
        size += chunk.length;
        reserve(account, chunk.length);
        for (const hash of hashes.values()) hash.update(chunk);
        await incoming.write(chunk);
      }
    } catch (error) {
      letGo();
      await incoming.abandon();
      throw error;
    }
    const sha256 = hashes.get("sha256")!.copy().digest("hex");
    const digests = Object.fromEntries(
      algorithms.map((name) => [name, hashes.get(name)!.copy().digest("base64")]),
    );
    const upload: Upload = {
      sha256,
      size,
      digests,
      open: () => openRandom(incoming.path),
      async discard() {
        letGo();
        await incoming.abandon(); // a no-op once it was published
      },
    };
    uploads.set(upload, incoming);
    return upload;
  }

  return {
    admit,
    receive,
    incomingOf: (upload) => uploads.get(upload) ?? null,
  };
}

function hashesOf(algorithms: readonly string[]): Map<string, Hash> {
  return new Map(algorithms.map((name) => [name, createHash(name)]));
}

function tooLarge(bytes: number): Problem {
  return new Problem("tooLarge", `No file here may be larger than ${humanSize(bytes)}`, {
    rule: "hosted.fileLimit",
  });
}
