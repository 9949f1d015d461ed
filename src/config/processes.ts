// How many processes a server is made of, on its machine.
import { z } from "zod";
import type { Path } from "./errors.ts";
import { type Address, socketPath } from "./values.ts";

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
  {
    processes,
    listen,
    repositories = {},
    ...other
  }: {
    processes: number;
    listen: Address;
    repositories?: Record<string, { listen?: Address | undefined } | false | undefined>;
    database?: unknown;
    store?: unknown;
    follow?: unknown;
  },
  complain: (path: Path, message: string) => void,
): void {
  if (processes === 1) return;
  if (other.database !== undefined || other.store !== undefined)
    complain(
      ["processes"],
      "is for one server with all on its own disk: with database and store, start further servers in place of processes",
    );
  if (other.follow !== undefined)
    complain(["processes"], "is not for a server that follows another one: leave it at 1");
  const ports = [
    listen,
    ...Object.values(repositories).flatMap((one) => (one ? (one.listen ?? []) : [])),
  ];
  if (ports.every(({ host }) => socketPath(host) !== null))
    complain(
      ["processes"],
      "does nothing where the server listens on socket files alone, which have one process: listen on HOST:PORT, or leave it at 1",
    );
}
