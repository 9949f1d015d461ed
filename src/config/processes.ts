// How many processes a server is made of, on its machine.
import { z } from "zod";
import type { Path } from "./errors.ts";
import type { Config } from "./resolve.ts";

export const Processes = z
  .number()
  .int("must be a whole number")
  .min(1, "must be 1 or more")
  .max(64, "must be 64 or fewer")
  .default(1)
  .describe(
    "How many processes serve, on one data directory and the same ports: no more than the machine has cores to spare. Linux only. docs/scale.md tells when that helps",
  )
  .meta({ examples: [2] });

export function checkProcesses(
  count: number,
  hasStore: boolean,
  complain: (path: Path, message: string) => void,
): void {
  if (count > 1 && hasStore)
    complain(
      ["processes"],
      "is for one server with its files on its disk: with store, start further servers in place of processes",
    );
}

/** What one of the processes of a server is to use of what is for all of them together. */
export function shareOf(config: Config): Config {
  const { processes } = config;
  if (processes === 1) return config;
  const part = (bytes: number) => Math.ceil(bytes / processes);
  return {
    ...config,
    cache: { memory: part(config.cache.memory) },
    requests: { ...config.requests, memory: part(config.requests.memory) },
    repositories: config.repositories.map((one) => ({
      ...one,
      upstreams: one.upstreams.map((upstream) =>
        upstream.maxRate === undefined
          ? upstream
          : { ...upstream, maxRate: part(upstream.maxRate) },
      ),
    })),
  };
}
