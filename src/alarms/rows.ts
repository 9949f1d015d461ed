// Alarms, silences and what raised them, in the database.
import type { AlarmName, OpenAlarm, Silence } from "../core/alarm.ts";
import type { Query } from "../store/database.ts";

/** The oldest first. */
export async function readAlarms(sql: Query): Promise<OpenAlarm[]> {
  const rows = await sql`SELECT rule, repository, subject, message, since, told_at FROM alarms
    ORDER BY since, rule, repository, subject`;
  return rows.map(({ rule, repository, subject, message, since, told_at }) => ({
    rule,
    repository,
    subject,
    message,
    since: Number(since),
    toldAt: told_at === null ? null : Number(told_at),
  }));
}

/** In place of the one that is there. */
export async function writeAlarm(sql: Query, alarm: OpenAlarm): Promise<void> {
  const { rule, repository, subject, message, since, toldAt } = alarm;
  await sql`INSERT INTO alarms (rule, repository, subject, message, since, told_at)
    VALUES (${rule}, ${repository}, ${subject}, ${message}, ${since}, ${toldAt})
    ON CONFLICT (rule, repository, subject) DO UPDATE
    SET message = excluded.message, since = excluded.since, told_at = excluded.told_at`;
}

export async function deleteAlarm(sql: Query, alarm: OpenAlarm): Promise<void> {
  const { rule, repository, subject } = alarm;
  await sql`DELETE FROM alarms
    WHERE rule = ${rule} AND repository = ${repository} AND subject = ${subject}`;
}

/** Those that have not ended, the oldest first. */
export async function readSilences(sql: Query, now: number): Promise<Silence[]> {
  const rows = await sql`SELECT id, rule, repository, reason, owner, created_at, ends_at
    FROM alarm_silences WHERE ends_at > ${now} ORDER BY created_at, id`;
  return rows.map((row) => ({
    id: row.id,
    rule: row.rule as AlarmName | null,
    repository: row.repository,
    reason: row.reason,
    owner: row.owner,
    createdAt: Number(row.created_at),
    endsAt: Number(row.ends_at),
  }));
}

export async function insertSilence(sql: Query, silence: Silence): Promise<void> {
  const { id, rule, repository, reason, owner, createdAt, endsAt } = silence;
  await sql`INSERT INTO alarm_silences (id, rule, repository, reason, owner, created_at, ends_at)
    VALUES (${id}, ${rule}, ${repository}, ${reason}, ${owner}, ${createdAt}, ${endsAt})`;
}

export async function deleteSilence(sql: Query, id: string): Promise<void> {
  await sql`DELETE FROM alarm_silences WHERE id = ${id}`;
}

/** Those that ended before. What they were stands in the audit log. */
export async function deleteEnded(sql: Query, before: number): Promise<void> {
  await sql`DELETE FROM alarm_silences WHERE ends_at < ${before}`;
}

/** By repository: how many events of this kind there were since then, and what the last one said. */
export async function readEvents(
  sql: Query,
  kind: string,
  since: number,
): Promise<{ repository: string; many: number; message: string }[]> {
  const rows = await sql`SELECT repository, count(*) AS many, max(id) AS last FROM events
    WHERE kind = ${kind} AND at >= ${since} GROUP BY repository ORDER BY repository`;
  return Promise.all(
    rows.map(async ({ repository, many, last }) => {
      const [event] = await sql`SELECT message FROM events WHERE id = ${last}`;
      return { repository, many: Number(many), message: event.message };
    }),
  );
}
