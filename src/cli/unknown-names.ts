// Whom the configuration gives something, and nobody knows: said by doctor.
import { readNames, unknownNames } from "../auth/existing.ts";
import type { Config } from "../config/resolve.ts";
import { readStore } from "./store.ts";

/** As far as the catalog can be read; in sentences without a final period. */
export async function checkNames(config: Config): Promise<string[]> {
  try {
    return await readStore(config, async ({ database }) => {
      const { users, teams } = await readNames(database.read);
      return unknownNames(users, teams, config.access);
    });
  } catch {
    return []; // nothing is stored yet, or not in a way of this version: other checks say so
  }
}
