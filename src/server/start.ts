// A server from its start to its stop: the ground, the configuration at work on it, ports, jobs, and the socket of commands.
import { isDeepStrictEqual } from "node:util";
import { createRetries } from "../api/retries.ts";
import { createRuns } from "../api/runs.ts";
import type { App } from "../app.ts";
import { unknownNames } from "../auth/existing.ts";
import { type Gate, serverGrant } from "../auth/gate.ts";
import { operatorGrant } from "../auth/operator.ts";
import { tellGarbage } from "../cli/gc.ts";
import { serverWarnings } from "../cli/warnings.ts";
import type { Config } from "../config/resolve.ts";
import { type Fields, type Log, labelled } from "../core/log.ts";
import { Problem } from "../core/problem.ts";
import { type ControlServer, controlPath, startControl } from "../http/control.ts";
import { createPassing, PASSED_FOR, passedSocket } from "../http/passing.ts";
import { type RunningServer, startServer } from "../http/server.ts";
import { backupOperations, watchBackups } from "../jobs/backups.ts";
import { createCanaries } from "../jobs/canaries.ts";
import { watchFormats } from "../jobs/gauges.ts";
import { tidyHooks } from "../jobs/hooks.ts";
import { hostedOperations, tidyTrash } from "../jobs/hosted.ts";
import { houseOperations, withHouse } from "../jobs/house.ts";
import { watchLoop } from "../jobs/lag.ts";
import { createOperations, type Operations } from "../jobs/operations.ts";
import { createRoom } from "../jobs/room.ts";
import { roomOperations } from "../jobs/room-operations.ts";
import { waiverOperations } from "../jobs/waivers.ts";
import type { Events } from "../ledger/events.ts";
import type { Database } from "../store/database.ts";
import { FILE_MODE } from "../store/layout.ts";
import { isOfFormat } from "../target.ts";
import { accountOperations } from "./account-operations.ts";
import { openAlarms } from "./alarms.ts";
import { openRounds } from "./canary/rounds.ts";
import { catalogJobs } from "./catalog.ts";
import { watchCertificate } from "./certificate.ts";
import { takeIn } from "./difference.ts";
import { openFeeds } from "./feeds.ts";
import { followOperations } from "./follow.ts";
import { createGeneration, type Generation } from "./generation.ts";
import { openGitHooks } from "./git-hooks.ts";
import { type Ground, openGround } from "./ground.ts";
import { hookOperations } from "./hook-operations.ts";
import { type HooksConfig, openHooks } from "./hooks.ts";
import { startServerJobs } from "./jobs.ts";
import { ledgerOperations } from "./ledger-operations.ts";
import { createMounts, type Held } from "./mounts.ts";
import { isShared as isSharedBy, saidOf } from "./nodes.ts";
import { createPorts, type PassingFor, portsOf } from "./ports.ts";
import type { Siblings } from "./processes/siblings.ts";
import { readyOperations } from "./ready.ts";
import { createReload, type Reload } from "./reload.ts";
import { roomyOf } from "./roomy.ts";
import { watchSources } from "./source-metrics.ts";
import { watches } from "./watches.ts";
import { openWitnesses } from "./witnesses.ts";

const GRACE_MS = 30_000;

export interface StartOptions {
  config: Config;
  /** The configuration as it is written by now, for `reload`. Throws a ConfigError. Without it there is no other. */
  load?: () => Config;
  log: Log;
  /** For tests. */
  now?: () => number;
  /** For tests: how long clients wait for news of what is stored. Milliseconds. */
  patienceMs?: number;
  /** For tests: whether other servers have the database too. */
  isShared?: boolean;
  /** Where the server has several processes. */
  siblings?: Siblings;
  /** For tests, and for a command's own server: who is let in. */
  gate?: Gate;
  /**
   * "ports": a server, with its schedule. The others are for a command that needs one for itself: on a port of this machine that nobody
   * knows, or on none.
   */
  listen?: "ports" | "loopback" | "none";
  /** Whether commands may ask it for work, through a socket in the data directory. */
  hasControl?: boolean;
  /** Whether made-up packages prove again and again that it enforces its rules. */
  hasCanaries?: boolean;
  /** For tests: false where what it does again and again is done when it is asked for, and never by itself. */
  hasSchedule?: boolean;
}

export interface Running {
  /** Where it listens: http://127.0.0.1:4653. Empty when it does not. */
  url: string;
  /** The additional ports, by repository. */
  urls: Record<string, string>;
  /** That of one repository, by now; empty when it has none. */
  urlOf(repository: string): string;
  events: Events;
  database: Database;
  operations: Operations;
  /** With which the first administrator is made; null once there is a user. */
  setupCode(): string | null;
  /** Which of several servers on one catalog it is, for lines of the log; null while there is one. */
  label(): Fields | null;
  /** Takes a changed configuration in, without dropping a request; a wrong one changes nothing. */
  reload: Reload;
  /** Finishes running responses, 30 seconds at most, and closes. */
  stop(graceMs?: number): Promise<void>;
}

