// For the tests of operations: a repository of this format over the fake one, without signatures.
import { admit } from "../admit.ts";
import { documents } from "../documents.ts";
import { type AptOptions, aptOptions } from "../options.ts";
import { tasks } from "../tasks.ts";
import { type FakeRepository, fakeRepository } from "./testing.ts";

export function aptRepository(options: Record<string, unknown> = {}): FakeRepository<AptOptions> {
  return fakeRepository({
    options: aptOptions.parse({ unverified: true, ...options }),
    documents,
    tasks,
    admit,
  });
}

export const noWait = async (): Promise<void> => {};
