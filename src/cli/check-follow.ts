// What doctor looks at of the server that this one follows: whether it was heard, and whether it shows the history that is known.
import type { Config } from "../config/resolve.ts";
import { countWanted, readFollowed } from "../follow/rows.ts";
import type { Finding } from "./finding.ts";
import { readStore } from "./store.ts";

/** Longer ago than that something is in the way: it is asked every few seconds, and that is written down every minute. */
const QUIET_MS = 10 * 60_000;

/** Nothing for a server that follows none, and where nothing is stored yet, or not in a way of this version: other checks say so. */
export async function checkFollow(config: Config, now: number): Promise<Finding[]> {
  if (!config.follow) return [];
  const subject = "follow";
  const { host } = new URL(config.follow.url);
  try {
    return await readStore(config, async ({ database: { read } }): Promise<Finding[]> => {
      const fault = await readFollowed(read, "fault");
      if (fault !== null)
        return [
          {
            state: "bad",
            subject,
            text: fault,
            hint: "Where it was put back on purpose: `holdfast follow anew --reason TEXT`",
          },
        ];
      const heard = await readFollowed(read, "heard");
      if (heard === null)
        return [
          { state: "warning", subject, text: `${host} was not heard yet: nobody is let in by it` },
        ];
      const text = `${host} was heard on ${new Date(Number(heard)).toISOString().slice(0, 16)}Z; ${(await readFollowed(read, "taken")) ?? 0} leaves of its log are taken in, ${await countWanted(read)} files and documents are still to be brought`;
      return [{ state: now - Number(heard) > QUIET_MS ? "warning" : "good", subject, text }];
    });
  } catch {
    return [];
  }
}
