// What doctor looks at of backups: when the last one came to its end, as far as whoever makes them has told.
import type { Config } from "../config/resolve.ts";
import { readBackups } from "../jobs/backups.ts";
import type { Finding } from "./finding.ts";
import { readStore } from "./store.ts";

/** Nothing where nothing is stored yet, or not in a way of this version: other checks say so. */
export async function checkBackups(config: Config, now: number): Promise<Finding[]> {
  const subject = "backups";
  try {
    const { last, failed } = await readStore(config, ({ database }) => readBackups(database));
    const day = (at: number) => `${new Date(at).toISOString().slice(0, 16)}Z`;
    const told = last
      ? `the last one, to ${last.to}, came to its end on ${day(last.at)}`
      : "none came to its end";
    const hint = "docs/operation.md tells how backups are made each night";
    if (failed)
      return [
        {
          ...{ state: "warning", subject, hint },
          text: `${told}; on ${day(failed.at)} one failed: ${failed.why}`,
        },
      ];
    // Whoever has other means than `holdfast backup` need not be told each time.
    if (!last) return [];
    const isOld = now - last.at > config.alarms.backupStale;
    return [
      isOld
        ? { state: "warning", subject, text: told, hint }
        : { state: "good", subject, text: told },
    ];
  } catch {
    return [];
  }
}
