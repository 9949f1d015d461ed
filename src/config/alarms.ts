// `alarms:`, from when on something calls for somebody.
import { z } from "zod";
import { type AlarmName, alarmNames } from "../core/alarm.ts";
import { Duration } from "./values.ts";

const after = (standard: string, describe: string, example: string) =>
  Duration.prefault(standard)
    .describe(describe)
    .meta({ examples: [example] });

export const Alarms = z
  .strictObject({
    upstreamDown: after("5m", "How long an upstream cannot be reached (`upstream-down`)", "30m"),
    mirrorStale: after(
      "6h",
      "How long after its turn what the server does by itself, as a mirror's run, is not done to its end (`mirror-stale`)",
      "1d",
    ),
    validUntil: after(
      "2d",
      "How long before clients refuse what is served, by its own date (`valid-until`)",
      "5d",
    ),
    diskFull: after(
      "14d",
      "How long before the disk is full, if it grows on as by the median of the last two weeks (`disk-full`)",
      "30d",
    ),
    storageAway: after(
      "1m",
      "How long the database or the bucket cannot be reached (`storage-away`)",
      "5m",
    ),
    nodesDiffer: after(
      "5m",
      "How long servers on one catalog have different configurations (`nodes-differ`)",
      "30m",
    ),
    errorRate: z
      .string()
      .regex(/^\d{1,2}%$/, "expected a part, like 5%")
      .prefault("5%")
      .transform((text) => Number.parseInt(text, 10) / 100)
      .describe(
        "More than this part of the requests to a repository within five minutes, of 50 and more, fail for a fault of the server (`error-rate`)",
      )
      .meta({ title: "percent", examples: ["1%"] }),
    feedStale: after("3d", "How long a feed was not read (`feed-stale`)", "12h"),
    followerStale: after(
      "1h",
      "How long not all was taken in of the server that this one follows (`follower-stale`)",
      "1d",
    ),
    backupStale: after(
      "2d",
      "How old the last backup by `holdfast backup` is (`backup-stale`); without any there is none of these alarms",
      "8d",
    ),
    quiet: after(
      "24h",
      "How long nothing more of the kind happens before an alarm is over that an event began: `tampered`, `held`, `fork`",
      "7d",
    ),
    off: z
      .array(z.enum(alarmNames as [AlarmName, ...AlarmName[]]))
      .default([])
      .describe(`Rules that are not looked at: ${alarmNames.join(", ")}`)
      .meta({ examples: [["held", "feed-stale"]] }),
  })
  .prefault({})
  .describe(
    "What calls for somebody. Each is told once when it begins (`alarm`), and once when it is over (`alarm-over`), by the hooks that want to know. docs/operation.md tells more",
  );

/** Milliseconds; `errorRate` is a part of one. */
export type AlarmsConfig = z.infer<typeof Alarms>;
