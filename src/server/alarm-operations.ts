// What the commands about alarms have the server do.
import type { Alarms } from "../alarms/room.ts";
import { isAlarmName } from "../alarms/rules.ts";
import { operatorGrant } from "../auth/operator.ts";
import { alarmNames, type Silence } from "../core/alarm.ts";
import { DURATION, parseDuration } from "../core/duration.ts";
import { Problem } from "../core/problem.ts";
import type { HouseOperations } from "../jobs/house.ts";

/** `values`: rule ("all" for all), repository, for, reason; or the id of a silence. `by` says who. */
export function alarmOperations(
  alarms: Omit<Alarms, "silences">,
  repositories: () => readonly { name: string }[],
  now: () => number,
): HouseOperations {
  const who = (values: Readonly<Record<string, string>>) =>
    operatorGrant(values["by"] || "somebody").principal;
  return {
    async "alarms look"({ say }) {
      await alarms.look();
      const open = await alarms.open();
      for (const { rule, message, isSilenced } of open)
        say(`${rule}: ${message}${isSilenced ? " (silenced)" : ""}`);
      if (open.length === 0) say("No alarms.");
      return open.every(({ isSilenced }) => isSilenced);
    },
    async "alarms silence"({ values = {}, say }) {
      const { rule = "", repository, for: time = "", reason = "" } = values;
      if (rule !== "all" && !isAlarmName(rule))
        throw bad(`there is no alarm ${rule}; there are ${alarmNames.join(", ")}, and all`);
      if (!DURATION.test(time)) throw bad("for takes how long, like 4h or 7d");
      if (repository !== undefined && !repositories().some(({ name }) => name === repository))
        throw bad(`there is no repository ${repository}`);
      const silence = await alarms.silence(who(values), {
        rule: rule === "all" ? null : rule,
        repository: repository ?? null,
        reason,
        endsAt: now() + parseDuration(time),
      });
      say(`${silenceWords(silence)}. It is the silence ${silence.id}.`);
      return true;
    },
    async "alarms unsilence"({ values = {}, say }) {
      const silence = await alarms.unsilence(who(values), values["id"] ?? "");
      say(
        `Told again: ${silence.rule ?? "all alarms"}. What began meanwhile is told within half a minute.`,
      );
      return true;
    },
  };
}

/** "upstream-down of npm is silent until 2026-12-01T00:00Z" */
function silenceWords({ rule, repository, endsAt }: Silence): string {
  const what = rule === null ? "Every alarm" : `The alarm ${rule}`;
  const of = repository === null ? "" : ` of ${repository}`;
  return `${what}${of} is silent until ${new Date(endsAt).toISOString().slice(0, 16)}Z`;
}

function bad(message: string): Problem {
  return new Problem("badRequest", message);
}
