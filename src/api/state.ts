// How the server fares: what an operator looks at first; and what it does by itself.
import { z } from "zod";
import { readAudit } from "../auth/audit.ts";
import { MOST_UNSEEN } from "../jobs/state.ts";
import type { ApiDeps } from "./deps.ts";
import { endpoint, ofServer } from "./endpoint.ts";
import { pageBy, paged, pageOf } from "./paging.ts";
import { Time, time } from "./schemas.ts";

const Condition = z
  .object({
    state: z.enum(["serving", "degraded", "offline"]),
    since: Time,
    startedAt: Time,
    version: z.string(),
    reasons: z.array(
      z.object({
        text: z.string(),
        since: Time.nullable(),
        about: z.enum(["upstream", "disk", "feed", "canary", "events", "storage", "nodes"]),
        level: z.enum(["bad", "warn"]),
      }),
    ),
    upstreams: z.array(
      z.object({
        repository: z.string(),
        host: z.string(),
        isAway: z.boolean(),
        breaker: z
          .enum(["closed", "half-open", "open"])
          .describe("closed: it is asked; open: it is not, until its next probe"),
        answers: z.number().int().describe("Since the start"),
        answeredAt: Time.nullable(),
        failedAt: Time.nullable(),
        failure: z
          .string()
          .nullable()
          .describe("What went wrong last, also where it answers again"),
        awaySince: Time.nullable(),
        latency: z
          .object({ p50: z.number(), p95: z.number(), answers: z.number().int() })
          .nullable()
          .describe("Seconds until the headers came, of its answers of late"),
      }),
    ),
    nodes: z
      .array(
        z.object({
          id: z
            .string()
            .describe("Of the lines of its log; a further one after it was taken for dead"),
          host: z.string(),
          pid: z.number().int().nullable(),
          url: z.string().nullable().describe("Where it listens; null where that is not known"),
          version: z.string(),
          since: Time.describe("By its own clock"),
          silentSeconds: z.number().int().describe("Since this server last saw a sign of its life"),
          isSelf: z.boolean().describe("The one that answers"),
          differs: z
            .array(z.string())
            .describe("Keys of the configuration that it has otherwise than the one that answers"),
        }),
      )
      .describe("The servers that share the catalog; none where this one has it to itself"),
    unacknowledged: z
      .object({ error: z.number().int(), warn: z.number().int() })
      .describe(
        `Events of the last month that nobody has acknowledged, counted up to ${MOST_UNSEEN}`,
      ),
    lastPolicyChange: z
      .object({
        at: Time,
        by: z.string(),
        action: z.string(),
        package: z.string().nullable(),
        detail: z.record(z.string(), z.unknown()),
      })
      .nullable()
      .describe("By people: a waiver, a block, or the end of one"),
  })
  .meta({ id: "ServerState" });

const Job = z
  .object({
    name: z.string(),
    everySeconds: z.number(),
    isRunning: z.boolean(),
    isElsewhere: z.boolean().describe("Of several servers another one does it for all"),
    startedAt: Time.nullable().describe("Its last turn; null: none since the start"),
    endedAt: Time.nullable(),
    error: z.string().nullable().describe("Why its last turn failed"),
    failures: z.number().int().describe("Since the start"),
    failed: z
      .object({ at: Time, why: z.string() })
      .nullable()
      .describe("The last turn that failed since the start, also where turns after it went well"),
    nextAt: Time,
  })
  .meta({ id: "Job" });

const Work = z
  .object({
    repository: z.string(),
    name: z.string(),
    summary: z.string(),
    everySeconds: z.number().nullable().describe("Null: only when somebody begins it"),
    running: z
      .object({
        since: Time,
        by: z.string(),
        progress: z.object({ done: z.number(), total: z.number(), note: z.string() }).nullable(),
      })
      .nullable(),
    last: z
      .object({
        startedAt: Time,
        endedAt: Time,
        end: z.enum(["done", "incomplete", "stopped", "failed"]),
        error: z.string().nullable(),
      })
      .nullable()
      .describe("How its last run ended since the start"),
    doneAt: Time.nullable().describe("When the last one that ended well began, in all times"),
    nextAt: Time.nullable(),
  })
  .meta({ id: "Work" });

