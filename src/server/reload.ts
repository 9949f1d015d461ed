// Takes a changed configuration in: whole, or not at all. One at a time; who asks while one waits gets what that one brings.
import { listenTrouble } from "../cli/listen.ts";
import { ConfigError } from "../config/errors.ts";
import type { Config } from "../config/resolve.ts";
import type { Log } from "../core/log.ts";
import { Problem } from "../core/problem.ts";

export interface ReloadDeps {
  /** The configuration as it is written now. Throws a ConfigError. */
  load(): Config;
  /** Puts it to work. Throws, and leaves everything as it was, when that cannot be done. What changed, in lines. */
  apply(next: Config): Promise<string[]>;
  log: Log;
}

export interface Reloaded {
  isTaken: boolean;
  /** What changed, or every mistake that kept it from being taken in. */
  lines: string[];
}

export type Reload = () => Promise<Reloaded>;

export function createReload({ load, apply, log }: ReloadDeps): Reload {
  let running: Promise<unknown> = Promise.resolve();
  let waiting: Promise<Reloaded> | null = null;

  async function turn(): Promise<Reloaded> {
    try {
      const lines = await apply(load());
      for (const line of lines) log.write("info", line);
      return { isTaken: true, lines };
    } catch (error) {
      const lines = whyNot(error);
      log.write("error", "The changed configuration is not taken in, the one before stays", {
        mistakes: error instanceof ConfigError ? error.errors.length : 1,
      });
      for (const line of lines) log.write("error", line);
      return { isTaken: false, lines };
    }
  }

  return () => {
    waiting ??= running.then(() => {
      waiting = null;
      const done = turn();
      running = done;
      return done;
    });
    return waiting;
  };
}

function whyNot(error: unknown): string[] {
  if (error instanceof ConfigError) {
    const count = error.errors.length;
    const sum = count === 1 ? "a mistake" : `${count} mistakes`;
    return [...error.message.split("\n"), `holdfast: the configuration has ${sum}`];
  }
  const trouble = listenTrouble(error);
  if (trouble !== null) return [trouble];
  const isExpected = error instanceof Problem || (error as { code?: unknown } | null)?.code;
  return [isExpected ? (error as Error).message : ((error as Error)?.stack ?? String(error))];
}
