// Canaries: what the last round of made-up packages proved, for metrics, people and machines. Told once when one turns red, and once when it is green again,
// also where the server was restarted in between.
import { ALL_CANARIES as ALL } from "../core/alarm.ts";
import { type EventKind, NO_REPOSITORY } from "../core/event.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Events } from "../ledger/events.ts";
import type { ReadDatabase } from "../store/database.ts";
import { type Host, toldWrong } from "./alarms.ts";
import type { HouseOperations } from "./house.ts";
import type { RecurringJob } from "./runner.ts";

/**
 * What is proven, by the package that proves it: `good` is served, `bad` is blocked, `young` is held, `tampered` is refused, and nobody is asked for
 * `private`, which is claimed.
 */
export const canaryNames = ["good", "bad", "young", "tampered", "private"] as const;
export type CanaryName = (typeof canaryNames)[number];

export interface CanaryResult {
  repository: string;
  canary: CanaryName;
  /** "unproven": it cannot be told in this repository. */
  state: "green" | "red" | "unproven";
  /** What is wrong, or why it cannot be told, in a clause; null: it is green. */
  why: string | null;
}

export interface CanaryRound {
  /** Milliseconds since the epoch. */
  at: number;
  tookMs: number;
  results: readonly CanaryResult[];
  /** Why none could be asked, in a clause: then all are red. */
  failure: string | null;
}

export interface Canaries {
  /** The last round; null: none has ended yet. */
  last(): CanaryRound | null;
  /** Why the server cannot be said to enforce its rules, in a clause that names nothing; null: it is proven that it does. */
  whyNot(): string | null;
  /** Runs a round, or another one after that which is under way. Null when it was ended by `stop`. `isAwaited`: somebody waits for it. */
  run(isAwaited?: boolean): Promise<CanaryRound | null>;
  /** What was proven is of another configuration: a round is run anew. */
  renew(): void;
  readonly job: RecurringJob;
  readonly operations: HouseOperations;
  /** Ends what runs. */
  stop(): Promise<void>;
}

export interface CanariesDeps {
  /** All of what is served now; fewer results when it was ended by its signal. Never throws. */
  round(signal: AbortSignal, isAwaited: boolean): Promise<Pick<CanaryRound, "results" | "failure">>;
  events: Pick<Events, "report">;
  database: ReadDatabase;
  metrics: Metrics;
  log: Log;
  /** Null without it. */
  host?: Host;
  now(): number;
}

const EVERY_MS = 10 * 60_000;
/** Once requests are answered. */
const FIRST_MS = 1;

