// What doctor looks at of the servers that share a catalog: which there are, whether they live, and whether they have the configuration that it was given.
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../config/resolve.ts";
import { differing, sharedDigests } from "../config/shared.ts";
import { formats } from "../formats/index.ts";
import { isShared, nodeWords } from "../server/nodes.ts";
import type { ReadDatabase } from "../store/database.ts";
import { BEAT_MS, readNodes } from "../store/nodes.ts";
import type { Finding } from "./finding.ts";
import { readStore } from "./store.ts";

/** Whoever lives has raised its beat meanwhile, also on a busy machine. */
const WATCHED_MS = 3 * BEAT_MS;

/** Nothing for a server that has its catalog to itself, and where it cannot be read: another check says so. */
export async function checkNodes(config: Config, watchedMs = WATCHED_MS): Promise<Finding[]> {
  if (!isShared(config)) return [];
  try {
    return await readStore(config, ({ database }) => examineNodes(database, config, watchedMs));
  } catch {
    return [];
  }
}

export async function examineNodes(
  { read }: Pick<ReadDatabase, "read">,
  config: Config,
  watchedMs: number,
): Promise<Finding[]> {
  const before = new Map((await readNodes(read)).map(({ id, beat }) => [id, beat]));
  if (before.size === 0) return [{ state: "skipped", subject: "nodes", text: "none runs" }];
  await sleep(watchedMs);
  const own = sharedDigests(config, formats);
  return (await readNodes(read)).map((node): Finding => {
    const subject = "nodes";
    const who = `${nodeWords(node)}, ${node.version}${node.url === null ? "" : `, at ${node.url}`}`;
    if (before.get(node.id) === node.beat)
      return { state: "warning", subject, text: `${who} gives no sign of life` };
    const keys = differing(own, node.config ?? {});
    if (keys.length === 0) return { state: "good", subject, text: `${who} lives` };
    return {
      state: "warning",
      subject,
      text: `${who} has another configuration than this one: ${keys.join(", ")}`,
      hint: "Give all servers on one catalog the same, and `holdfast reload` or restart each: what one claims another may ask an upstream for",
    };
  });
}
