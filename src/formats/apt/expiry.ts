// Valid-Until of releases in service: told before clients refuse them, and shown as a number. They are served on whatever it says.

import type { Gauge } from "../../core/operation.ts";
import { Problem } from "../../core/problem.ts";
import type { Generation } from "./documents.ts";
import { currentRelease, knownSuites } from "./generations.ts";
import type { AptRepository } from "./memory.ts";
import type { AptOptions } from "./options.ts";

const NEAR_MS = 3 * 86_400_000;

/** Reports a release that is past its Valid-Until, or will be within three days: once for each release. */
export function tellExpiry(
  repository: AptRepository,
  suite: string,
  { id, release: { validUntil } }: Generation,
): void {
  if (isIgnored(repository)) return;
  if (validUntil === null || repository.now() < validUntil - NEAR_MS) return;
  const known = repository.memory.expired;
  if (known.has(id)) return;
  known.add(id);
  report(repository, suite, id, validUntil).catch(() => known.delete(id)); // told at the next request
}

async function report(
  repository: AptRepository,
  suite: string,
  id: string,
  validUntil: number,
): Promise<void> {
  const key = `expiry/${suite}`;
  const before = await repository.kept(key);
  if (before && Buffer.from(before.bytes).toString() === id) return;
  await repository.keep(key, Buffer.from(id));
  const until = new Date(validUntil).toISOString();
  const isPast = repository.now() >= validUntil;
  const what = isPast ? `is valid until ${until}, which is past` : `is valid until ${until} only`;
  repository.report({
    kind: "expired",
    package: suite,
    message: `The release of ${suite} ${what}, and the upstream has no newer one: it is served on, and clients refuse it from then on unless they set Acquire::Check-Valid-Until to false`,
    detail: { validUntil: until },
  });
}

/** Nobody is told of a date that clients are to ignore, nor of one that this server itself makes anew. */
export function isIgnored({
  options,
  suites,
}: Pick<AptRepository, "suites"> & { options: Pick<AptOptions, "validUntil"> }): boolean {
  return options.validUntil === "ignore" || suites !== null;
}

/** Unix time of each suite's Valid-Until; suites without one have no number. */
export const validUntilGauge: Omit<Gauge, "read"> = {
  name: "holdfast_apt_valid_until_seconds",
  help: "When clients begin to refuse a suite's release, in Unix time",
};

export async function readValidUntil(
  repository: AptRepository,
): Promise<[Record<string, string>, number][]> {
  const numbers: [Record<string, string>, number][] = [];
  for (const suite of await knownSuites(repository)) {
    try {
      const { generation } = await currentRelease(repository, suite, "stored");
      const { validUntil } = generation.release;
      if (validUntil !== null) numbers.push([{ suite }, validUntil / 1000]);
    } catch (error) {
      // Without a stored release there is nothing to tell.
      if (!(error instanceof Problem)) throw error;
    }
  }
  return numbers;
}
