// What doctor looks at of the append-only log: whether database and log have lost something of each other that nobody has accepted.
import type { Config } from "../config/resolve.ts";
import { readLoss } from "../ledger/log/state.ts";
import type { Finding } from "./finding.ts";
import { readStore } from "./store.ts";

/** Nothing where nothing is stored yet, or not in a way of this version: other checks say so. */
export async function checkLedger(config: Config): Promise<Finding[]> {
  const subject = "ledger";
  try {
    const loss = await readStore(config, ({ database }) => readLoss(database.read));
    if (loss) return [{ state: "warning", subject, text: loss.message }];
    const text =
      "the log lost nothing that anybody knows of; `holdfast ledger audit` reads all of it";
    return [{ state: "good", subject, text }];
  } catch {
    return [];
  }
}
