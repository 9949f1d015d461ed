// Hooks in: `POST /<repository>/-/hooks/git`. What is posted is a trigger and nothing more: which commits there are is asked of the code host itself.
import type { Log } from "../../core/log.ts";
import type { Metrics } from "../../core/metrics.ts";
import { Problem } from "../../core/problem.ts";
import { type Reply, reply } from "../../core/reply.ts";
import { addressesIn, senderOf } from "./senders.ts";

export interface GitHookRequest {
  header(name: string): string | null;
  body(limit: number): Promise<Uint8Array>;
}

export interface GitHooksDeps {
  /** That of a repository; null where it takes no hooks. */
  secretOf(repository: string): string | null;
  /** Has the code at one of these addresses asked for what is new, behind. */
  pull(repository: string, addresses: readonly string[]): void;
  log: Log;
  count: ReturnType<Metrics["counter"]>;
  now(): number;
}

export type GitHooks = (repository: string, request: GitHookRequest) => Promise<Reply>;

/** A push of many commits tells them all; GitHub's own limit is 25 MB. */
const LIMIT = 8 * 1024 * 1024;
const ACCEPTED = { "cache-control": "no-store" };

/** Answers at once. Throws Problem("notFound") where no hook is taken, Problem("unauthenticated") for what is not signed with the secret. */
export function createGitHooks({ secretOf, pull, log, count, now }: GitHooksDeps): GitHooks {
  return async (repository, request) => {
    const secret = secretOf(repository);
    if (secret === null) throw new Problem("notFound", "No hook is taken here");
    const { header } = request;
    const known = senderOf({ header, body: new Uint8Array(), now: now() });
    const told = (result: string) =>
      count.add({ repository, sender: known?.name ?? "unknown", result });
    if (known === null) {
      told("refused");
      throw refused();
    }
    const body = await request.body(LIMIT);
    const sender = senderOf({ header, body, now: now() })!;
    const { name, event, isProbe } = sender;
    if (!isProbe && !sender.isAuthentic(secret)) {
      told("refused");
      throw refused();
    }
    const isPush = !isProbe && sender.isPush();
    told(isPush ? "taken" : "ignored");
    const addresses = isPush ? addressesIn(body, header("content-type")) : [];
    if (isPush && addresses.length === 0)
      log.write("warn", `${name} told ${repository} of a push, and not of which repository`, {
        repository,
        sender: name,
        event,
      });
    if (addresses.length > 0) pull(repository, addresses);
    return reply(202, "application/json", '{"status":"accepted"}\n', ACCEPTED);
  };
}

/** The same whatever is wrong. */
function refused(): Problem {
  return new Problem("unauthenticated", "This is not signed with the hook's secret", {
    rule: "hookSecret",
  });
}
