// One repository of a code host, for one repository of ours: when it is asked, and what was seen of it.
import { Problem } from "../core/problem.ts";
import type { SourceMatch, SourceRefs } from "../core/source.ts";
import type { Mirrors } from "../git/mirrors.ts";
import type { Events } from "../ledger/events.ts";
import type { Change, Changes } from "../store/changes.ts";
import type { Database } from "../store/database.ts";
import {
  mergeSource,
  noteFailure,
  readRefs,
  readSource,
  type SourceRow,
  touchSource,
} from "./rows.ts";

export interface HostDeps {
  repository: string;
  /** Never asks a code host. */
  offline: boolean;
  mirrors: Mirrors;
  database: Database;
  /** Other servers, and other processes of this one, have seen something new of it as well. */
  changes: Pick<Changes, "note" | "announce" | "everywhere">;
  events: Pick<Events, "store" | "announce">;
  /** Counts what came of a question. `names`: of the entry of `sources` that it was asked for. */
  count?(names: string, result: "new" | "same" | "failed"): void;
  now(): number;
}

export interface CodeHost {
  refs(): Promise<SourceRefs>;
  /** For a client, see `CodeSource.refresh`. */
  refresh(ageMs?: number): Promise<Problem | null>;
  /** Asks it now, whenever it was asked last. Says whether anything was new. Throws Problems. */
  ask(signal?: AbortSignal): Promise<boolean>;
  /** When it last answered; null for never. */
  refreshedAt(): Promise<number | null>;
  /** Something new was seen of it. */
  forget(): void;
}

/** What it said a moment ago, it says still. */
const MOMENT_MS = 2_000;
/** The longest that a client waits for a code whose versions it has. */
const PATIENCE_MS = 1_000;
/** Until a code host that failed is asked again for a client's sake; each time twice as long. */
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;

export function createCodeHost(deps: HostDeps, match: SourceMatch): CodeHost {
  const { repository, mirrors, database, changes, events, now } = deps;
  const { url, root, settings } = match;
  const key = { repository, url, root };
  const change: Change = { kind: "source", repository, key: url };
  let asking: Promise<boolean> | null = null;
  let refs: Promise<SourceRefs> | null = null;
  let failure: { problem: Problem; at: number; pauseMs: number } | null = null;
  let answeredAt = Number.NEGATIVE_INFINITY;

  function ask(signal?: AbortSignal): Promise<boolean> {
    asking ??= bring(signal).finally(() => {
      asking = null;
    });
    return asking;
  }

  async function bring(signal?: AbortSignal): Promise<boolean> {
    if (deps.offline)
      throw new Problem("offline", `${repository} is offline: no code host is asked for ${url}`);
    try {
      const row = await readSource(database.read, key);
      const last = row && mirrors.has(url) ? row.listing : null;
      const fetched = await mirrors.fetch(match, last, signal);
      if (fetched) {
        const told = await database.write(async (sql) => {
          const found = await mergeSource(sql, key, fetched, now());
          for (const event of found) await events.store(sql, repository, event);
          await changes.note(sql, change);
          return found;
        });
        changes.announce(change);
        for (const event of told) events.announce(repository, event);
        await changes.everywhere(change);
      } else await database.write((sql) => touchSource(sql, key, now()));
      failure = null;
      answeredAt = now();
      deps.count?.(settings.names, fetched ? "new" : "same");
      return fetched !== null;
    } catch (error) {
      if (error instanceof Problem && !signal?.aborted) {
        const pauseMs = Math.min((failure?.pauseMs ?? FIRST_PAUSE_MS / 2) * 2, LONGEST_PAUSE_MS);
        failure = { problem: error, at: now(), pauseMs };
        deps.count?.(settings.names, "failed");
        // What keeps it from being written (a full disk) is nothing that this caller asked for.
        await database.write((sql) => noteFailure(sql, key, error.message, now())).catch(() => {});
      }
      throw error;
    }
  }

  /** Null where it may be asked. */
  function paused(): Problem | null {
    if (!failure) return null;
    const age = now() - failure.at;
    return age >= 0 && age < failure.pauseMs ? failure.problem : null;
  }

  async function load(): Promise<SourceRefs> {
    let row = (await readSource(database.read, key)) ?? (await first());
    if (await mirrors.isBehind(url, row.listing)) {
      // Another server saw what is new: the mirror of this one has to have it too.
      await soon();
      row = (await readSource(database.read, key)) ?? row;
      if (await mirrors.isBehind(url, row.listing)) refs = null;
    }
    const { tags, branches } = await readRefs(database.read, key);
    return {
      tags,
      branches,
      head: row.head,
      revision: `${row.listing} ${tags.size} ${branches.size}`,
    };
  }

  async function first(): Promise<SourceRow> {
    const pause = paused();
    if (pause) throw pause;
    await ask();
    return (await readSource(database.read, key))!;
  }

  /** Asks it, and waits for a second at the longest. Null when it has answered. */
  async function soon(): Promise<Problem | null> {
    const pause = paused();
    if (pause) return told(pause);
    const done = ask().then(
      () => null,
      (error) => {
        if (error instanceof Problem) return told(error);
        throw error;
      },
    );
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Problem>((resolve) => {
      const why = `The code host is still being asked for ${url}: what is new comes later`;
      timer = setTimeout(() => resolve(new Problem("unreachable", why)), PATIENCE_MS);
    });
    try {
      return await Promise.race([done, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    ask,
    async refs() {
      refs ??= load().catch((error) => {
        refs = null;
        throw error;
      });
      return refs;
    },
    async refresh(ageMs = MOMENT_MS) {
      const age = now() - answeredAt;
      return age >= 0 && age < Math.max(ageMs, MOMENT_MS) ? null : soon();
    },
    forget() {
      refs = null;
    },
    refreshedAt: async () => (await readSource(database.read, key))?.refreshedAt ?? null,
  };

  /** A code host that no longer knows what it had says nothing about what it would have had. */
  function told(problem: Problem): Problem {
    if (problem.kind !== "notFound") return problem;
    return new Problem("unreachable", problem.message, { cause: problem });
  }
}
