// The upstream's public keys, for clients (`npm audit signatures`) and for the checks made here. GET /-/npm/v1/keys

import { encodeJson, jsonOf, jsonReply, parseJson, tryAsk } from "../../core/answers.ts";
import { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { NpmMemory } from "./memory.ts";
import { parseKeys } from "./signatures.ts";
import { ownKey } from "./signing.ts";
import type { RegistryKey } from "./types.ts";

const KEY = "keys";
const MAX_AGE = 24 * 60 * 60 * 1000;
const RETRY_AFTER = 5 * 60 * 1000;

/**
 * The upstream's keys; none when it has none or was never reached. Waits for the upstream only as long as nothing is known,
 * asks again at most daily, and never forgets keys because an upstream stops showing them.
 */
export async function registryKeys(
  repository: Repository,
  memory: NpmMemory,
): Promise<RegistryKey[]> {
  const kept = await repository.kept(KEY);
  if (kept && repository.now() - kept.at < MAX_AGE) return keptKeys(kept.bytes);
  const refreshed = refresh(repository, memory.keys);
  if (kept) return keptKeys(kept.bytes);
  await refreshed;
  const first = await repository.kept(KEY);
  return first ? keptKeys(first.bytes) : [];
}

/** The answer to a client. "404 or 400: the registry has no keys" (npm/cli verify-signatures.js). */
export async function serveKeys(repository: Repository, memory: NpmMemory): Promise<Reply> {
  const keys = await registryKeys(repository, memory);
  // A client that is given keys wants a signature of every version.
  if ((await repository.hosting.search("", 1)).length > 0) keys.push(await ownKey(repository));
  if (keys.length) return jsonReply(200, { keys }, { hit: true });
  // It would say that the registry has none, and no signature be looked at.
  if (!(await repository.kept(KEY)))
    throw new Problem(
      "unreachable",
      "The upstream was never asked for its signing keys, and cannot be now",
    );
  throw new Problem("notFound", "The upstream shows no signing keys");
}

function refresh(repository: Repository, state: NpmMemory["keys"]): Promise<void> {
  if (state.refresh) return state.refresh;
  if (repository.now() < state.notBefore) return Promise.resolve();
  state.refresh = ask(repository).finally(() => {
    state.refresh = null;
    state.notBefore = repository.now() + RETRY_AFTER;
  });
  // Who does not wait for it must not be struck by its failure; who does, sees it.
  state.refresh.catch(() => {});
  return state.refresh;
}

async function ask(repository: Repository): Promise<void> {
  const question = { path: "-/npm/v1/keys", package: null };
  const answer = await tryAsk(repository, question);
  if (answer instanceof Problem) return;
  const keys = parseKeys(jsonOf(answer));
  if (keys?.length) return repository.keep(KEY, encodeJson({ keys }));
  if (![200, 400, 404, 405, 410].includes(answer.status)) return;
  const before = await repository.kept(KEY);
  await repository.keep(KEY, before?.bytes ?? encodeJson({ keys: [] }));
}

function keptKeys(bytes: Uint8Array): RegistryKey[] {
  return parseKeys(parseJson(bytes)) ?? [];
}
