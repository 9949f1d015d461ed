// The format at work on one repository: its requests, its releases and its operations share one memory.
import type { Service } from "../../core/format.ts";
import type { RunOperation } from "../../core/operation.ts";
import type { Repository, UnboundRepository } from "../../core/repository.ts";
import { accept, acceptOperation } from "./accept.ts";
import { admit } from "./admit.ts";
import { isIgnored, readValidUntil, validUntilGauge } from "./expiry.ts";
import { suiteRuns } from "./hosted/operations.ts";
import { publishGiven, suitesOf } from "./hosted/publish.ts";
import { createSuites } from "./hosted/suites.ts";
import { tidySuites } from "./hosted/tidy.ts";
import { expireUploads, serveUpload } from "./hosted/upload.ts";
import { keeps } from "./keeps.ts";
import {
  type AptMemory,
  type AptRepository,
  type AptRun,
  createMemory,
  forgetStored,
} from "./memory.ts";
import { mirrorRuns } from "./mirror/index.ts";
import { closeLookups } from "./open-lookups.ts";
import type { AptOptions } from "./options.ts";
import type { AptRoute } from "./routes.ts";
import { serve } from "./serve.ts";

export function mount(unbound: UnboundRepository<AptOptions>): Service<AptRoute, AptOptions> {
  const memory = createMemory(unbound);
  const suites = createSuites(unbound, forgetGenerations);
  function forgetGenerations(folder: string): void {
    memory.releases.kept.delete(folder);
  }

  let heard: number | null = null;
  function current(): AptMemory {
    const now = unbound.heard();
    if (heard !== now) forgetStored(memory);
    heard = now;
    return memory;
  }

  const bound = new WeakMap<Repository<AptOptions>, AptRepository>();

  /** The same object for the same repository. */
  function own(repository: Repository<AptOptions>): AptRepository {
    let made = bound.get(repository);
    if (!made) {
      made = Object.create(repository, {
        memory: { get: current },
        suites: { value: suites },
      }) as AptRepository;
      bound.set(repository, made);
    }
    return made;
  }

  const runs: Record<string, AptRun> = {
    ...mirrorRuns,
    [acceptOperation.name]: accept,
    ...suiteRuns,
    async "apt tidy"(repository, { say }) {
      for (const suite of suitesOf(repository).options.suites)
        await suitesOf(repository).refresh(suite);
      await expireUploads(unbound);
      const count = await tidySuites(unbound, suitesOf(repository).alone, forgetGenerations);
      if (count) say(`${count} files that no suite has any more are in the trash`);
      return true;
    },
  };
  return {
    async serve(route, request, repository) {
      if (route.kind === "upload") return serveUpload(route, request, own(repository));
      if (suites && route.kind !== "pool") await suites.begin();
      return serve(route, request, own(repository));
    },
    publish: (given, repository) => publishGiven(given, own(repository)),
    admit: (candidate, repository) => admit(candidate, own(repository)),
    operations: Object.fromEntries(
      Object.entries(runs).map(([name, run]): [string, RunOperation<AptOptions>] => [
        name,
        (repository, call) => run(own(repository), call),
      ]),
    ),
    keeps: (file, repository) => keeps(own(repository), file),
    gauges: [
      {
        ...validUntilGauge,
        ...(!isIgnored({ options: unbound.options, suites }) && { endOf: "Valid-Until" }),
        read: (repository) => readValidUntil(own(repository)),
      },
    ],
    close: () => closeLookups(memory.lookups),
  };
}
