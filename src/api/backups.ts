// How the last backups ended, as far as whoever makes them has told.
import { z } from "zod";
import { type BackupsSeen, readBackups } from "../jobs/backups.ts";
import type { ApiDeps } from "./deps.ts";
import { endpoint, ofServer } from "./endpoint.ts";
import { Time } from "./schemas.ts";

const Backups = z
  .object({
    last: z
      .object({
        at: Time,
        to: z.string().describe("A folder of the server's machine, or a bucket"),
        missing: z.number().describe("How many files that the catalog names nobody had"),
      })
      .nullable()
      .describe("The last that came to its end; null: none was told of"),
    failed: z
      .object({ at: Time, to: z.string(), why: z.string() })
      .nullable()
      .describe("The last that failed after it; null: none did"),
  })
  .meta({ id: "Backups" });

export function backupEndpoints({ database }: ApiDeps) {
  return [
    endpoint({
      tag: "server",
      method: "GET",
      path: "/backups",
      summary: "How the last backups by `holdfast backup` ended",
      access: ofServer,
      status: 200,
      result: Backups,
      run: async () => shown(await readBackups(database)),
    }),
  ];
}

function shown({ last, failed }: BackupsSeen): z.infer<typeof Backups> {
  const time = (at: number) => new Date(at).toISOString();
  return {
    last: last && { ...last, at: time(last.at) },
    failed: failed && { ...failed, at: time(failed.at) },
  };
}
