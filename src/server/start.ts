// A server from its start to its stop: the ground, the configuration at work on it, ports, jobs, and the socket of commands.
import { type Gate, serverGrant } from "../auth/gate.ts";
import { operatorGrant } from "../auth/operator.ts";
import { tellGarbage } from "../cli/gc.ts";
import type { Config } from "../config/resolve.ts";
import type { Log } from "../core/log.ts";
import { type ControlServer, controlPath, startControl } from "../http/control.ts";
import { watchFormats } from "../jobs/gauges.ts";
import { hostedOperations, tidyTrash } from "../jobs/hosted.ts";
import { houseOperations, withHouse } from "../jobs/house.ts";
import { createOperations, type Operations } from "../jobs/operations.ts";
import type { Events } from "../ledger/events.ts";
import type { Database } from "../store/database.ts";
import { accountOperations } from "./account-operations.ts";
import { createGeneration, type Generation } from "./generation.ts";
import { openGround } from "./ground.ts";
import { startServerJobs } from "./jobs.ts";
import { createMounts } from "./mounts.ts";
import { createPorts, portsOf } from "./ports.ts";

const GRACE_MS = 30_000;

export interface StartOptions {
  config: Config;
  log: Log;
  /** For tests. */
  now?: () => number;
  /** For tests: who is let in. */
  gate?: Gate;
  /**
   * "ports": a server, with its schedule. The others are for a command that needs one for itself: on a port of this machine that nobody
   * knows, or on none.
   */
  listen?: "ports" | "loopback" | "none";
  /** Whether commands may ask it for work, through a socket in the data directory. */
  hasControl?: boolean;
}

export interface Running {
  /** Where it listens: http://127.0.0.1:4653. Empty when it does not. */
  url: string;
  /** The additional ports, by repository. */
  urls: Record<string, string>;
  events: Events;
  database: Database;
  operations: Operations;
  /** With which the first administrator is made; null once there is a user. */
  setupCode(): string | null;
  /** Finishes running responses, 30 seconds at most, and closes. */
  stop(graceMs?: number): Promise<void>;
}

/** Starts a server. Throws a Problem when the data directory is in use or newer than this program. */
export async function start(options: StartOptions): Promise<Running> {
  const { config, log, now = Date.now, listen: where = "ports", hasControl = false } = options;
  const elapsed = options.now ?? (() => performance.now());
  const ground = await openGround(config, { log, now, elapsed });
  const { shared, lock, pool } = ground;
  const { events, database, soundness } = shared;
  const mounts = createMounts(ground);

  const current: Generation = generationOf(config);
  mounts.use(current.held);
  const hosting = () => current.held.filter(({ format }) => format.hosts);
  const watch = watchFormats(ground.metrics, () => current.own, log);
  watch();
  const operations = withHouse(
    createOperations(() => current.own, log, now),
    {
      ...houseOperations(shared, tellGarbage, now),
      ...accountOperations(ground.auth, database),
      ...hostedOperations(hosting, operatorGrant),
    },
  );
  const ports = createPorts((incoming, only) => current.app(incoming, only), ground);
  const jobs = startServerJobs(ground, [tidyTrash(hosting, serverGrant, log)]);
  let control: ControlServer | null = null;

  function generationOf(config: Config): Generation {
    return createGeneration(config, mounts.of(config.repositories), ground, options.gate);
  }

  async function stop(graceMs = GRACE_MS): Promise<void> {
    const enough = setTimeout(() => void pool.close(), graceMs); // work that does not end would keep those who wait for it
    const jobsEnded = jobs.stop();
    await operations.stop();
    await Promise.all([control?.stop(), ports.stop(graceMs)]);
    await soundness.close();
    await jobsEnded;
    await mounts.close();
    clearTimeout(enough);
    await ground.close();
  }

  try {
    const setupCode = ground.auth.setup.code;
    const running = { urls: {}, events, database, operations, setupCode, stop };
    if (where === "none") return { url: "", ...running };
    if (where === "loopback") {
      const reading = { publicUrl: null, trustedProxies: [] };
      ports.use([{ name: "", address: { host: "127.0.0.1", port: 0 }, reading }], null);
      return { url: ports.url(""), ...running };
    }
    const wanted = portsOf(config);
    ports.use(wanted, null);
    lock.tell(ports.addresses());
    if (hasControl) control = openControl(config, operations, log);
    await jobs.follow(current, operations);
    const urls = wanted.flatMap(({ name }) => (name ? [[name, ports.url(name)]] : []));
    return { ...running, url: ports.url(""), urls: Object.fromEntries(urls) };
  } catch (error) {
    await stop(0);
    throw error;
  }
}

/** Without it commands cannot ask the server for work; it serves all the same. */
function openControl(config: Config, operations: Operations, log: Log): ControlServer | null {
  const path = controlPath(config.data);
  const failed = (error: unknown) =>
    log.write("error", "A command's request failed because of a bug", { error: String(error) });
  try {
    return startControl(path, operations.run, failed);
  } catch (error) {
    log.write("warn", `Commands cannot reach this server: no socket can be made at ${path}`, {
      error: String(error),
    });
    return null;
  }
}
