// The path of every request, on one page: socket → path check → repository → format → cache → reply → socket, log, metrics.

import { createLru } from "./cache/lru.ts";
import type { AnyFormat } from "./cache/transform.ts";
import type { Log } from "./core/log.ts";
import { Problem } from "./core/problem.ts";
import { type Reply, reply } from "./core/reply.ts";
import type { Repository } from "./core/repository.ts";
import type { Request } from "./core/request.ts";
import type { Exchange } from "./http/accesslog.ts";
import { pathFault } from "./http/path.ts";
import { createRepeats } from "./http/repeat.ts";
import { type Sent, send } from "./http/send.ts";
import type { Incoming } from "./http/server.ts";

const ROUTES_IN_MEMORY = 10_000;

/** One repository as requests reach it. */
export interface Mounted {
  format: AnyFormat;
  repository: Repository;
}

export interface AppDeps {
  repositories: ReadonlyMap<string, Mounted>;
  /** `/` and `/-/…`: what belongs to no repository. Null when there is no such page. */
  pages(request: Incoming): Promise<Reply | null>;
  log: Log;
  /** Milliseconds since the epoch. */
  now(): number;
  record(exchange: Exchange): void;
}

/** Answers a request; `only` is the repository that stands at the root of an additional port. */
export type App = (incoming: Incoming, only?: string) => Sent | Promise<Sent>;

interface Outcome {
  answer: Reply;
  incoming: Incoming;
  name: string | null;
  failure: Problem | null;
  id: string;
  started: number;
}

interface Target {
  mounted: Mounted;
  path: string;
  base: string;
}

export function createApp(deps: AppDeps): App {
  const prefix = Math.random().toString(36).slice(2, 8);
  const routes = createLru<{ kind: string }>(ROUTES_IN_MEMORY);
  const repeats = createRepeats(deps.now, createLru(ROUTES_IN_MEMORY));
  let counter = 0;
  const nextId = () => `${prefix}-${(++counter).toString(36)}`;

  // Without a promise where that is possible: each costs a tenth of what a hit costs in all.
  return (incoming, only) => {
    const started = performance.now();
    const repeated = repeats.find(incoming, only);
    if (!repeated) return serveAnew(incoming, only, started);
    const { reply: answer, repository } = repeated;
    return deliver({ answer, incoming, name: repository, failure: null, id: nextId(), started });
  };

  async function serveAnew(
    original: Incoming,
    only: string | undefined,
    started: number,
  ): Promise<Sent> {
    const id = nextId();
    const { incoming, keep } = repeats.note(original, only);
    let target: Target | null = null;
    let failure: Problem | null = null;
    let answer: Reply;
    try {
      const fault = pathFault(incoming.path);
      if (fault) throw new Problem("badRequest", `Refused: ${fault}`);
      target = findTarget(incoming, only);
      answer = target ? await serve(target, incoming, id) : await page(incoming);
      if (target) keep({ reply: answer, repository: target.mounted.repository.name });
    } catch (error) {
      failure = asProblem(error, id);
      answer = target ? target.mounted.format.problem(failure, target.path) : plain(failure);
    }
    const name = target?.mounted.repository.name ?? null;
    return deliver({ answer, incoming: original, name, failure, id, started });
  }

  /** Sends, and records what was sent: at once, or when a stream has ended. */
  function deliver(outcome: Outcome): Sent {
    const { incoming, name } = outcome;
    const end = (status: number, bytes: number, cut: string | null) =>
      deps.record({
        id: outcome.id,
        method: incoming.method,
        path: incoming.path,
        status,
        repository: name,
        cache: outcome.answer.cache ?? null,
        bytes,
        durationMs: performance.now() - outcome.started,
        address: incoming.address,
        reason: outcome.failure?.message ?? null,
        rule: outcome.failure?.rule ?? null,
        cut,
      });
    const onEnd = (bytes: number, cut: string | null) => end(outcome.answer.status, bytes, cut);
    let sent: Sent;
    try {
      sent = send(outcome.answer, incoming, name, onEnd);
    } catch (error) {
      outcome.failure = asProblem(error, outcome.id);
      outcome.answer = plain(outcome.failure);
      sent = send(outcome.answer, incoming, name, onEnd);
    }
    if (sent.bytes !== null) end(sent.status, sent.bytes, null);
    return sent;
  }

  function findTarget(incoming: Incoming, only: string | undefined): Target | null {
    if (only !== undefined)
      return { mounted: deps.repositories.get(only)!, path: incoming.path, base: incoming.origin };
    const slash = incoming.path.indexOf("/", 1);
    const name = slash < 0 ? incoming.path.slice(1) : incoming.path.slice(1, slash);
    const mounted = deps.repositories.get(name);
    if (!mounted) return null;
    return {
      mounted,
      path: slash < 0 ? "/" : incoming.path.slice(slash),
      base: `${incoming.origin}/${name}`,
    };
  }

  /** Paths are few and asked again and again; what a format works out of a route is remembered with it (core/memo.ts). */
  function parse({ format, repository }: Mounted, method: string, path: string) {
    if (method !== "GET") return format.parse(method, path);
    const key = `${repository.name} ${path}`;
    let route = routes.get(key);
    if (!route) {
      route = format.parse(method, path) ?? undefined;
      if (route) routes.set(key, route, 1);
    }
    return route ?? null;
  }

  async function serve(
    { mounted, path, base }: Target,
    incoming: Incoming,
    id: string,
  ): Promise<Reply> {
    const { format, repository } = mounted;
    const { method, query, header, body } = incoming;
    const route = parse(mounted, method, path);
    if (!route)
      throw new Problem(
        "notFound",
        `${method} ${path} is nothing that ${repository.name} has: it speaks ${format.name}`,
      );
    const request: Request = {
      id,
      method,
      path,
      query,
      base,
      get client() {
        return incoming.client;
      },
      header,
      body,
    };
    return format.serve(route, request, repository);
  }

  async function page(incoming: Incoming): Promise<Reply> {
    const found = await deps.pages(incoming);
    if (found) return found;
    const names = [...deps.repositories.keys()].map((name) => `/${name}/`).join(", ");
    throw new Problem(
      "notFound",
      `Nothing stands at ${incoming.path}; the repositories are ${names}`,
    );
  }

  /** A Problem is expected; anything else is a bug: its stack goes to the log and nothing of it to the client. */
  function asProblem(error: unknown, id: string): Problem {
    if (error instanceof Problem) return error;
    const stack = error instanceof Error ? error.stack : String(error);
    deps.log.write("error", "A request failed because of a bug", { id, stack });
    return new Problem("internal", `Internal error; its cause is in the server's log under ${id}`, {
      cause: error,
    });
  }
}

function plain(problem: Problem): Reply {
  return reply(problem.status, "text/plain; charset=utf-8", `holdfast: ${problem.message}\n`);
}
