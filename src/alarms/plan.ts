// What is to be done about what the rules found: which alarms begin and are over, and what is told. Pure.
import {
  type AlarmName,
  alarmMeanings,
  isSilenced,
  type OpenAlarm,
  type Silence,
} from "../core/alarm.ts";
import type { RepositoryEvent } from "../core/event.ts";

/** What a rule found to be wrong now. */
export interface Firing {
  repository: string;
  subject: string;
  message: string;
}

/** By rule; null: it cannot be told now, and what is open stays. A rule that is not there has nothing open. */
export type Found = ReadonlyMap<AlarmName, readonly Firing[] | null>;

export interface Plan {
  /** New ones, and those of which something is said anew. */
  write: OpenAlarm[];
  remove: OpenAlarm[];
  tell: { repository: string; event: RepositoryEvent }[];
}

/** Subjects that one message names. */
const NAMED = 3;

export function planOf(
  open: readonly OpenAlarm[],
  found: Found,
  silences: readonly Silence[],
  now: number,
): Plan {
  const before = new Map(open.map((alarm) => [keyOf(alarm), alarm]));
  const write: OpenAlarm[] = [];
  const begun: OpenAlarm[] = [];
  const stays = new Set<string>();
  for (const [rule, firings] of found)
    for (const firing of firings ?? []) {
      const key = keyOf({ rule, ...firing });
      if (stays.has(key)) continue;
      stays.add(key);
      const known = before.get(key);
      const isToBeTold =
        (known?.toldAt ?? null) === null && !isSilenced({ rule, ...firing }, silences, now);
      const alarm: OpenAlarm = {
        rule,
        ...firing,
        since: known?.since ?? now,
        toldAt: isToBeTold ? now : (known?.toldAt ?? null),
      };
      if (isToBeTold) begun.push(alarm);
      if (!known || isToBeTold || known.message !== alarm.message) write.push(alarm);
    }
  const remove = open.filter((alarm) => found.get(alarm.rule) !== null && !stays.has(keyOf(alarm)));
  // Of a rule that was switched off, or that this program does not know, nothing is told.
  const over = remove.filter(({ rule, toldAt }) => toldAt !== null && found.has(rule));
  return { write, remove, tell: [...together("alarm", begun), ...together("alarm-over", over)] };
}

function keyOf({ rule, repository, subject }: Pick<OpenAlarm, "rule" | "repository" | "subject">) {
  return `${rule}\0${repository}\0${subject}`;
}

/** What begins at once in one repository is one message: nobody reads twenty. */
function together(kind: "alarm" | "alarm-over", alarms: readonly OpenAlarm[]): Plan["tell"] {
  const groups = Map.groupBy(alarms, ({ rule, repository }) => `${rule}\0${repository}`);
  return [...groups.values()].map((group) => {
    const [{ rule, repository, since }] = group as [OpenAlarm];
    const said = group.slice(0, NAMED).map(({ message }) => message);
    const more = group.length - said.length;
    const words = `${said.join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
    return {
      repository,
      event: {
        kind,
        package: "",
        message: kind === "alarm" ? `Alarm: ${words}` : `Over: ${words}`,
        detail: {
          rule,
          level: alarmMeanings[rule].level,
          subjects: group.map(({ subject }) => subject),
          since: new Date(since).toISOString(),
        },
      },
    };
  });
}
