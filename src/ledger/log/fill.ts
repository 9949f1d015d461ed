// Rows of before the log, which become leaves behind those that come.
import type { Database } from "../../store/database.ts";
import { GROUPS } from "./leaf.ts";
import { pageOfRows } from "./rows.ts";
import { enqueue, fillOf, readState, removeState, writeState } from "./state.ts";

/** Puts a thousand of them to those that wait. False when there are no more. */
export async function fillQueue(database: Database): Promise<boolean> {
  for (const group of GROUPS) {
    const after = await readState(database.read, fillOf(group));
    if (after === null) continue;
    await database.write(async (sql) => {
      const { rows, next } = await pageOfRows(sql, group, JSON.parse(after));
      await enqueue(sql, rows);
      if (next) await writeState(sql, fillOf(group), JSON.stringify(next));
      else await removeState(sql, fillOf(group));
    });
    return true;
  }
  return false;
}
