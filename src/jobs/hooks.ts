// What is left of messages to hooks, tidied now and then.
import type { RecurringJob } from "./runner.ts";

const EVERY_MS = 60 * 60 * 1000;

export function tidyHooks(hooks: { tidy(): Promise<void> }): RecurringJob {
  return {
    name: "Tidying messages to hooks",
    everyMs: EVERY_MS,
    isForAll: true,
    run: () => hooks.tidy(),
  };
}
