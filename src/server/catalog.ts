// What pages and API are given of the room that knows packages, for one configuration.
import { serverGrant } from "../auth/gate.ts";
import { type ReadRepository, readDependencies } from "../catalog/dependencies.ts";
import { createInsides } from "../catalog/insides.ts";
import { createLabels } from "../catalog/labels.ts";
import { catalogFor, tidyNames } from "../catalog/room.ts";
import type { CatalogReader } from "../core/catalog.ts";
import type { Grant } from "../core/grant.ts";
import type { Inside, InsideDependency } from "../core/inside.ts";
import { INSIDE_READER } from "../inside/readme.ts";
import type { PolicedRepository } from "../jobs/policy.ts";
import type { RecurringJob } from "../jobs/runner.ts";
import { untilAborted } from "../upstream/exchange.ts";
import type { Ground } from "./ground.ts";
import type { Held } from "./mounts.ts";

export function catalogOf(
  held: readonly Held[],
  policed: readonly PolicedRepository[],
  { database, waivers, isPublic, now }: Ground["shared"],
): (grant: Grant) => CatalogReader {
  const repositories = held.map(({ name, format, repository }) => ({
    name,
    format: format.name,
    policed: policed.find((one) => one.name === name)!,
    insides: createInsides({
      database,
      now,
      format: format.name,
      reader: INSIDE_READER,
      files: format.looksInto ?? null,
      work: ({ file, sha256 }, packageName, version) =>
        repository
          .for(serverGrant)
          .work<Inside>("inside", { package: packageName, version, file }, [sha256!]),
    }),
    labels: createLabels({
      sql: database.read,
      repository: name,
      labels: format.labels ?? null,
      work: (packageName, sha256) =>
        repository
          .for(serverGrant)
          .work<Record<string, string>>("labels", { package: packageName }, [sha256]),
    }),
  }));
  const deps = { database, repositories, waivers: () => waivers.all(), isPublic, now };
  return (grant) => catalogFor(deps, grant);
}

type ReadHeld = Pick<Held, "name" | "format" | "repository" | "hold">;

/** What is written down for the pages about packages behind what is asked for. When `signal` is aborted what runs of it ends at once, whatever it waits for. */
export function catalogJobs(
  held: () => readonly ReadHeld[],
  { database, now }: Pick<Ground["shared"], "database" | "now">,
  signal: AbortSignal,
): RecurringJob[] {
  const names: RecurringJob = {
    name: "Names of packages",
    everyMs: 10_000,
    firstMs: 5_000,
    isForAll: true,
    run: () => tidyNames(database),
  };
  // A worker does it after everything for which somebody waits.
  const dependencies: RecurringJob = {
    name: "What packages need",
    everyMs: 5_000,
    firstMs: 2_000,
    isForAll: true,
    async run() {
      const all = held();
      const releases = all.map((one) => one.hold());
      try {
        const repositories = all.map((one) => readOf(one, signal));
        await readDependencies(database, repositories, now(), signal);
      } finally {
        for (const release of releases) release();
      }
    },
  };
  return [names, dependencies];
}

function readOf({ name, format, repository }: ReadHeld, signal: AbortSignal): ReadRepository {
  return {
    name,
    policed: { order: format.compareVersions ?? null, spell: format.spell },
    dependencies: format.dependencies ?? null,
    read({ file, version, sha256 }, packageName) {
      const options = { package: packageName, version, file };
      const turn = { isBehind: true, signal };
      const reading = repository
        .for(serverGrant)
        .work<InsideDependency[]>("dependencies", options, [sha256], turn);
      return untilAborted(reading, signal); // a bucket that is silent takes no notice of it
    },
  };
}
