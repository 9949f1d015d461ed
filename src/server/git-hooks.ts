// Hooks in, put together: the secrets of the configuration that there is now, and the code hosts of its repositories.
import type { RepositoryConfig } from "../config/resolve.ts";
import { createPulls } from "../hooks/git/pulls.ts";
import { createGitHooks, type GitHooks } from "../hooks/git/receive.ts";
import { plainUrl } from "../sources/sources.ts";
import type { Generation } from "./generation.ts";
import type { Ground } from "./ground.ts";

export function openGitHooks(
  current: () => Pick<Generation, "own"> & {
    config: { repositories: readonly Pick<RepositoryConfig, "name" | "hookSecret">[] };
  },
  { metrics, log, shared }: Pick<Ground, "metrics" | "log" | "shared">,
): GitHooks {
  /** `key`: a repository, and an address of its code. */
  async function ask(key: string): Promise<void> {
    const [name = "", url = ""] = key.split("\0");
    const one = current().own.find(({ repository }) => repository.name === name);
    if (!one) return;
    const release = one.hold?.();
    const say = (line: string) =>
      log.write("info", line, { repository: name, job: "sources", by: "hook" });
    try {
      await one.sources.refresh({ url, say });
    } catch (error) {
      log.write("error", "Code could not be had after a hook told of a push", {
        repository: name,
        error: String(error),
      });
    } finally {
      release?.();
    }
  }
  const pulls = createPulls(ask);
  return createGitHooks({
    secretOf: (name) =>
      current().config.repositories.find((one) => one.name === name)?.hookSecret ?? null,
    pull(repository, addresses) {
      // A sender tells the several addresses of one repository each time in the same way.
      const apart = new Map(addresses.flatMap(withPlain));
      for (const address of apart.values()) pulls.pull(`${repository}\0${address}`);
    },
    log,
    count: metrics.counter(
      "holdfast_git_hooks_total",
      "What code hosts told, by repository, sender and result",
    ),
    now: shared.now,
  });
}

/** What cannot be read as an address is none of ours. */
function withPlain(address: string): [plain: string, address: string][] {
  try {
    return [[plainUrl(address), address]];
  } catch {
    return [];
  }
}
