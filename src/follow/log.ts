// The primary's log as it is copied here: for receipts and for who reads its files, as if it were this server's own.
import type { ProvingLog } from "../ledger/log/prove.ts";
import type { Query } from "../store/database.ts";
import type { LogFiles } from "../store/log-files.ts";
import type { Mirror } from "./mirror.ts";
import { followedAt, readFollowed } from "./rows.ts";

/** `key`: of the primary's log. */
export function followedLog(
  files: LogFiles,
  key: string,
  { note }: Pick<Mirror, "note">,
): ProvingLog {
  return { files, verifier: key, note, cosigned: note, pinnedAt: followedAt };
}

/** The same beside a server that copies it, or without one. */
export async function readFollowedLog(
  files: LogFiles,
  key: string,
  sql: Query,
): Promise<ProvingLog> {
  const isOf = (await readFollowed(sql, "key")) === key;
  const note = isOf ? await readFollowed(sql, "proven") : null;
  return followedLog(files, key, { note: () => note });
}
