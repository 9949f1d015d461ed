// What was lost of log or catalog is an event, and stands there until somebody accepts it.
import { NO_REPOSITORY } from "../../core/event.ts";
import type { Database } from "../../store/database.ts";
import type { Events } from "../events.ts";
import type { Loss } from "./start.ts";
import { forgetLog, writeLoss } from "./state.ts";

export async function tellLoss(
  database: Database,
  events: Pick<Events, "store" | "announce">,
  loss: Loss,
): Promise<void> {
  const event = { ...loss, package: "" };
  await database.write(
    async (sql) => {
      await events.store(sql, NO_REPOSITORY, event);
      if (loss.kind === "log-lost") await forgetLog(sql);
      await writeLoss(sql, loss);
    },
    { durable: true },
  );
  events.announce(NO_REPOSITORY, event);
}
