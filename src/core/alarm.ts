// What calls for somebody now: alarms, which begin, are told once, and are over; and the silence that an operator asks for.

import type { EventKind } from "./event.ts";

export type AlarmLevel = "error" | "warn";

/** Every rule there is, by its name. A further one is a line here and one in the table of its look (alarms/rules.ts). */
export const alarmMeanings = {
  tampered: {
    level: "error",
    help: "An upstream sent other bytes, or another integrity, under a fixed version",
  },
  held: {
    level: "warn",
    help: "Something new is not let in, by policy, or since it is not what it should be",
  },
  fork: { level: "error", help: "A checksum database showed two histories" },
  canary: { level: "error", help: "A made-up package met something else than it should" },
  "upstream-down": { level: "warn", help: "An upstream cannot be reached" },
  "mirror-stale": {
    level: "warn",
    help: "What the server does by itself again and again, as a mirror's run, was not done to its end",
  },
  "valid-until": { level: "warn", help: "Clients refuse what is served soon, by its own date" },
  "disk-low": { level: "error", help: "Little is free on the disk" },
  "disk-full": { level: "warn", help: "The disk is full soon if it goes on like this" },
  "storage-away": { level: "error", help: "The database or the bucket cannot be reached" },
  "catalog-behind": {
    level: "error",
    help: "The database is not the one that last had the files, or not as new: nothing is removed until somebody says which goes on",
  },
  "nodes-differ": {
    level: "error",
    help: "Servers on one catalog have different configurations: what one keeps from others, another may ask an upstream for",
  },
  "error-rate": { level: "error", help: "Too many requests fail for a fault of the server" },
  "follower-stale": {
    level: "warn",
    help: "Nothing was taken in of the server that is followed for long, or it shows another history",
  },
  "backup-stale": {
    level: "error",
    help: "The last backup is old, as far as `holdfast backup` has told, or the last one failed",
  },
  "feed-stale": { level: "warn", help: "A feed of advisories was not read for long" },
} as const satisfies Record<string, { level: AlarmLevel; help: string }>;

/** Rules that say no more than events do, one by one: of these kinds. Whoever is told of each of them need not be told of the alarm. */
export const alarmedEvents = {
  tampered: ["tampered"],
  // What is not let in, while what was there before is served.
  held: ["withheld", "refused", "rollback", "expired", "unsigned"],
  fork: ["fork"],
} as const satisfies Readonly<Record<string, readonly EventKind[]>>;

export type AlarmName = keyof typeof alarmMeanings;
export const alarmNames = Object.keys(alarmMeanings) as readonly AlarmName[];

/** One that is not over. */
export interface OpenAlarm {
  rule: AlarmName;
  /** NO_REPOSITORY for what is about the server as a whole. */
  repository: string;
  /** What of it: an upstream's host, a suite, a feed. */
  subject: string;
  /** One sentence, as it was seen last. */
  message: string;
  /** Milliseconds since the epoch, as all times here. */
  since: number;
  /** Null: not yet, for it began in silence. */
  toldAt: number | null;
}

/** Alarms that begin meanwhile are told at its end, where they are not over by then. */
export interface Silence {
  id: string;
  /** Null for all. */
  rule: AlarmName | null;
  repository: string | null;
  reason: string;
  /** Who asked for it. */
  owner: string;
  createdAt: number;
  endsAt: number;
}

export function isSilenced(
  { rule, repository }: Pick<OpenAlarm, "rule" | "repository">,
  silences: readonly Silence[],
  now: number,
): boolean {
  return silences.some(
    (one) =>
      one.endsAt > now &&
      (one.rule === null || one.rule === rule) &&
      (one.repository === null || one.repository === repository),
  );
}

/** In place of a canary's name, in no repository: none could be asked. */
export const ALL_CANARIES = "all";