const POLICY = ["waive", "unwaive", "block", "unblock"] as const;

export function stateEndpoints(deps: ApiDeps) {
  const { condition, version, database, board, nodes, auth, work } = deps;
  const base = { tag: "server", access: ofServer } as const;
  const listed = () =>
    board.list().map(({ everyMs, startedAt, endedAt, nextAt, failed, ...job }) => ({
      ...job,
      everySeconds: everyMs / 1000,
      startedAt: time(startedAt),
      endedAt: time(endedAt),
      failed: failed && { ...failed, at: time(failed.at) },
      nextAt: time(nextAt),
    }));
  return [
    endpoint({
      ...base,
      method: "GET",
      path: "/state",
      summary: "Whether the server serves, is degraded or offline, since when, and why",
      status: 200,
      result: Condition,
      async run() {
        const { since, startedAt, reasons, upstreams, unseen, isDatabaseAway, ...found } =
          await condition();
        const changes = await Promise.all(
          (isDatabaseAway ? [] : POLICY).map((action) =>
            readAudit(database.read, { action, limit: 1 }),
          ),
        );
        const [last] = changes.flat().sort((a, b) => b.id - a.id);
        return {
          ...found,
          version,
          since: time(since),
          startedAt: time(startedAt),
          reasons: reasons.map((one) => ({ ...one, since: time(one.since) })),
          upstreams: upstreams.map(({ repository, host, isAway, answers, reason, health }) => ({
            repository,
            host,
            isAway,
            answers,
            breaker: health?.state ?? "closed",
            answeredAt: time(health?.answeredAt ?? null),
            failedAt: time(health?.failure?.at ?? null),
            failure: health?.failure?.why ?? (reason || null),
            awaySince: time(health?.awaySince ?? null),
            latency: health?.latency ?? null,
          })),
          nodes: nodes().map(({ silentMs, since: began, config: _, ...node }) => ({
            ...node,
            since: time(began),
            silentSeconds: Math.floor(silentMs / 1000),
          })),
          unacknowledged: unseen,
          lastPolicyChange: last
            ? {
                at: time(last.at),
                by: last.principal,
                action: last.action,
                package: last.package,
                detail: last.detail,
              }
            : null,
        };
      },
    }),
    endpoint({
      ...base,
      method: "GET",
      path: "/jobs",
      summary:
        "What the server does by itself: when each ran last, how that went, and when it runs next",
      query: z.object(paged),
      status: 200,
      result: pageOf(Job),
      run: ({ query }) => pageBy(listed(), ({ name }) => name, query),
    }),
    endpoint({
      ...base,
      method: "GET",
      path: "/jobs/work",
      summary:
        "Work of formats on their repositories (mirrors): how far each is, how the last one went, and when the next is due",
      status: 200,
      result: z.object({ items: z.array(Work) }),
      async run() {
        const items = (await work()).map(({ everyMs, running, last, doneAt, nextAt, ...one }) => ({
          ...one,
          everySeconds: everyMs === null ? null : everyMs / 1000,
          running: running && { ...running, since: time(running.since) },
          last: last && { ...last, startedAt: time(last.startedAt), endedAt: time(last.endedAt) },
          doneAt: time(doneAt),
          nextAt: time(nextAt),
        }));
        return { items };
      },
    }),
    endpoint({
      ...base,
      method: "POST",
      path: "/jobs/{job}/run",
      summary: "Begin a turn of a job now",
      makes: true,
      status: 202,
      result: Job,
      async run({ params, grant: { principal } }) {
        const name = params["job"]!;
        board.run(name);
        await database.write((sql) =>
          auth.audit.write(sql, { action: "run", principal, detail: { job: name } }),
        );
        return listed().find((one) => one.name === name)!;
      },
    }),
  ];
}
