// For the tests of formats: the parts of a Repository that a test does not expect to be used.
import type { Repository } from "./repository.ts";

type Part = "model" | "fetch" | "work" | "derive" | "stored" | "pinned" | "remove";

function unexpected(name: Part) {
  return async (): Promise<never> => {
    throw new Error(`The test's repository has no ${name}`);
  };
}

export const unexpectedParts: Pick<Repository, Part> = {
  model: unexpected("model"),
  fetch: unexpected("fetch"),
  work: unexpected("work"),
  derive: unexpected("derive"),
  stored: unexpected("stored"),
  pinned: unexpected("pinned"),
  remove: unexpected("remove"),
};
