// Secrets of the server itself, each made when it is first asked for: 32 random bytes, the same for all repositories. They stand beside what formats keep,
// under the name of no repository, where no format looks.
import { randomBytes } from "node:crypto";
import type { OwnRepository } from "../core/repository.ts";
import type { Database, ReadDatabase } from "../store/database.ts";
import { createKept } from "./kept.ts";

export function createSecrets(database: Database, now: () => number): OwnRepository["secret"] {
  const values = createKept({ repository: "", database, now });
  const known = new Map<string, Promise<Uint8Array>>();

  async function make(name: string): Promise<Uint8Array> {
    const key = keyOf(name);
    // Whoever comes second keeps what the first one made.
    if (!(await values.kept(key))) await values.swap(key, randomBytes(32), null);
    return (await values.kept(key))!.bytes;
  }

  return (name) => {
    let secret = known.get(name);
    if (!secret) {
      secret = make(name);
      secret.catch(() => known.delete(name));
      known.set(name, secret);
    }
    return secret;
  };
}

const keyOf = (name: string) => `secret ${name}`;

/** For who only reads: null where nobody has asked for it yet. */
export async function readSecret({ read }: ReadDatabase, name: string): Promise<Uint8Array | null> {
  const [row] = await read`SELECT bytes FROM kept WHERE repository = '' AND key = ${keyOf(name)}`;
  return row?.bytes ?? null;
}
