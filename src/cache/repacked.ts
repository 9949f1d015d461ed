// Upstreams that pack the same content anew: whether a file that is shown with another integrity still holds what it held.
import { readPin } from "../ledger/pins.ts";
import type { Database } from "../store/database.ts";
import { collect, type DownloadDeps } from "./download.ts";
import { contentOf } from "./prove.ts";

export interface RepackDeps extends DownloadDeps {
  repository: string;
  database: Database;
}

/** True when the bytes at `location` hold the same as those that were pinned. What is fetched for that is not kept. */
export type IsRepacked = (packageName: string, file: string, location: string) => Promise<boolean>;

export function createRepackCheck(deps: RepackDeps): IsRepacked {
  return async (packageName, file, location) => {
    const key = { repository: deps.repository, package: packageName, file };
    const pin = await readPin(deps.database.read, key);
    if (!pin?.content) return false;
    const headers = { "accept-encoding": "identity" };
    const response = await deps.upstream.fetch({ path: location, headers });
    if (response.status !== 200) {
      await response.discard();
      return false;
    }
    const arrived = await collect(deps, { file }, response, ["sha256"], () => {});
    try {
      return (await contentOf(deps, arrived)) === pin.content;
    } finally {
      await arrived.incoming?.abandon();
    }
  };
}
