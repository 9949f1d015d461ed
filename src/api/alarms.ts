// What calls for somebody, and silences: what `holdfast alarms` does.
import { z } from "zod";
import { type AlarmName, alarmMeanings, alarmNames, type Silence } from "../core/alarm.ts";
import { DURATION, parseDuration } from "../core/duration.ts";
import { type ApiDeps, repositoryOf } from "./deps.ts";
import { endpoint, ofServer } from "./endpoint.ts";
import { Name, Time, time } from "./schemas.ts";

const Rule = z.enum(alarmNames as [AlarmName, ...AlarmName[]]);

const AlarmShape = z
  .object({
    rule: Rule,
    level: z.enum(["error", "warn"]),
    repository: z.string().describe("`-`: the server as a whole"),
    subject: z.string().describe("What of it: an upstream's host, a suite, a feed"),
    message: z.string(),
    since: Time,
    toldAt: Time.nullable().describe("Null: it began in silence, and was not told yet"),
    isSilenced: z.boolean(),
  })
  .meta({ id: "Alarm" });

const SilenceShape = z
  .object({
    id: z.string(),
    rule: Rule.nullable().describe("Null for all"),
    repository: z.string().nullable().describe("Null for all"),
    reason: z.string(),
    owner: z.string(),
    createdAt: Time,
    endsAt: Time,
  })
  .meta({ id: "Silence" });

export function alarmEndpoints(deps: ApiDeps) {
  const { alarms, now } = deps;
  const tag = "alarms";
  return [
    endpoint({
      tag,
      command: "alarms list",
      method: "GET",
      path: "/alarms",
      summary: "What calls for somebody now, the oldest first, and what is silenced",
      access: ofServer,
      status: 200,
      result: z.object({
        items: z.array(AlarmShape),
        silences: z.array(SilenceShape),
        rules: z
          .array(z.object({ rule: Rule, level: z.enum(["error", "warn"]), help: z.string() }))
          .describe("All that there are"),
      }),
      async run() {
        const open = await alarms.open();
        return {
          items: open.map(({ since, toldAt, ...one }) => ({
            ...one,
            level: alarmMeanings[one.rule].level,
            since: time(since),
            toldAt: time(toldAt),
          })),
          silences: (await alarms.silences()).map(silenceOf),
          rules: alarmNames.map((rule) => ({ rule, ...alarmMeanings[rule] })),
        };
      },
    }),
    endpoint({
      tag,
      command: "alarms silence",
      method: "POST",
      path: "/alarms/silences",
      summary: "Tell nothing of an alarm for a while; what is not over by then is told at its end",
      access: ofServer,
      makes: true,
      body: z.object({
        rule: Rule.optional().describe("All without it"),
        repository: Name.optional().describe("All without it"),
        for: z
          .string()
          .regex(DURATION, "expected a whole number and a unit, like 4h or 7d")
          .describe("90 days at most"),
        reason: z.string().min(1).max(1000),
      }),
      status: 201,
      result: SilenceShape,
      async run({ body, grant }) {
        const { rule = null, repository = null, reason } = body;
        if (repository !== null) repositoryOf(deps, repository);
        const endsAt = now() + parseDuration(body.for);
        return silenceOf(
          await alarms.silence(grant.principal, { rule, repository, reason, endsAt }),
        );
      },
    }),
    endpoint({
      tag,
      command: "alarms unsilence",
      method: "DELETE",
      path: "/alarms/silences/{silence}",
      summary: "End a silence",
      access: ofServer,
      status: 204,
      async run({ params, grant }) {
        const id = params["silence"]!;
        const known = await alarms.silences();
        if (known.some((one) => one.id === id)) await alarms.unsilence(grant.principal, id);
      },
    }),
  ];
}

function silenceOf({ createdAt, endsAt, ...silence }: Silence) {
  return { ...silence, createdAt: time(createdAt), endsAt: time(endsAt) };
}
