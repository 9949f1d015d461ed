// What doctor looks at of the server that this one follows: whether it takes the token, when it was heard, and whether it shows the history that is known.
import type { FollowConfig } from "../config/follow.ts";
import type { Config } from "../config/resolve.ts";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import { Problem } from "../core/problem.ts";
import { askState } from "../follow/primary.ts";
import { countWanted, readCut, readFollowed } from "../follow/rows.ts";
import { connectPrimary } from "../server/primary.ts";
import type { Query } from "../store/database.ts";
import { createUpstreamMetrics } from "../upstream/upstreams.ts";
import type { Finding } from "./finding.ts";
import { readStore } from "./store.ts";

/** Longer ago than that something is in the way: it is asked every few seconds, and that is written down every minute. */
const QUIET_MS = 10 * 60_000;
const subject = "follow";

/** Nothing for a server that follows none. Of what is stored nothing where there is none yet, or not in a way of this version: other checks say so. */
export async function checkFollow(config: Config, now: number): Promise<Finding[]> {
  const { follow } = config;
  if (!follow) return [];
  const { host } = new URL(follow.url);
  const { known, stored } = await readStore(config, async ({ database: { read } }) => ({
    known: await knownOf(read),
    stored: await findStored(read, host, now),
  })).catch(() => ({ known: NONE, stored: [] }));
  return [await askPrimary(follow, known), ...stored];
}

const NONE = { access: "", cursor: "" };

/** What is asked with, so that what is known here is not sent again. */
async function knownOf(sql: Query): Promise<typeof NONE> {
  const access = await readFollowed(sql, "access");
  const cursor = (await readFollowed(sql, "cursor")) ?? "";
  return { access: access === null ? "" : JSON.parse(access).stamp, cursor };
}

/** Asks as the server does: with its token, for what needs the right to follow. */
async function askPrimary(follow: FollowConfig, known: typeof NONE): Promise<Finding> {
  const way = connectPrimary(follow, {
    log: createLog("json", () => {}),
    metrics: createUpstreamMetrics(createMetrics()),
    repository: "-",
    now: () => performance.now(),
    offline: false,
  });
  try {
    await askState(way, known);
    return { state: "good", subject, text: `${way.host} takes the token of this server` };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { kind, message } = error;
    if (kind === "unauthenticated" || kind === "forbidden")
      return {
        state: "bad",
        subject,
        text: message,
        hint: "Make another one there, of a user who may `follow` (`holdfast token create USER --name follower`), and put it where follow.tokenFile says",
      };
    return {
      state: "bad",
      subject,
      text: `the primary cannot be asked: ${message}`,
      hint: "Is the line up, and is it there (follow.url, follow.proxy, follow.ca)? What was had before is served all the same",
    };
  } finally {
    way.close();
  }
}

async function findStored(read: Query, host: string, now: number): Promise<Finding[]> {
  const fault = await readFollowed(read, "fault");
  if (fault !== null) {
    const hint = "Where it was put back on purpose: `holdfast follow anew --reason TEXT`";
    return [{ state: "bad", subject, text: fault, hint }];
  }
  const heard = await readFollowed(read, "heard");
  if (heard === null)
    return [
      { state: "warning", subject, text: `${host} was not heard yet: nobody is let in by it` },
    ];
  const cut = await readCut(read);
  const why = cut && `, and not since ${minuteOf(cut.since)}: ${cut.why}`;
  const text = `${host} was heard on ${minuteOf(Number(heard))}${why ?? ""}; ${(await readFollowed(read, "taken")) ?? 0} leaves of its log are taken in, ${await countWanted(read)} files and documents are still to be brought`;
  const isLate = cut !== null || now - Number(heard) > QUIET_MS;
  return [{ state: isLate ? "warning" : "good", subject, text }];
}

const minuteOf = (at: number) => `${new Date(at).toISOString().slice(0, 16)}Z`;
