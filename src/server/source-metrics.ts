// What metrics tell of code hosts: by the entry of `sources`, since names of packages are in no label.
import type { Metrics } from "../core/metrics.ts";
import type { RepositorySources, SourceNumbers } from "../sources/sources.ts";

/** Returns what counts each question to a code host. */
export function countSources(metrics: Metrics) {
  const asked = metrics.counter(
    "holdfast_source_asked_total",
    "How often code hosts were asked, by repository, source and what came of it",
  );
  return (repository: string, names: string, result: string) =>
    asked.add({ repository, source: names, result });
}

export function watchSources(
  metrics: Metrics,
  all: () => readonly {
    repository: { name: string };
    sources: Pick<RepositorySources, "numbers">;
  }[],
  now: () => number,
): void {
  const gauge = (name: string, help: string, numberOf: (one: SourceNumbers) => number | null) =>
    metrics.gauge(`holdfast_source_${name}`, help, async () => {
      const read = all().map(async ({ repository, sources }) =>
        (await sources.numbers()).flatMap((one): [Record<string, string>, number][] => {
          const value = numberOf(one);
          return value === null
            ? []
            : [[{ repository: repository.name, source: one.names }, value]];
        }),
      );
      return (await Promise.all(read)).flat();
    });
  gauge("codes", "Repositories of code hosts that were had.", ({ codes }) => codes);
  gauge(
    "failing",
    "Those of them whose code host could not be asked the last time.",
    ({ failing }) => failing,
  );
  gauge(
    "age_seconds",
    "Since a code host last answered for the code of which that is longest ago.",
    ({ answeredAt }) => answeredAt && (now() - answeredAt) / 1000,
  );
}
