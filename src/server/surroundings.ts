// What people are told of what the server stands on: database, bucket, and the other servers that have them too.
import type { ServerReason } from "../jobs/state.ts";
import type { NodeState } from "../store/nodes.ts";
import type { Away, Part } from "./away.ts";
import type { Ground } from "./ground.ts";
import { unlike, unlikeWords } from "./nodes.ts";

const AWAY: Readonly<Record<Part, string>> = {
  database: "The database cannot be reached: what is in memory is served",
  bucket: "The bucket cannot be reached: what has a copy here is served",
  news: "What other servers change is not heard of: nobody is let in by a name",
};

/** For pages that everybody sees: without why. Null where nothing is away. */
export function storageTrouble(away: Pick<Away, "outages">): string | null {
  const [first] = away.outages().filter(({ until }) => until === null);
  return first ? AWAY[first.part] : null;
}

export function isAway(away: Pick<Away, "outages">, part: Part): boolean {
  return away.outages().some((one) => one.part === part && one.until === null);
}

export function groundReasons({
  away,
  nodes,
  tenure,
}: Pick<Ground, "away" | "nodes" | "tenure">): ServerReason[] {
  const kept = tenure.seen();
  const differ = unlikeWords(nodes?.list() ?? []);
  return [
    ...away.outages().flatMap(({ part, why, since, until }): ServerReason[] => {
      const text = part === "news" ? AWAY[part] : `${AWAY[part]} (${why})`;
      return until === null ? [{ text, since, about: "storage", level: "bad" }] : [];
    }),
    ...(kept
      ? [{ text: kept.why, since: kept.since, about: "storage" as const, level: "bad" as const }]
      : []),
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
