// The server as one of several: where catalog and files are both shared, it is known to the others for as long as it lives.
import { hostname } from "node:os";
import type { Config } from "../config/resolve.ts";
import type { Log } from "../core/log.ts";
import { alone, createLeases, type Leases } from "../store/leases.ts";
import { BEAT_MS, createNodes, type Nodes } from "../store/nodes.ts";
import { askPostgres, type PostgresPlace } from "../store/postgres.ts";

export interface Membership {
  /** Null: no other server can have this catalog. */
  nodes: Pick<Nodes, "list"> | null;
  /** This one's, as the others see it; null where there are none. */
  host: string | null;
  leases: Leases;
  /** The others know at once, and go on with what it did for all. */
  leave(): Promise<void>;
}

/** Whether several servers may share the catalog and the files of this configuration. */
export function isShared(config: Pick<Config, "database"> & { store?: unknown }): boolean {
  return config.database !== null && (config.store ?? null) !== null;
}

/** Lives on a connection of its own: what the writes wait for is no sign of death. `place`: of the catalog that is shared; null where it is not. */
export async function joinNodes(
  place: PostgresPlace | null,
  { log, ...clocks }: { log: Log | null; now(): number; elapsed(): number },
): Promise<Membership> {
  if (place === null) return { nodes: null, host: null, leases: alone, leave: async () => {} };
  const { ask, close } = askPostgres(place);
  const nodes = createNodes({ ask, ...clocks });
  const leases = createLeases({ nodes, ask });
  try {
    await nodes.turn();
  } catch (error) {
    await close();
    throw error;
  }
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
      await nodes.turn();
      await leases.settle();
      if (isCut) log?.write("info", "The other servers are seen again");
      isCut = false;
    } catch (error) {
      if (!isCut)
        log?.write("warn", "The other servers cannot be seen, nor told that this one lives", {
          error: String(error),
        });
      isCut = true;
    }
    if (before !== null && nodes.id() !== before)
      log?.write(
        "warn",
        "The other servers took this one for dead: what it did for all, another does by now",
      );
  }

  return {
    nodes,
    host: hostname(),
    leases,
    async leave() {
      clearInterval(timer);
      await turn;
      await nodes.leave().catch(() => {}); // they find out by themselves
      await close();
    },
  };
}
