// Which generation a client was given last, by this server or another one on the same database: an update may come to several of them in turn.
import { Problem } from "../../core/problem.ts";
import type { AptRepository } from "./memory.ts";
import { ACTIVE_MS, addressOf } from "./sessions.ts";

const keyOf = (client: string, suite: string) => `given/${addressOf(client)}/${suite}`;

/** To be waited for before the client gets the release file. A database that is away keeps no client from it. */
export async function noteGiven(
  repository: AptRepository,
  client: string,
  suite: string,
  generation: string,
): Promise<void> {
  repository.memory.sessions.note(client, suite, generation);
  if (repository.heard() === null) return;
  const bytes = Buffer.from(generation);
  await repository.keep(keyOf(client, suite), bytes, { evictable: true }).catch(ignoreAway);
}

/** The generation that it is in the middle of, or null. */
export async function givenTo(
  repository: AptRepository,
  client: string,
  suite: string,
): Promise<string | null> {
  const here = repository.memory.sessions.of(client, suite);
  if (repository.heard() === null) return here;
  const kept = await repository.kept(keyOf(client, suite)).catch(ignoreAway);
  const isActive = kept && Math.abs(repository.now() - kept.at) < ACTIVE_MS;
  return isActive ? Buffer.from(kept.bytes).toString() : here;
}

function ignoreAway(error: unknown): null {
  if (error instanceof Problem) return null;
  throw error;
}
