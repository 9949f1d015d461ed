// Brings what the primary's log named: as a client would, by the same paths and with the same proofs, a few at a time.
import { serverGrant } from "../auth/gate.ts";
import type { Log } from "../core/log.ts";
import { Problem } from "../core/problem.ts";
import { endWanted, readWanted, tryWanted, type Wanted } from "../follow/rows.ts";
import type { RecurringJob } from "../jobs/runner.ts";
import type { Database } from "../store/database.ts";
import { untilAborted } from "../upstream/exchange.ts";
import type { Follower } from "./follow.ts";
import type { Held } from "./mounts.ts";
import { get } from "./ready.ts";

export interface BringDeps {
  follower: Pick<Follower, "state" | "count" | "signal">;
  held(): readonly Held[];
  database: Database;
  log: Log;
  now(): number;
}

const EVERY_MS = 1_000;
/** Who asks the primary for more at once has less left for clients. */
const AT_ONCE = 4;
const PAGE = 100;
/** What failed is tried again later and later, and once in an hour for good. */
const FIRST_MS = 5_000;
const LONGEST_MS = 60 * 60_000;

/** Runs until nothing is due, or the primary cannot be asked. */
export function bringJob(deps: BringDeps): RecurringJob {
  const { follower, database, now } = deps;
  async function bring(wanted: Wanted): Promise<void> {
    const held = deps.held().find(({ name }) => name === wanted.repository);
    const dueAt = now() + Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(wanted.tries, 20));
    const tried = await database.write((sql) => tryWanted(sql, wanted, dueAt));
    const release = held?.hold();
    try {
      if (held) await untilAborted(fetchOne(held, wanted), follower.signal);
      await database.write((sql) => endWanted(sql, tried));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (follower.signal.aborted) return;
      if (isFinal(wanted, error)) await database.write((sql) => endWanted(sql, tried));
      else tell(wanted, error);
    } finally {
      release?.();
    }
  }

  function tell({ repository, package: name, file, tries }: Wanted, { message }: Problem): void {
    if (tries > 0) return;
    deps.log.write(
      "warn",
      `${file || "What names the files"} of ${name} was not brought: ${message}`,
      {
        repository,
        package: name,
        ...(file && { file }),
      },
    );
  }

  return {
    name: "Bringing what is followed",
    everyMs: EVERY_MS,
    async run() {
      while (!follower.signal.aborted) {
        const { cutSince, fault } = follower.state();
        const due =
          cutSince === null && fault === null ? await readWanted(database.read, now(), PAGE) : [];
        if (due.length === 0) break;
        await Promise.all(
          Array.from({ length: AT_ONCE }, async () => {
            for (let next = due.shift(); next; next = due.shift()) {
              if (follower.signal.aborted || follower.state().cutSince !== null) return;
              await bring(next);
            }
          }),
        );
        await follower.count();
      }
    },
  };
}

/**
 * The primary's own no: it was removed there since, or a document of the package is of a release that is blocked there. When the block goes it is
 * wanted anew.
 */
function isFinal({ file }: Wanted, { kind }: Problem): boolean {
  return kind === "notFound" || (kind === "refused" && file === "");
}

async function fetchOne(held: Held, { package: name, file }: Wanted): Promise<void> {
  const { lock } = held.format;
  if (!lock) return;
  if (file === "") {
    if ((await held.renew(name)) === 0) await get(held, lock.indexPath(name));
    return;
  }
  const repository = held.repository.for(serverGrant);
  const version = (await repository.known(name, file))?.version ?? lock.versionOf?.(file) ?? "";
  await get(held, lock.filePath({ package: name, version, files: [file], sha256: [] }, file));
}
