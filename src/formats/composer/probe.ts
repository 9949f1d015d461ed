// How a Composer repository is told from anything else that answers: by its root. https://getcomposer.org/doc/05-repositories.md#composer
import type { Probe } from "../../core/probe.ts";

/** One of these leads to the packages. A root may be larger than what is looked at, so it is not parsed. */
const KEYS =
  /"(packages|metadata-url|includes|provider-includes|providers-url|providers-lazy-url)"\s*:/;

export function probe(): Probe {
  return {
    path: "packages.json",
    accept: "application/json",
    recognises: ({ status, start }) =>
      status === 200 && start.trimStart().startsWith("{") && KEYS.test(start),
  };
}
