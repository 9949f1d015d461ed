// Clients of servers that wait for what one of them fetches read along: their server follows it from where files are kept (docs/decisions/0060-reading-along.md).
import type { Artifact } from "../core/artifact.ts";
import { Problem } from "../core/problem.ts";
import type { Blobs } from "../store/blobs.ts";
import type { ReadDatabase } from "../store/database.ts";
import type { Fill } from "../store/fill.ts";
import type { Lease, Leases } from "../store/leases.ts";
import type { Heard, Receiving } from "../store/relay.ts";
import { readStored } from "./artifact-rows.ts";
import { LIMIT } from "./collect.ts";
import { type ReadAlong, unlessBusy } from "./fetch-once.ts";

/** How often who fetches looks for who waits, and who waits for what there is. */
const PAUSE_MS = 250;
/** What is there within this time is not passed on: that would only delay it. */
const SOON_MS = 1_000;
/** What does not grow for so long is not coming, unless all of it has come. */
const STANDSTILL_MS = 25_000;
/** For so long a refusal is told: others look for what is told every `PAUSE_MS`. */
const TOLD_MS = 1_500;

/** A file on its way that clients may read along, here or at another server. */
export interface Underway {
  fill: Fill;
  /** Bytes in all, where the upstream says it. */
  size: number | null;
  /** Where it is fetched, as `UpstreamRequest.path`. */
  path: string;
}

/** What the lease of a fill tells: how much of a file others can have, or why nobody gets it. */
type Told =
  | { id: string; bytes: number; isAll: boolean; size: number | null; path: string }
  | { refused: string };

export interface ReadAlongDeps {
  leases: Leases;
  blobs: Blobs;
  database: ReadDatabase;
  repository: string;
  /** Another server waits for what is fetched here. */
  awaited(): void;
  /** Another server found the file to be false. */
  refused(problem: Problem): void;
}

/** `lease`: its name. */
export function createReadAlong(
  { leases, blobs, database, repository, awaited, refused }: ReadAlongDeps,
  { package: name, file, limit = LIMIT }: Artifact,
  lease: string,
): ReadAlong<Underway> {
  /** The digest of what is stored by now; null where nothing is, or nobody can say. */
  async function stored(): Promise<string | null> {
    const row = await readStored(database.read, { repository, package: name, file });
    if (!row) return null;
    // A row outlives bytes that are lost, which are what is fetched then.
    return (await blobs.stored(row.sha256))?.size === row.size ? row.sha256 : null;
  }

  /** What clients here read along, whoever fetches it, and how far that one is. */
  let reading: Receiving | null = null;
  let heard: { id: string; bytes: number } | null = null;
  /** Resolves when the one that fetches gives it up, or has died: it is somebody's turn. */
  let over = Promise.withResolvers<void>();
  /** Why it is no use to wait for another one. */
  let failure: { error: unknown } | null = null;

  /** Resolves when there is more. */
  async function hear(): Promise<Heard> {
    let end = performance.now() + STANDSTILL_MS;
    for (; performance.now() < end; await pause()) {
      if (failure) throw failure.error;
      const text = await unlessBusy(leases.listen(lease));
      // In this order: what was stored is so before it is let go of.
      const sha256 = await unlessBusy(stored());
      if (sha256) return { sha256 };
      if (text === undefined || sha256 === undefined) continue;
      const told = read(text);
      if (told && "refused" in told) throw refusal(told.refused);
      if (heard && told?.id !== heard.id) {
        heard = null;
        over.resolve();
        over = Promise.withResolvers();
      }
      // While all has come it is proven and stored, however long that takes; and not when nobody says so any more.
      if (told?.isAll) end = Number.POSITIVE_INFINITY;
      else if (end === Number.POSITIVE_INFINITY) end = performance.now() + STANDSTILL_MS;
      if (!told) continue;
      if (told.bytes === heard?.bytes) continue;
      heard = { id: told.id, bytes: told.bytes };
      return heard;
    }
    throw new Problem("unreachable", `Nothing more comes of ${file} of ${name}`);
  }

  function refusal(why: string): Problem {
    const problem = new Problem("tampered", why);
    refused(problem);
    return problem;
  }

  /** One after the other: a refusal is the last word. */
  let telling: Promise<boolean> = Promise.resolve(true);
  function tell(held: Lease, told: Told): Promise<boolean> {
    telling = telling.catch(() => true).then(() => held.tell(JSON.stringify(told)));
    return telling;
  }

  return {
    async send(held, { fill, size, path }) {
      await pause(SOON_MS);
      while (fill.state === "running" && !(await unlessBusy(held.isAwaited()))) await pause();
      if (fill.state !== "running") return;
      awaited();
      await blobs.relay.send(fill, size, async (id, bytes) => {
        const isAll = fill.written === size;
        return fill.state === "running" && tell(held, { id, bytes, isAll, size, path });
      });
    },
    async fail(held, error) {
      failure = { error };
      if (!held || !(error instanceof Problem) || error.kind !== "tampered") return;
      if (!(await held.isAwaited())) return;
      await tell(held, { refused: error.message });
      await pause(TOLD_MS);
    },
    async follow(text, announce) {
      const told = read(text);
      if (!told) return false;
      if ("refused" in told) throw refusal(told.refused);
      try {
        if (!reading) {
          heard = { id: told.id, bytes: -1 };
          reading = await blobs.relay.receive(told.id, limit, hear);
          reading.done.catch(() => {}); // it goes on while it is this server's turn
          announce({ fill: reading.fill, size: told.size, path: told.path });
        }
        await Promise.race([reading.done, over.promise]);
        return true;
      } catch (error) {
        if (!(error instanceof Problem) || error.kind === "tampered") throw error;
        return false;
      }
    },
  };
}

/** Removes what servers left in the place through which others followed them. */
export async function sweepRelay({ database, blobs }: Pick<ReadAlongDeps, "database" | "blobs">) {
  await blobs.relay.sweep(async () => {
    const rows = await database.read`SELECT told FROM leases WHERE told IS NOT NULL`;
    return new Set(
      rows.flatMap((row) => {
        const told = read(row.told);
        return told && "id" in told ? [told.id] : [];
      }),
    );
  });
}

/** Null where nothing is told, or something that this version does not know. */
function read(text: string | null): Told | null {
  const told = text === null ? null : JSON.parse(text);
  const isKnown = typeof told?.id === "string" || typeof told?.refused === "string";
  return isKnown ? told : null;
}

function pause(ms = PAUSE_MS): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
