// Hooks out: what waits, what was told, what failed; tried out and told again.
import { z } from "zod";
import type { Grant } from "../core/grant.ts";
import type { Outcome } from "../core/hook.ts";
import type { Delivery } from "../hooks/rows.ts";
import type { ApiDeps } from "./deps.ts";
import { endpoint, ofServer } from "./endpoint.ts";
import { cursorOf, pageBy, paged, pageOf, readCursor } from "./paging.ts";
import { Time, time } from "./schemas.ts";

const State = z.enum(["waiting", "told", "failed"]);

const Hook = z
  .object({
    name: z.string(),
    to: z.string().describe("The receiver's host, or mail addresses"),
    waiting: z.number().int().describe("Messages that it is still to be told"),
    failed: z.number().int().describe("Messages that were given up"),
    lastTold: Time.nullable(),
    unavailable: z.string().nullable().describe("Why nothing is tried now"),
  })
  .meta({ id: "Hook" });

const HookMessage = z
  .object({
    id: z.string().describe("The webhook-id: the same for each hook and each try"),
    type: z.string(),
    repository: z.string(),
    package: z.string().nullable(),
    state: State,
    createdAt: Time,
    tries: z.number().int(),
    triedAt: Time.nullable(),
    nextAt: Time.nullable().describe("When it is tried next; null when it has ended"),
    error: z.string().nullable().describe("Why the last try failed that did"),
    payload: z.record(z.string(), z.unknown()).describe("What is told"),
  })
  .meta({ id: "HookMessage" });

const Try = z
  .object({
    id: z.string(),
    isTold: z.boolean(),
    error: z.string().nullable(),
  })
  .meta({ id: "HookTry" });

export function hookEndpoints({ hooks, auth, database }: ApiDeps) {
  const noted = ({ principal }: Grant, detail: Record<string, unknown>) =>
    database.write((sql) => auth.audit.write(sql, { action: "resend", principal, detail }));
  const base = { tag: "hooks", access: ofServer } as const;
  return [
    endpoint({
      ...base,
      method: "GET",
      path: "/hooks",
      summary: "The hooks of the configuration, and how they fare",
      command: "hooks list",
      query: z.object(paged),
      status: 200,
      result: pageOf(Hook),
      async run({ query }) {
        const states = (await hooks.states()).sort((a, b) => (a.name < b.name ? -1 : 1));
        const { items, next } = pageBy(states, ({ name }) => name, query);
        return { items: items.map((one) => ({ ...one, lastTold: time(one.lastTold) })), next };
      },
    }),
    endpoint({
      ...base,
      method: "GET",
      path: "/hooks/{hook}/messages",
      summary: "What a hook is told, or was, the newest first",
      command: "hooks list",
      query: z.object({ ...paged, state: State.optional() }),
      status: 200,
      result: pageOf(HookMessage),
      async run({ params, query: { state, limit, cursor } }) {
        const found = await hooks.deliveries(params["hook"]!, {
          state,
          before: readCursor(cursor),
          limit: limit + 1,
        });
        const shown = found.slice(0, limit);
        const next = found.length > limit ? cursorOf(shown.at(-1)!.id) : null;
        return { items: shown.map(messageOf), next };
      },
    }),
    endpoint({
      ...base,
      method: "GET",
      path: "/hooks/{hook}/messages/{message}",
      summary: "One message",
      status: 200,
      result: HookMessage,
      run: async ({ params }) =>
        messageOf(await hooks.delivery(params["hook"]!, params["message"]!)),
    }),
    endpoint({
      ...base,
      method: "POST",
      path: "/hooks/{hook}/test",
      summary: "Tell a hook that it is tried out: once, now",
      command: "hooks test",
      makes: true,
      status: 200,
      result: Try,
      async run({ params }) {
        const { id, outcome } = await hooks.test(params["hook"]!);
        return tried(id, outcome);
      },
    }),
    endpoint({
      ...base,
      method: "POST",
      path: "/hooks/{hook}/messages/{message}/resend",
      summary: "Tell a hook once more: now, and later on where that fails",
      command: "hooks resend",
      makes: true,
      status: 200,
      result: Try,
      async run({ params, grant }) {
        const [hook, id] = [params["hook"]!, params["message"]!];
        const outcome = await hooks.resend(hook, id);
        await noted(grant, { hook, message: id });
        return tried(id, outcome);
      },
    }),
    endpoint({
      ...base,
      method: "POST",
      path: "/hooks/{hook}/resend",
      summary: "Tell a hook all that failed once more, behind",
      command: "hooks resend",
      makes: true,
      status: 202,
      result: z.object({ messages: z.number().int() }),
      async run({ params, grant }) {
        const hook = params["hook"]!;
        const messages = await hooks.resendFailed(hook);
        await noted(grant, { hook, messages });
        return { messages };
      },
    }),
  ];
}

function tried(id: string, outcome: Outcome): z.infer<typeof Try> {
  return { id, isTold: outcome.isTold, error: outcome.isTold ? null : outcome.why };
}

function messageOf(delivery: Delivery): z.infer<typeof HookMessage> {
  const { id, type, repository, package: name, state, tries, error, payload } = delivery;
  return {
    id,
    type,
    repository,
    package: name || null,
    state,
    createdAt: time(delivery.createdAt),
    tries,
    triedAt: time(delivery.triedAt),
    nextAt: state === "waiting" ? time(delivery.nextAt) : null,
    error,
    payload: JSON.parse(payload),
  };
}
