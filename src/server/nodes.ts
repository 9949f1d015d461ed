// The server as one of several: where catalog and files are both shared, it is known to the others for as long as it lives.
import { hostname } from "node:os";
import type { Config } from "../config/resolve.ts";
import { differing, sharedDigests } from "../config/shared.ts";
import type { Fields, Log } from "../core/log.ts";
import { formats } from "../formats/index.ts";
import { alone, createLeases, type Leases } from "../store/leases.ts";
import type { OpenNews } from "../store/news.ts";
import {
  BEAT_MS,
  type Buried,
  createNodes,
  type NodeState,
  type Nodes,
  type Said,
} from "../store/nodes.ts";
import { askPostgres, type PostgresPlace } from "../store/postgres.ts";

export interface Membership {
  /** Null: no other server can have this catalog. */
  nodes: Pick<Nodes, "list" | "say"> | null;
  /** This one's, as the others see it; null where there are none. */
  host: string | null;
  /** Which of several wrote a line of the log; null while there is one. */
  label(): Fields | null;
  leases: Leases;
  /** The others know at once, and go on with what it did for all. */
  leave(): Promise<void>;
}

interface JoinDeps {
  log: Log | null;
  now(): number;
  elapsed(): number;
  /** Where changes of others are heard of; null where nobody here remembers anything. */
  news?: Pick<OpenNews, "origin" | "gone" | "again"> | null;
}

/** Leases that the line about a dead server names; of more it says how many. */
const NAMED = 20;

/** Whether several servers may share the catalog and the files of this configuration. */
export function isShared(config: Pick<Config, "database"> & { store?: unknown }): boolean {
  return config.database !== null && (config.store ?? null) !== null;
}

/** What a server tells the others of itself. `url`: where it listens. */
export function saidOf(config: Config, url: string): Said {
  // All addresses of a machine are said by its name; a socket file is nothing that others could ask.
  const named = url.replace(/\/\/(0\.0\.0\.0|\[::\])(?=:|$)/, `//${hostname()}`);
  return { url: URL.canParse(url) ? named : null, config: sharedDigests(config, formats) };
}

/** "1a2b3c4d (host, process 12)" */
export function nodeWords({ id, host, pid }: Pick<NodeState, "id" | "host" | "pid">): string {
  return `${id} (${host}${pid === null ? "" : `, process ${pid}`})`;
}

/** The others whose configuration is not this one's, with the keys in which they differ. */
export function unlike(nodes: readonly NodeState[]): { node: NodeState; keys: string[] }[] {
  const own = nodes.find(({ isSelf }) => isSelf)?.config ?? {};
  return nodes
    .map((node) => ({ node, keys: differing(own, node.config ?? {}) }))
    .filter(({ keys }) => keys.length > 0);
}

/** In words; null where all are alike. */
export function unlikeWords(nodes: readonly NodeState[]): string | null {
  const others = unlike(nodes);
  const self = nodes.find(({ isSelf }) => isSelf);
  if (others.length === 0 || !self) return null;
  const each = others.map(({ node, keys }) => `${nodeWords(node)} in ${keys.join(", ")}`);
  return `Servers have other configurations than ${nodeWords(self)}: ${each.join("; ")}`;
}

/** Lives on a connection of its own: what the writes wait for is no sign of death. `place`: of the catalog that is shared; null where it is not. */
export async function joinNodes(
  place: PostgresPlace | null,
  { log, news = null, ...clocks }: JoinDeps,
): Promise<Membership> {
  if (place === null)
    return { nodes: null, host: null, label: () => null, leases: alone, leave: async () => {} };
  const { ask, close } = askPostgres(place);
  const nodes = createNodes({ ask, origin: news?.origin ?? null, ...clocks });
  const leases = createLeases({ nodes, ask });
  const tellUnlike = createUnlike(log);
  try {
    await nodes.turn();
  } catch (error) {
    await close();
    throw error;
  }
  const label: Fields = { node: nodes.name };
  let hasOthers = nodes.list().length > 1;
  let turn: Promise<void> | null = null;
  let isCut = false;
  const timer = setInterval(() => {
    turn ??= beat().finally(() => {
      turn = null;
    });
  }, BEAT_MS);
  timer.unref();

  async function beat(): Promise<void> {
    const before = nodes.id();
    try {
      const dead = await nodes.turn();
      await leases.settle();
      if (isCut) log?.write("info", "The other servers are seen again");
      isCut = false;
      hasOthers = nodes.list().length > 1;
      tellUnlike(nodes.list());
      for (const one of dead) tellDead(one, log);
      for (const { origin } of dead) if (origin !== null) void news?.gone(origin).catch(() => {}); // it is waited for once, then
    } catch (error) {
      if (!isCut)
        log?.write("warn", "The other servers cannot be seen, nor told that this one lives", {
          error: String(error),
        });
      isCut = true;
    }
    if (before !== null && nodes.id() !== before) {
      log?.write(
        "warn",
        "The other servers took this one for dead: what it did for all, another does by now",
      );
      void news?.again().catch(() => {}); // it is owed, and said with the next look
    }
  }

  return {
    nodes,
    host: hostname(),
    label: () => (hasOthers ? label : null),
    leases,
    async leave() {
      clearInterval(timer);
      await turn;
      await nodes.leave().catch(() => {}); // they find out by themselves
      await close();
    },
  };
}

/** Of all that see it die one alone says so. */
function tellDead({ leases, ...node }: Buried, log: Log | null): void {
  const jobs = leases.filter((name) => !/^(fill|document) /.test(name)).sort();
  const named = jobs.slice(0, NAMED).join(", ");
  const more = leases.length - Math.min(jobs.length, NAMED);
  log?.write("warn", `The server ${nodeWords(node)} is dead: others do what it did for all`, {
    dead: node.id,
    did: [...(named ? [named] : []), ...(more > 0 ? [`${more} more`] : [])].join(" and "),
  });
}

/** Once of each server for as long as it differs in the same, and once when none does any more. */
function createUnlike(log: Log | null): (nodes: readonly NodeState[]) => void {
  let told = new Set<string>();
  return (nodes) => {
    const now = new Set<string>();
    for (const { node, keys } of unlike(nodes)) {
      const key = `${node.id} ${keys}`;
      now.add(key);
      if (!told.has(key))
        log?.write(
          "warn",
          `The server ${nodeWords(node)} has another configuration than this one: ${keys.join(", ")}`,
          { other: node.id, keys: keys.join(",") },
        );
    }
    if (told.size > 0 && now.size === 0)
      log?.write("info", "All servers have the same configuration again");
    told = now;
  };
}
