// For the tests of operations: a repository of this format over the fake one, without signatures.
import { admit } from "../admit.ts";
import { documents } from "../documents.ts";
import { type AptRepository, createMemory } from "../memory.ts";
import { type AptOptions, aptOptions } from "../options.ts";
import { tasks } from "../tasks.ts";
import { type FakeRepository, fakeRepository } from "./testing.ts";

export type FakeAptRepository = FakeRepository<AptOptions> & AptRepository;

export function aptRepository(options: Record<string, unknown> = {}): FakeAptRepository {
  const fake: FakeAptRepository = remembering(
    fakeRepository({
      options: aptOptions.parse({ unverified: true, ...options }),
      documents,
      tasks,
      admit: (candidate) => admit(candidate, fake),
    }),
  );
  return fake;
}

/** The same object, with a memory as a service gives it. */
export function remembering(fake: FakeRepository<AptOptions>): FakeAptRepository {
  return Object.assign(fake, { memory: createMemory(fake), suites: null });
}

export const noWait = async (): Promise<void> => {};
