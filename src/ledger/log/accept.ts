// An operator takes log and catalog as they are: what differs becomes further leaves, and an event says since when. The log forgets nothing of it.
import { NO_REPOSITORY, type RepositoryEvent } from "../../core/event.ts";
import { Problem } from "../../core/problem.ts";
import type { Database } from "../../store/database.ts";
import type { Events } from "../events.ts";
import { type AuditCall, type AuditDeps, auditLog } from "./audit.ts";
import { ACCEPTED } from "./history.ts";
import type { LoggedRow } from "./leaf.ts";
import { acceptLoss, enqueue } from "./state.ts";

export interface AcceptDeps extends AuditDeps {
  database: Database;
  events: Pick<Events, "store" | "announce">;
}

export interface Acceptance {
  /** Who, and why: in the event, and in the log as a keyed digest. */
  by: string;
  reason: string;
}

const PAGE = 500;

/**
 * Returns how many findings were taken as they are. Throws Problem("conflict") where the log's own files are damaged: no further leaf makes them
 * whole.
 */
export async function acceptHistory(
  deps: AcceptDeps,
  { by, reason }: Acceptance,
  call: AuditCall,
): Promise<number> {
  const { database, events } = deps;
  let waiting: LoggedRow[] = [];
  let files = 0;
  const flush = async () => {
    const rows = waiting;
    waiting = [];
    if (files === 0) await database.write((sql) => enqueue(sql, rows));
  };
  const { findings } = await auditLog(deps, {
    ...call,
    async found(finding) {
      await call.found(finding);
      if (finding.kind === "files") files += 1;
      if (finding.repair) waiting.push(finding.repair);
      if (waiting.length >= PAGE) await flush();
    },
  });
  if (files > 0)
    throw new Problem(
      "conflict",
      "Files of the log are damaged, which nobody can accept: put the folder log of the data directory back from a backup while no server runs, or move it away, and the server begins another one",
    );
  await flush();
  const event: RepositoryEvent = {
    kind: ACCEPTED,
    package: "",
    message: `${by} took log and database as they are (${findings} findings): ${reason}`,
    detail: { by, reason, findings },
  };
  await database.write(
    async (sql) => {
      await events.store(sql, NO_REPOSITORY, event);
      await acceptLoss(sql);
    },
    { durable: true },
  );
  events.announce(NO_REPOSITORY, event);
  await deps.log.drain();
  return findings;
}
