// The witnesses of the configuration at work: the ways to them, which are opened here, and when they are shown the log's newest checkpoint.
import { isDeepStrictEqual } from "node:util";
import type { Config } from "../config/resolve.ts";
import type { RecurringJob } from "../jobs/runner.ts";
import { createWitnessed, type Watcher } from "../ledger/log/witnessed.ts";
import { parseCosignerKey } from "../proof/cosignature.ts";
import { connectPoster, type Poster } from "../upstream/poster.ts";
import type { Ground } from "./ground.ts";

type WitnessesConfig = Pick<Config, "ledger" | "offline">;

export interface Witnesses {
  /** Ways that have changed in nothing stay as they are. */
  use(config: WitnessesConfig): void;
  readonly job: RecurringJob;
  close(): void;
}

const EVERY_MS = 5_000;

export function openWitnesses({
  shared,
  ledgerLog,
  log,
  upstreamMetrics: metrics,
  elapsed,
}: Ground): Witnesses {
  let used: WitnessesConfig["ledger"]["witnesses"] | null = null;
  let ways: { poster: Poster; watcher: Watcher }[] = [];
  const witnessed = createWitnessed({
    log: ledgerLog,
    events: shared.events,
    warn: (host, message) =>
      log.write("warn", `The witness ${host} did not sign the log's checkpoint: ${message}`, {
        witness: host,
      }),
  });
  const close = () => {
    for (const { poster } of ways) poster.close();
    ways = [];
  };
  return {
    use({ ledger, offline }) {
      const wanted = offline ? [] : ledger.witnesses;
      if (isDeepStrictEqual(used, wanted)) return;
      used = wanted;
      close();
      const deps = { log, metrics, repository: "-", now: elapsed, offline };
      ways = wanted.map(({ url, key, ...settings }) => {
        const poster = connectPoster({ url: `${url}/add-checkpoint`, ...settings }, deps);
        const watcher = { key: parseCosignerKey(key)!, host: poster.host, add: poster.post };
        return { poster, watcher };
      });
    },
    job: {
      name: "Witnesses of the log",
      everyMs: EVERY_MS,
      isForAll: true,
      run: () => witnessed.ask(ways.map(({ watcher }) => watcher)),
    },
    close,
  };
}