/** Starts a server. Throws a Problem when the data directory is in use or newer than this program. */
export async function start(options: StartOptions): Promise<Running> {
  const { config, now = Date.now, listen: where = "ports", hasControl = false } = options;
  const hasCanaries = where === "ports" && (options.hasCanaries ?? false);
  const elapsed = options.now ?? (() => performance.now());
  const { patienceMs, isShared, siblings } = options;
  const isFirst = siblings?.isFirst ?? true;
  let label: Ground["label"] = () => null;
  const isOneOf = isShared ?? isSharedBy(config);
  const log = isOneOf ? labelled(options.log, () => label()) : options.log;
  const ground = await openGround(config, {
    log,
    now,
    elapsed,
    ...(patienceMs !== undefined && { patienceMs }),
    ...(isShared !== undefined && { isShared }),
    ...(siblings && { siblings }),
  });
  ({ label } = ground);
  const { shared, lock, pool } = ground;
  const { events, database, soundness } = shared;
  const mounts = createMounts(ground);

  const rounds = openRounds(() => current, ground);
  const canaries = createCanaries({
    ...shared,
    ...{ round: rounds.run, metrics: ground.metrics, host: ground.host, log },
  });
  // Over all configurations, as what it tells of is.
  const api = {
    canaries: canaries.last,
    whyNotProven: hasCanaries ? canaries.whyNot : null,
    runs: createRuns({ run: (...wanted) => operations.run(...wanted) }, now),
    work: () => operations.states(),
    retries: createRetries(now),
    disk: () => room.state(),
    alarms: openAlarms(() => current, ground),
  };
  const gitHook = openGitHooks(() => current, ground);
  const feeds = openFeeds(ground, () => current.policed);
  feeds.use(config);
  const witnesses = openWitnesses(ground);
  witnesses.use(config);
  let hooked: HooksConfig | null = null;
  useHooks(config);
  let current: Generation = generationOf(config, mounts.of(config.repositories));
  mounts.use(current.held);
  /** Whom the configuration names and nobody knows. */
  const unknown = () => {
    const { users, teams } = ground.auth.directory.current();
    return unknownNames(users, teams, current.config.access);
  };
  const hosting = () => current.held.filter(({ format }) => format.hosts);
  const watch = watchFormats(ground.metrics, () => current.own, log);
  watch();
  watchBackups(ground.metrics, database, now);
  watchSources(ground.metrics, () => current.own, now);
  const room = createRoom({
    ...shared,
    repositories: () => roomyOf(current, () => ground.tenure.seen()?.why ?? null),
    marks: () => current.config.disk,
    disk: ground.disk,
    metrics: ground.metrics,
  });
  const operations = withHouse(
    createOperations(() => current.own, log, now, shared.leases),
    {
      ...houseOperations(shared, tellGarbage, now),
      ...accountOperations(ground.auth, database),
      async reload({ say }) {
        const { isTaken, lines } = await reload();
        for (const line of [...lines, ...(isTaken ? unknown() : [])]) say(line);
        return isTaken;
      },
      ...hostedOperations(hosting, operatorGrant),
      ...waiverOperations(shared.waivers, () => current.policed, operatorGrant, now),
      ...hookOperations(ground.hooks, (by, detail) =>
        database.write((sql) =>
          ground.auth.audit.write(sql, {
            action: "resend",
            principal: operatorGrant(by).principal,
            detail,
          }),
        ),
      ),
      ...feeds.operations,
      ...roomOperations(room),
      ...ledgerOperations(ground),
      ...backupOperations(database, now),
      ...followOperations(ground.follower),
      ...canaries.operations,
      ...readyOperations(() => current.held),
      ...api.alarms.operations,
    },
  );
  const app: App = (incoming, only) => current.app(incoming, only);
  const traced = ground.traces?.app(app) ?? app;
  const socket = passedSocket(config.data);
  const formatOf = (name: string) => current.held.find((one) => one.name === name)?.format;
  const passing: PassingFor = (only) =>
    createPassing(socket, only, (incoming) => !isOfFormat(incoming, only, formatOf));
  const ports = createPorts(traced, ground, isFirst ? null : passing);
  /** What clients are shown: it may be newer than the configuration that names it. */
  let { tls } = config;
  const watching = watchCertificate({
    current: () => tls,
    use(next) {
      ports.use(portsOf(current.config), next.pair);
      tls = next;
      void tellSiblings();
    },
    log,
  });
  const ending = new AbortController();
  const jobs = startServerJobs(
    ground,
    [
      tidyTrash(hosting, serverGrant, log),
      ...catalogJobs(() => current.held, shared, ending.signal),
      tidyHooks(ground.hooks),
      ...(where === "ports"
        ? [
            watching,
            ...watches({ ground, current: () => current, room, alarms: api.alarms }),
            ...feeds.jobs,
            witnesses.job,
          ]
        : []),
      ...(hasCanaries ? [canaries.job] : []),
    ],
    async () => {
      const hasUsers = ground.auth.directory.current().users.size > 0;
      const warnings = serverWarnings({ ...current.config, tls }, now(), hasUsers);
      const loss = await ground.ledgerLog.loss();
      const lost = loss === null ? [] : [loss.message];
      return [...warnings.map(({ text }) => text), ...unknown(), ...lost];
    },
    isFirst,
    options.hasSchedule ?? true,
  );
  const endLag = where === "ports" ? watchLoop(ground.metrics, elapsed) : null;
  let control: ControlServer | null = null;
  let passed: RunningServer | null = null;
  let isStopping = false;

  function generationOf(config: Config, held: readonly Held[]): Generation {
    ground.follower?.use(
      held.map(({ name, format, repository }) => ({
        name,
        purlType: format.purlType ?? "",
        hasPaths: format.lock !== undefined,
        remove: repository.for(serverGrant).remove,
      })),
    );
    return createGeneration(config, held, ground, api, gitHook, options.gate);
  }

  /** Those that have changed in nothing stay as they are, with their connections. */
  function useHooks({ hooks, mail, offline }: HooksConfig): void {
    const next = { hooks, mail, offline };
    if (isDeepStrictEqual(hooked, next)) return;
    ground.hooks.use(openHooks(next, ground), (name) => {
      return current?.held.find((one) => one.name === name)?.format.spell;
    });
    hooked = next;
  }

  /** Until the ports are open nothing has happened; after that all happens before the next request. */
  async function apply(written: Config): Promise<string[]> {
    if (isStopping) throw new Problem("conflict", "The server is stopping");
    const { config: next, lines } = takeIn(current.config, written);
    const before = current;
    const isRenewed = (["database", "follow"] as const).some(
      (key) => !isDeepStrictEqual(before.config[key], next[key]),
    );
    const held = mounts.of(next.repositories);
    try {
      ports.use(portsOf(next), next.tls?.pair ?? null);
      current = generationOf(next, held);
    } catch (error) {
      mounts.use(before.held);
      throw error;
    }
    ({ tls } = next);
    if (isRenewed) ground.renew(next);
    mounts.use(held);
    useHooks(next);
    feeds.use(next);
    witnesses.use(next);
    before.retire();
    watch();
    lock.tell(ports.addresses());
    if (isFirst) await jobs.follow(current, operations);
    if (hasCanaries) canaries.renew();
    ground.nodes?.say(saidOf(current.config, ports.url("")));
    await tellSiblings();
    return lines;
  }

  async function tellSiblings(): Promise<void> {
    await siblings?.use({ ...current.config, tls }, ports.addresses());
  }

  const reload = createReload({ load: options.load ?? (() => config), apply, log });

  async function stop(graceMs = GRACE_MS): Promise<void> {
    isStopping = true;
    ground.hurry();
    const enough = setTimeout(() => void pool.close(), graceMs); // work that does not end would keep those who wait for it
    ground.follower?.close();
    ending.abort();
    const jobsEnded = jobs.stop();
    const roundEnded = canaries.stop();
    await operations.stop();
    await Promise.all([control?.stop(), ports.stop(graceMs), siblings?.stop(graceMs)]);
    await passed?.stop(0);
    feeds.close();
    witnesses.close();
    await soundness.close();
    await Promise.all([jobsEnded, roundEnded]);
    await rounds.close();
    await mounts.close();
    clearTimeout(enough);
    endLag?.();
    if (where === "ports" && isFirst) await ground.series.flush().catch(() => {}); // a full disk: the last seconds are lost
    await ground.close();
  }

  try {
    const setupCode = ground.auth.setup.code;
    const running = {
      urls: {},
      urlOf: ports.url,
      events,
      database,
      operations,
      setupCode,
      label,
      reload,
      stop,
    };
    if (where === "none") return { url: "", ...running };
    if (where === "loopback") {
      const reading = { publicUrl: null, trustedProxies: [] };
      const address = { host: "127.0.0.1", port: 0 };
      ports.use([{ name: "", address, reading, socketMode: 0 }], null);
      return { url: ports.url(""), ...running };
    }
    if (hasCanaries) await rounds.prepare();
    const wanted = portsOf(config);
    ports.use(wanted, tls?.pair ?? null);
    lock.tell(ports.addresses());
    if (hasControl) control = openControl(config, operations, log);
    ground.hooks.start(isFirst);
    if (isFirst) await jobs.follow(current, operations);
    if (isFirst && siblings) passed = takePassed(socket, traced, ground);
    ground.nodes?.say(saidOf(current.config, ports.url("")));
    await tellSiblings();
    const urls = wanted.flatMap(({ name }) => (name ? [[name, ports.url(name)]] : []));
    return { ...running, url: ports.url(""), urls: Object.fromEntries(urls) };
  } catch (error) {
    await stop(0);
    throw error;
  }
}

/** What other processes of this server pass on. */
function takePassed(path: string, app: App, { bodies, log }: Ground): RunningServer {
  return startServer({
    ...{ hostname: "", port: 0, publicUrl: null, trustedProxies: [] },
    socket: { path, mode: FILE_MODE },
    isPassedOn: true,
    bodies,
    handle: (incoming) => app(incoming, incoming.header(PASSED_FOR) ?? undefined),
    failed: (error) => log.write("error", "A response could not be sent", { error: String(error) }),
  });
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
