// Until packages can be published: whatever is asked of it is refused.
import type { Hosting } from "../core/hosting.ts";
import { Problem } from "../core/problem.ts";

async function refuse(): Promise<never> {
  throw new Problem("methodNotAllowed", "Nothing can be published here");
}

export const noHosting: Hosting = {
  owns: () => false,
  read: async () => null,
  search: async () => [],
  admit: refuse,
  receive: refuse,
  publish: refuse,
  change: refuse,
  remove: refuse,
};