export function createCanaries(deps: CanariesDeps): Canaries {
  const { events, database, metrics, log, host = null, now } = deps;
  const stopping = new AbortController();
  const { signal } = stopping;
  let last: CanaryRound | null = null;
  /** Rises with the configuration; and which one the last round was of. */
  let current = 0;
  let proven = 0;
  let running: Promise<unknown> = Promise.resolve();
  let waiting: Promise<CanaryRound | null> | null = null;
  /** Which are told of as red; null: not read yet. */
  let told: Set<string> | null = null;

  metrics.gauge("holdfast_canary_ok", "Whether a made-up package met what it should", () =>
    (last?.results ?? []).flatMap(({ repository, canary, state }) =>
      state === "unproven" ? [] : [[{ repository, canary }, Number(state === "green")]],
    ),
  );
  metrics.gauge("holdfast_canary_round_timestamp_seconds", "When the last round ended", () =>
    last ? [[{}, Math.floor(last.at / 1000)]] : [],
  );

  async function round(isAwaited: boolean): Promise<CanaryRound | null> {
    const of = current;
    const begun = now();
    const wasProven = whyNot() === null;
    const found = await deps.round(signal, isAwaited);
    if (signal.aborted) return null;
    proven = of;
    last = { at: now(), tookMs: now() - begun, ...found };
    await tell(last);
    if (whyNot() === null && !wasProven) log.write("info", `Canaries: ${sumOf(last)}`);
    return last;
  }

  async function tell({ results, failure }: CanaryRound): Promise<void> {
    told ??= await toldRed(database, host);
    const report = (kind: EventKind, repository: string, canary: string, message: string) =>
      events.report(repository, {
        kind,
        package: "",
        message,
        detail: { canary, ...(host !== null && { host }) },
      });
    const where = host === null ? "" : ` on ${host}`;
    const turn = (repository: string, canary: string, why: string | null) => {
      const key = keyOf(repository, canary);
      const which = canary === ALL ? "All canaries" : `The canary ${canary} of ${repository}`;
      const what = which + where;
      if (why !== null && !told!.has(key)) {
        told!.add(key);
        const verb = canary === ALL ? "are" : "is";
        report("canary-red", repository, canary, `${what} ${verb} red: ${why}`);
      } else if (why === null && told!.delete(key)) {
        const verb = canary === ALL ? "can be asked again" : "is green again";
        report("canary-green", repository, canary, `${what} ${verb}`);
      }
    };
    turn(NO_REPOSITORY, ALL, failure);
    if (failure !== null) return;
    const asked = new Set([keyOf(NO_REPOSITORY, ALL)]);
    for (const { repository, canary, state, why } of results) {
      if (state === "unproven") continue;
      asked.add(keyOf(repository, canary));
      turn(repository, canary, why);
    }
    // What is asked no more is neither red nor green. Of several servers who looks for all goes by what was told: there it is still to be told as green.
    if (host === null) for (const key of told) if (!asked.has(key)) told.delete(key);
  }

  function whyNot(): string | null {
    if (last === null) return "no round of canaries has ended yet";
    if (proven !== current) return "no round of canaries has ended since the configuration changed";
    const red = last.results.filter(({ state }) => state === "red").length;
    return red === 0 ? null : `${red} of ${last.results.length} canaries are red`;
  }

  function run(isAwaited = false): Promise<CanaryRound | null> {
    waiting ??= running.then(() => {
      waiting = null;
      const done = round(isAwaited);
      running = done.catch(() => {});
      return done;
    });
    return waiting;
  }

  return {
    last: () => last,
    whyNot,
    run,
    renew() {
      current += 1;
      run().catch((error) =>
        log.write("error", "A round of canaries failed", { error: String(error) }),
      );
    },
    job: {
      name: "The round of canaries",
      everyMs: EVERY_MS,
      firstMs: FIRST_MS,
      async run() {
        await run();
      },
    },
    operations: {
      async "canary run"({ say }) {
        const done = await run(true);
        if (done) for (const line of linesOf(done)) say(line);
        return done !== null && whyNot() === null;
      },
      async "canary show"({ say }) {
        const lines = last ? linesOf(last) : ["No round has ended yet."];
        for (const line of lines) say(line);
        if (last && proven !== current) say("The configuration has changed since.");
        return whyNot() === null;
      },
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

function keyOf(repository: string, canary: string): string {
  return `${repository}\0${canary}`;
}

/** By this server: what is green here may be red elsewhere. */
async function toldRed(database: ReadDatabase, host: Host): Promise<Set<string>> {
  const red = await toldWrong(database, "canary-red");
  return new Set(
    red
      .filter((one) => one.host === host)
      .map(({ repository, canary }) => keyOf(repository, canary)),
  );
}

function sumOf({ results }: CanaryRound): string {
  const count = (wanted: CanaryResult["state"]) =>
    results.filter(({ state }) => state === wanted).length;
  const repositories = new Set(results.map(({ repository }) => repository)).size;
  const unproven = count("unproven");
  return [
    `${count("green")} of ${results.length - unproven} are green`,
    `in ${repositories} ${repositories === 1 ? "repository" : "repositories"}`,
    ...(unproven > 0 ? [`(${unproven} cannot be told)`] : []),
  ].join(" ");
}

/** For people: the sum, and each that is not green. */
function linesOf(round: CanaryRound): string[] {
  const { at, tookMs, results, failure } = round;
  const seconds = (tookMs / 1000).toFixed(1);
  const sum = `${sumOf(round)}: the round that ended at ${new Date(at).toISOString()} took ${seconds} s.`;
  if (failure !== null) return [sum, `None could be asked: ${failure}`];
  return [
    sum,
    ...results
      .filter(({ state }) => state !== "green")
      .map(({ repository, canary, state, why }) => `${repository}  ${canary} is ${state}: ${why}`),
  ];
}
