// What happened, and who has seen it.
import { z } from "zod";
import { type EventKind, eventKinds, eventLevels } from "../core/event.ts";
import { nameOf } from "../core/principal.ts";
import { Problem } from "../core/problem.ts";
import { purl as makePurl } from "../core/purl.ts";
import { markSeen, markUnseen, pageOfEvents, readEvent, type SeenEvent } from "../ledger/events.ts";
import type { ApiDeps } from "./deps.ts";
import { endpoint, ofReaders, ofServer } from "./endpoint.ts";
import { cursorOf, paged, pageOf, rowBefore } from "./paging.ts";
import { Name, Time, time, timeOf } from "./schemas.ts";

const Level = z.enum(["error", "warn", "info"]);

const Event = z
  .object({
    id: z.number().int(),
    at: Time,
    kind: z.string(),
    level: Level.describe("How loud its kind is"),
    repository: z.string(),
    package: z.string(),
    version: z.string().nullable(),
    purl: z.string().nullable().describe("Of the release that it is about, where it is about one"),
    file: z.string().nullable(),
    message: z.string(),
    detail: z.record(z.string(), z.unknown()),
    acknowledged: z
      .object({ at: Time, by: z.string(), note: z.string() })
      .nullable()
      .describe("Who said that they have seen it; null: nobody"),
  })
  .meta({ id: "Event" });

export function eventEndpoints({ database, auth, now, policed }: ApiDeps) {
  const eventOf = (event: SeenEvent) => {
    const { purlType } = policed.find(({ name }) => name === event.repository) ?? {};
    return eventFrom(event, purlType ?? null);
  };
  const base = { tag: "records" } as const;
  return [
    endpoint({
      ...base,
      method: "GET",
      path: "/events",
      summary:
        "What happened that an operator must know, of what the caller may read, the newest first",
      command: "events",
      access: ofReaders,
      query: z.object({
        ...paged,
        kind: z.enum(eventKinds).optional(),
        level: Level.optional(),
        repository: Name.optional(),
        package: Name.optional(),
        since: Time.optional(),
        until: Time.optional(),
        acknowledged: z.enum(["yes", "no"]).optional(),
      }),
      status: 200,
      result: pageOf(Event),
      async run({ query, grant }) {
        const { kind, level, repository, since, until, acknowledged, limit, cursor } = query;
        const kinds = eventKinds.filter(
          (one) => (!kind || one === kind) && (!level || eventLevels[one] === level),
        );
        if (kinds.length === 0) return { items: [], next: null };
        const { events, next } = await pageOfEvents(database.read, {
          limit,
          before: rowBefore(cursor),
          kinds: kind || level ? kinds : [],
          repository,
          package: query.package,
          since: timeOf(since),
          until: timeOf(until),
          isSeen: acknowledged && acknowledged === "yes",
          mayRead: (event) => grant.may(event.repository, "read", event.package || null),
        });
        return { items: events.map(eventOf), next: next === null ? null : cursorOf(String(next)) };
      },
    }),
    endpoint({
      ...base,
      method: "GET",
      path: "/events/{event}",
      summary: "One event, with what an investigation needs",
      access: ofReaders,
      status: 200,
      result: Event,
      async run({ params, grant }) {
        const event = await readEvent(database.read, idOf(params["event"]));
        if (grant.may(event.repository, "read", event.package || null)) return eventOf(event);
        throw new Problem("notFound", `There is no event ${event.id}`);
      },
    }),
    endpoint({
      ...base,
      method: "PUT",
      path: "/events/{event}/acknowledgement",
      summary: "Say that an event was seen, and what was done about it",
      access: ofServer,
      body: z.object({ note: z.string().max(1000).default("") }),
      status: 200,
      result: Event,
      async run({ params, body: { note }, grant }) {
        const event = await readEvent(database.read, idOf(params["event"]));
        const seen = { at: now(), by: nameOf(grant.principal), note: note.trim() };
        await database.write(async (sql) => {
          await markSeen(sql, event.id, seen);
          await auth.audit.write(sql, entryOf(event, "acknowledge", grant, { note: seen.note }));
        });
        return eventOf({ ...event, seen });
      },
    }),
    endpoint({
      ...base,
      method: "DELETE",
      path: "/events/{event}/acknowledgement",
      summary: "Have an event count as not seen again",
      access: ofServer,
      status: 204,
      async run({ params, grant }) {
        const event = await readEvent(database.read, idOf(params["event"]));
        await database.write(async (sql) => {
          if (await markUnseen(sql, event.id))
            await auth.audit.write(sql, entryOf(event, "reopen", grant, {}));
        });
      },
    }),
  ];
}

function entryOf(
  { id, repository, kind, ...event }: SeenEvent,
  action: "acknowledge" | "reopen",
  { principal }: { principal: Parameters<typeof nameOf>[0] },
  detail: Record<string, unknown>,
) {
  return {
    action,
    principal,
    repository,
    ...(event.package && { package: event.package }),
    detail: { event: id, kind, ...detail },
  } as const;
}

/** Throws Problem("notFound") for what is no number of one. */
function idOf(text = ""): number {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  throw new Problem("notFound", `There is no event ${text}`);
}

function eventFrom(event: SeenEvent, purlType: string | null): z.infer<typeof Event> {
  const { id, at, kind, repository, package: name, version, file, message, detail, seen } = event;
  return {
    id,
    at: time(at),
    kind,
    level: eventLevels[kind as EventKind] ?? "info",
    repository,
    package: name,
    version: version ?? null,
    purl: purlType && name && version ? makePurl(purlType, name, version) : null,
    file: file ?? null,
    message,
    detail: (detail ?? {}) as Record<string, unknown>,
    acknowledged: seen && { ...seen, at: time(seen.at) },
  };
}
