// `holdfast alarms list|silence|unsilence`: what calls for somebody, read beside a server that runs; and silences, made by it.
import { readAlarms, readSilences } from "../alarms/rows.ts";
import type { Config } from "../config/resolve.ts";
import type { FormatOptions } from "../config/schema.ts";
import { alarmMeanings, alarmNames, isSilenced } from "../core/alarm.ts";
import { DURATION } from "../core/duration.ts";
import { printable } from "../core/log.ts";
import type { Holder } from "../store/holder.ts";
import { type Command, UsageError, unknown } from "./arguments.ts";
import type { Finding } from "./finding.ts";
import { type RunDeps, runHouse } from "./operations.ts";
import { configFrom, configOptions } from "./options.ts";
import { readStore } from "./store.ts";
import { align, paint } from "./terminal.ts";

const WHERE =
  "A server that runs on the data directory does it; without one this command does it itself.";

export function alarmCommands(deps: RunDeps & { formats: readonly FormatOptions[] }): Command[] {
  const options = { config: configOptions.config, data: configOptions.data };
  return [
    {
      name: "alarms list",
      summary: "Show what calls for somebody now, and what is silenced",
      options: { json: { help: "As JSON" }, ...options },
      details:
        "As a server saw it last, within half a minute. Works while the server runs. Exit code 1 when an alarm is open that is not silenced.",
      async run(given, terminal) {
        const now = terminal.now();
        const config = configFrom(given, deps.formats, terminal);
        const { alarms, silences } = await readStore(config, async ({ database }) => ({
          alarms: await readAlarms(database.read),
          silences: await readSilences(database.read, now),
        }));
        const shown = alarms.map((alarm) => ({
          ...alarm,
          isSilenced: isSilenced(alarm, silences, now),
        }));
        const code = shown.some((alarm) => !alarm.isSilenced) ? 1 : 0;
        if (given.on("json")) {
          terminal.out(`${JSON.stringify({ alarms: shown, silences })}\n`);
          return code;
        }
        const lines = align(
          shown.map(({ rule, repository, message, since, isSilenced: isQuiet }) => [
            moment(since),
            rule,
            repository,
            `${printable(message)}${isQuiet ? " (silenced)" : ""}`,
          ]),
        ).map((line, at) => {
          const { rule, isSilenced: isQuiet } = shown[at]!;
          if (isQuiet) return paint(terminal, "dim", line);
          return paint(terminal, alarmMeanings[rule].level === "error" ? "red" : "yellow", line);
        });
        terminal.out(lines.length > 0 ? `${lines.join("\n")}\n` : "No alarms.\n");
        for (const { id, rule, repository, endsAt, owner, reason } of silences)
          terminal.out(
            `Silence ${id.slice(0, 8)}: ${rule ?? "all"}${repository === null ? "" : ` of ${repository}`} until ${moment(endsAt)}, by ${owner}: ${printable(reason)}\n`,
          );
        return code;
      },
    },
    {
      name: "alarms look",
      summary: "Look now whether something calls for somebody",
      options,
      details: `What begins or is over with that is told, as by the look that a server has every half minute. Exit code 1 when an alarm is open that is not silenced. ${WHERE}`,
      async run(given, terminal) {
        const config = configFrom(given, deps.formats, terminal);
        return runHouse("alarms look", {}, config, deps, terminal);
      },
    },
    {
      name: "alarms silence",
      words: "RULE",
      summary: "Tell nothing of an alarm for a while",
      options: {
        for: { value: "TIME", help: "How long: 4h, 7d; 90d at most" },
        reason: { value: "TEXT", help: "Why; it stands in the audit log" },
        repository: { value: "NAME", help: "Only of this repository" },
        ...options,
      },
      details: `RULE is one of ${alarmNames.join(", ")}; or all. What begins meanwhile and is not over at its end is told then. ${WHERE}`,
      examples: [
        [
          "alarms silence upstream-down --repository npm --for 4h --reason 'they move'",
          "A cut that was announced",
        ],
      ],
      async run(given, terminal) {
        const [rule = ""] = given.words;
        const [time, reason] = [given.text("for"), given.text("reason")];
        if (rule !== "all" && !(alarmNames as readonly string[]).includes(rule))
          throw new UsageError(unknown("alarm", rule, [...alarmNames, "all"]));
        if (!time || !DURATION.test(time))
          throw new UsageError("--for takes how long, like 4h or 7d");
        if (!reason) throw new UsageError("--reason TEXT says why");
        const config = configFrom(given, deps.formats, terminal);
        const values = { rule, repository: given.text("repository"), for: time, reason };
        return runHouse("alarms silence", values, config, deps, terminal);
      },
    },
    {
      name: "alarms unsilence",
      words: "ID",
      summary: "End a silence",
      options,
      details: WHERE,
      async run(given, terminal) {
        const config = configFrom(given, deps.formats, terminal);
        return runHouse("alarms unsilence", { id: given.words[0] }, config, deps, terminal);
      },
    },
  ];
}

/** For `doctor`: what is open and not silenced. Without a server that runs it is of when one ran last. */
export async function checkAlarms(
  config: Config,
  now: number,
  running: Holder | null,
): Promise<Finding[]> {
  const open = await readStore(config, async ({ database }) => {
    const silences = await readSilences(database.read, now);
    return (await readAlarms(database.read)).filter((one) => !isSilenced(one, silences, now));
  }).catch(() => []); // nothing is stored yet, or not in a way of this version: other checks say so
  return open.map(({ rule, message, since }) => ({
    state: running && alarmMeanings[rule].level === "error" ? "bad" : "warning",
    subject: "alarm",
    text: `${rule}, since ${moment(since)}: ${printable(message)}`,
    hint: running
      ? "`holdfast alarms list` shows all, `alarms silence` has one told no more for a while"
      : "No server runs: this is as it was seen last",
  }));
}

function moment(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace("T", " ");
}
