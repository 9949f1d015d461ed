// The append-only log, for a process that neither appends to it nor is asked of it: the first of the server's processes does both.
import type { LedgerLog } from "../../ledger/log/log.ts";
import { readLoss } from "../../ledger/log/state.ts";
import type { Database } from "../../store/database.ts";
import type { LogFiles } from "../../store/log-files.ts";

/** As one that nothing was written to yet. */
export function ledgerElsewhere(files: LogFiles, database: Database): LedgerLog {
  return {
    origin: "",
    verifier: "",
    seal: new Uint8Array(),
    files,
    loss: () => readLoss(database.read),
    refresh: async () => {},
    size: () => 0,
    note: () => null,
    signedAt: async () => null,
    cosigned: () => null,
    keepCosigned: async () => {},
    tile: async () => null,
    drain: async () => {},
    stop: async () => {},
  };
}
