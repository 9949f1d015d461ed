// Operations on the data directory itself, which belong to no repository: a command asks the server for them as for those of formats.
import type { OperationCall } from "../core/operation.ts";
import { Problem } from "../core/problem.ts";
import { collectGarbage, type GcResult, type GcStore } from "./gc.ts";
import type { Operations } from "./operations.ts";

/** Work on the data directory by its name, without a repository. True when all went well. */
export type HouseOperations = Record<string, (call: OperationCall) => Promise<boolean>>;

/** `tell`: what was done, in lines for people. */
export function houseOperations(
  store: GcStore,
  tell: (result: GcResult) => string[],
  now: () => number,
): HouseOperations {
  return {
    async gc({ say, signal }) {
      const result = await collectGarbage(store, { now: now(), signal });
      for (const line of tell(result)) say(line);
      return !signal.aborted;
    },
  };
}

/** The operations of all repositories, and those of the house. */
export function withHouse(operations: Operations, house: HouseOperations): Operations {
  const ending = new AbortController();
  const running = new Set<Promise<unknown>>();
  return {
    ...operations,
    run(wanted, call) {
      const own = wanted.repository === "" ? house[wanted.name] : undefined;
      if (!own) return operations.run(wanted, call);
      if (ending.signal.aborted) throw new Problem("conflict", "The server is stopping");
      const signal = AbortSignal.any([call.signal, ending.signal]);
      const done = own({ ...call, flags: wanted.flags, signal });
      const ended = done.catch(() => null).finally(() => running.delete(ended));
      running.add(ended);
      return done;
    },
    async stop() {
      ending.abort();
      await Promise.all([operations.stop(), ...running]);
    },
  };
}
