// The way to a collector of traces: one address that the operator names, asked by POST, with nothing of a client in it but what the spans say.
import { wordsFor } from "../core/connection.ts";

const PATIENCE_MS = 10_000;

/** Rejects with why it was not taken. */
export async function postJson(endpoint: string, body: string): Promise<void> {
  const answer = await fetch(endpoint, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
    redirect: "manual",
    signal: AbortSignal.timeout(PATIENCE_MS),
  }).catch((error) => {
    throw new Error(`${endpoint} cannot be reached: ${wordsFor(error)}`, { cause: error });
  });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`${endpoint} answers ${answer.status}`);
}
