// The room of alarms: looks at what the rules say, writes down what is open, and tells each once when it begins and once when it is over.
import { randomUUID } from "node:crypto";
import {
  type AlarmName,
  alarmMeanings,
  alarmNames,
  isSilenced,
  type OpenAlarm,
  type Silence,
} from "../core/alarm.ts";
import type { AuditEntry } from "../core/audit.ts";
import type { RepositoryEvent } from "../core/event.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { nameOf, type Principal } from "../core/principal.ts";
import { Problem } from "../core/problem.ts";
import type { Database, Query } from "../store/database.ts";
import { type Found, planOf } from "./plan.ts";
import {
  deleteAlarm,
  deleteEnded,
  deleteSilence,
  insertSilence,
  readAlarms,
  readSilences,
  writeAlarm,
} from "./rows.ts";
import type { Look, Thresholds } from "./rules.ts";

export interface Alarms {
  /** One look at everything. */
  look(): Promise<void>;
  /** What is open, the oldest first, and whether it is silenced now. */
  open(): Promise<(OpenAlarm & { isSilenced: boolean })[]>;
  /** Those that have not ended. */
  silences(): Promise<Silence[]>;
  /** Throws Problem("badRequest"). */
  silence(by: Principal, wanted: Omit<Silence, "id" | "owner" | "createdAt">): Promise<Silence>;
  /** `id`: or its beginning. What began meanwhile is told with the next look. Throws Problem("notFound"). */
  unsilence(by: Principal, id: string): Promise<Silence>;
}

export interface AlarmsDeps {
  database: Database;
  events: {
    store(sql: Query, repository: string, event: RepositoryEvent): Promise<void>;
    announce(repository: string, event: RepositoryEvent): void;
  };
  rules: Readonly<Record<AlarmName, Look>>;
  thresholds(): Thresholds;
  audit(sql: Query, entry: AuditEntry): Promise<void>;
  metrics: Metrics;
  log: Log;
  now(): number;
}

/** A silence that nobody ends ends by itself before it is forgotten. */
const LONGEST_MS = 90 * 86_400_000;

export function createAlarms(deps: AlarmsDeps): Alarms {
  const { database, events, rules, thresholds, log, now } = deps;

  async function open() {
    const at = now();
    const silences = await readSilences(database.read, at);
    return (await readAlarms(database.read)).map((alarm) => ({
      ...alarm,
      isSilenced: isSilenced(alarm, silences, at),
    }));
  }

  deps.metrics.gauge(
    "holdfast_alarms",
    "Alarms that are not over, by rule, level and whether they are silenced.",
    async () => {
      const all = await open();
      return alarmNames.flatMap((rule) =>
        [false, true].map((silenced): [Record<string, string>, number] => [
          { rule, level: alarmMeanings[rule].level, silenced: String(silenced) },
          all.filter((one) => one.rule === rule && one.isSilenced === silenced).length,
        ]),
      );
    },
  );

  async function find(at: number): Promise<Found> {
    const all = await readAlarms(database.read);
    const current = thresholds();
    const found = new Map<AlarmName, Awaited<ReturnType<Look>>>();
    for (const rule of alarmNames) {
      if (current.off.includes(rule)) continue;
      const looking = {
        now: at,
        thresholds: current,
        open: all.filter((one) => one.rule === rule),
      };
      const firing = await rules[rule](looking).catch((error) => {
        // One that cannot be looked at must not keep the others from being told.
        log.write("error", `The alarm ${rule} cannot be looked at`, { error: String(error) });
        return null;
      });
      found.set(rule, firing);
    }
    return found;
  }

  async function planNow(sql: Query, found: Found, at: number) {
    return planOf(await readAlarms(sql), found, await readSilences(sql, at), at);
  }

  return {
    async look() {
      const at = now();
      const found = await find(at);
      const { write, remove } = await planNow(database.read, found, at);
      if (write.length + remove.length === 0) return;
      const told = await database.write(async (sql) => {
        const plan = await planNow(sql, found, at);
        for (const alarm of plan.remove) await deleteAlarm(sql, alarm);
        for (const alarm of plan.write) await writeAlarm(sql, alarm);
        for (const { repository, event } of plan.tell) await events.store(sql, repository, event);
        return plan.tell;
      });
      for (const { repository, event } of told) events.announce(repository, event);
    },
    open,
    silences: () => readSilences(database.read, now()),
    async silence(by, wanted) {
      const at = now();
      if (wanted.reason.trim() === "") throw new Problem("badRequest", "A silence takes a reason");
      if (wanted.endsAt <= at)
        throw new Problem("badRequest", "The end of a silence lies in the past");
      if (wanted.endsAt - at > LONGEST_MS)
        throw new Problem(
          "badRequest",
          "A silence lasts 90 days at most; `alarms: { off: [RULE] }` in the configuration switches a rule off",
        );
      const silence = { ...wanted, id: randomUUID(), owner: nameOf(by), createdAt: at };
      await database.write(async (sql) => {
        await deleteEnded(sql, at);
        await insertSilence(sql, silence);
        await deps.audit(sql, entryOf(by, "silence", silence));
      });
      return silence;
    },
    async unsilence(by, id) {
      const all = await readSilences(database.read, now());
      const silence = all.find((one) => id !== "" && one.id.startsWith(id));
      if (!silence) throw new Problem("notFound", `There is no silence ${id}, or it has ended`);
      await database.write(async (sql) => {
        await deleteSilence(sql, silence.id);
        await deps.audit(sql, entryOf(by, "unsilence", silence));
      });
      return silence;
    },
  };
}

function entryOf(by: Principal, action: "silence" | "unsilence", silence: Silence): AuditEntry {
  const { id, rule, repository, reason, endsAt } = silence;
  return {
    action,
    principal: by,
    ...(repository !== null && { repository }),
    detail: { id, rule: rule ?? "all", reason, until: new Date(endsAt).toISOString() },
  };
}
