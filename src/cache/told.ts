// What feeds tell of the packages of one format, whoever asks.
import {
  type Advisories,
  type Advisory,
  type ToldAdvisories,
  toldState,
} from "../core/advisory.ts";

/** How many packages are looked up at once. */
const BATCH = 50;

/** `type`: of the format's purls; null for one of which no feed tells. */
export function createTold(advisories: Advisories, type: string | null): ToldAdvisories {
  const about = async (name: string) => (type === null ? [] : advisories.about(type, name));
  return {
    about,
    state: async () => (type === null ? null : toldState(await advisories.covering(type))),
    async aboutAll(names) {
      const found = new Map<string, readonly Advisory[]>();
      for (let at = 0; at < names.length; at += BATCH) {
        if (at > 0) await new Promise((resolve) => setImmediate(resolve)); // others have their turn
        await Promise.all(
          names.slice(at, at + BATCH).map(async (name) => found.set(name, await about(name))),
        );
      }
      return found;
    },
    async byId(id) {
      const found = await advisories.byId(id);
      return found.filter((one) => one.purlType === type);
    },
    async *all() {
      if (type !== null) yield* advisories.all(type);
    },
  };
}
