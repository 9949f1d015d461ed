// What people are told of what the server stands on: database, bucket, and the other servers that have them too.
import type { ServerReason } from "../jobs/state.ts";
import type { NodeState } from "../store/nodes.ts";
import type { Away, Part } from "./away.ts";
import type { Ground } from "./ground.ts";
import { unlike, unlikeWords } from "./nodes.ts";

const AWAY: Readonly<Record<Part, string>> = {
  database: "The database cannot be reached: what is in memory is served",
  bucket: "The bucket cannot be reached: what has a copy here is served",
  folder: "The data directory cannot be read or written: what can still be had of it is served",
  news: "What other servers change is not heard of: nobody is let in by a name",
};

const BEHIND =
  "The database is not the one that last had the files, or not as new: what is stored is served, and nothing is removed";

interface Trouble extends Pick<ServerReason, "text" | "since"> {
  /** Without why. */
  shown: string;
}

/** What is not as it must be, the first thing first: pages that everybody sees and those of operators tell the same. */
function troubles({ away, tenure }: Pick<Ground, "away" | "tenure">): Trouble[] {
  const kept = tenure.seen();
  return [
    ...away.outages().flatMap(({ part, inFull, since, until }) => {
      const shown = AWAY[part];
      const text = part === "news" ? shown : `${shown} (${inFull})`;
      return until === null ? [{ shown, text, since }] : [];
    }),
    ...(kept ? [{ shown: BEHIND, text: kept.why, since: kept.since }] : []),
  ];
}

/** For pages that everybody sees: without why. Null where nothing is wrong. */
export function storageTrouble(ground: Pick<Ground, "away" | "tenure">): string | null {
  return troubles(ground)[0]?.shown ?? null;
}

export function isAway(away: Pick<Away, "outages">, part: Part): boolean {
  return away.outages().some((one) => one.part === part && one.until === null);
}

export function groundReasons(ground: Pick<Ground, "away" | "nodes" | "tenure">): ServerReason[] {
  const differ = unlikeWords(ground.nodes?.list() ?? []);
  return [
    ...troubles(ground).map(
      ({ text, since }): ServerReason => ({ text, since, about: "storage", level: "bad" }),
    ),
    ...(differ === null
      ? []
      : [{ text: differ, since: null, about: "nodes" as const, level: "warn" as const }]),
  ];
}

/** Each with the keys in which its configuration is not this one's. */
export function toldNodes(nodes: readonly NodeState[]): (NodeState & { differs: string[] })[] {
  const others = unlike(nodes);
  return nodes.map((one) => ({
    ...one,
    differs: others.find(({ node }) => node.id === one.id)?.keys ?? [],
  }));
}
