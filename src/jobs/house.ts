// Operations on the data directory itself, which belong to no repository: a command asks the server for them as for those of formats.
import { takeBackPin, type UnpinDeps, type Unpinning } from "../cache/unpin.ts";
import type { OperationCall } from "../core/operation.ts";
import { Problem } from "../core/problem.ts";
import { collectGarbage, type GcResult, type GcStore } from "./gc.ts";
import type { Operations } from "./operations.ts";
import { type VerifiedStore, verify } from "./verify.ts";

/** Work on the data directory by its name, without a repository. True when all went well. */
export type HouseOperations = Record<string, (call: OperationCall) => Promise<boolean>>;

/** `tell`: what was done, in lines for people. */
export function houseOperations(
  store: GcStore & UnpinDeps & VerifiedStore,
  tell: (result: GcResult) => string[],
  now: () => number,
): HouseOperations {
  return {
    async gc({ say, signal }) {
      const result = await collectGarbage(store, { now: now(), signal });
      for (const line of tell(result)) say(line);
      return !signal.aborted;
    },
    async verify({ progress, say }) {
      const { files, damaged, views } = await verify(store, (done, total) =>
        progress(done, total, "files"),
      );
      for (const { what, repository, subject } of damaged) say(`${what} ${repository} ${subject}`);
      for (const path of views.damaged) say(`altered view ${path}`);
      const bad = damaged.length + views.damaged.length;
      say(
        `${files + views.files} files: ${bad === 0 ? "all true to their digests" : `${bad} damaged`}`,
      );
      return bad === 0;
    },
    async unpin({ values = {}, say }) {
      const wanted = unpinning(values);
      const sha256 = await takeBackPin({ ...store, now }, wanted);
      say(`${wanted.file} of ${wanted.package} is no longer pinned to ${sha256}.`);
      return true;
    },
  };
}

/** Throws Problem("badRequest") for what says too little to be written down. */
function unpinning(values: Readonly<Record<string, string>>): Unpinning {
  const { repository, package: name, file, reason, by } = values;
  if (!repository || !name || !file || !reason?.trim() || !by)
    throw new Problem(
      "badRequest",
      "To take a pin back takes a repository, a package, a file, a reason and who asks",
    );
  return { repository, package: name, file, reason: reason.trim(), by };
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
      const done = own({ ...call, flags: wanted.flags, values: wanted.values ?? {}, signal });
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
