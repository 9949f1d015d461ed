// The path of every request, on one page: caller → repeats → parse → permit → serve → send → record.

import type { Fetches } from "./advisories/fetches.ts";
import type { Gate } from "./auth/gate.ts";
import { createLru } from "./cache/lru.ts";
import type { Audit } from "./core/audit.ts";
import { type Access, type Action, type Grant, permit } from "./core/grant.ts";
import type { Log } from "./core/log.ts";
import { memo } from "./core/memo.ts";
import { inFull, isUndone, Problem, statusOf } from "./core/problem.ts";
import type { Reply } from "./core/reply.ts";
import { shortageOf } from "./core/shortage.ts";
import type { AccessLog, ServedRequest } from "./http/accesslog.ts";
import { preflight } from "./http/cors.ts";
import { pathFault } from "./http/path.ts";
import { createRepeats, type Found } from "./http/repeat.ts";
import { type Sent, send, sendAgain } from "./http/send.ts";
import type { Incoming } from "./http/server.ts";
import type { Refused } from "./ledger/refused.ts";
import { createTargets, type Target, type TargetDeps } from "./target.ts";

const ROUTES_IN_MEMORY = 10_000;
/** What is for changing packages alone. */
const CHANGING: ReadonlySet<Action> = new Set(["publish", "unpublish"]);
/** Whoever takes servers away that are not well is not to take all away where the database is slow. */
const HEALTH = "/-/health/";
const READING: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
/**
 * A server that stood still for so long was stopped: what came meanwhile waited in the kernel, and whoever sent it may have given it up, and done something
 * else at another server. No sooner does a proxy give a server up, nor do the others take it for dead. Milliseconds.
 */
const STOPPED_MS = 3_000;

export interface AppDeps extends TargetDeps {
  gate: Gate;
  /** Null where all is known here that others may have told clients; else to be waited for. See `Changes`. */
  behind?(): Promise<number> | null;
  audit: Audit;
  /** Whether callers may read it who give no name: the package, or anything of the repository where it is null. */
  isPublic(repository: string, packageName: string | null): boolean;
  /** Why nothing is published, changed or removed here, by anybody; null or left out where it is. */
  closed?: string | null;
  log: Log;
  /** Milliseconds since the epoch. */
  now(): number;
  accessLog: AccessLog;
  /** Who is sent which release. */
  fetches: Pick<Fetches, "note" | "noteLocked">;
  /** Who is refused one. */
  refused: Pick<Refused, "note">;
  /** Called when a request is begun; what it returns, when its response has ended. Not for those that are answered at once from memory. */
  enter?(): () => void;
}

/** Answers a request; `only` is the repository that stands at the root of an additional port. */
export type App = (incoming: Incoming, only?: string) => Sent | Promise<Sent>;

interface Outcome {
  answer: Reply;
  incoming: Incoming;
  name: string | null;
  grant: Grant;
  failure: Problem | null;
  id: string;
  started: number;
  leave(): void;
}

/** A route, and what its caller must be allowed to do. */
interface Asked {
  route: { kind: string };
  access: Access;
}

export function createApp(deps: AppDeps): App {
  const prefix = Math.random().toString(36).slice(2, 8);
  const routes = createLru<Asked>(ROUTES_IN_MEMORY);
  const repeats = createRepeats(deps.now, createLru(ROUTES_IN_MEMORY));
  const targets = createTargets(deps);
  const { enter = () => nothing, behind = () => null } = deps;
  const begun = { failure: null, leave: nothing };
  let counter = 0;
  const nextId = () => `${prefix}-${(++counter).toString(36)}`;

  // Without a promise where that is possible: each costs a tenth of what a hit costs in all.
  return (incoming, only) => {
    const started = performance.now();
    const late = behind();
    if (!late || incoming.path.startsWith(HEALTH)) return begin(incoming, only, started);
    return late.then((stoodMs) => {
      const isOld = stoodMs >= STOPPED_MS && !READING.has(incoming.method);
      return begin(incoming, only, started, isOld);
    });
  };

  function begin(incoming: Incoming, only: string | undefined, started: number, isOld = false) {
    const grant = deps.gate.identify(incoming, only);
    if (grant instanceof Promise)
      return grant.then((found) => answer(incoming, only, found, started, isOld));
    return answer(incoming, only, grant, started, isOld);
  }

  function answer(
    incoming: Incoming,
    only: string | undefined,
    grant: Grant,
    started: number,
    isOld: boolean,
  ): Sent | Promise<Sent> {
    const repeated = repeats.find(incoming, only, grant.audience);
    if (!repeated) return serveAnew(incoming, only, grant, started, isOld);
    return deliverAgain(repeated, incoming, grant, started);
  }

  function deliverAgain(found: Found, incoming: Incoming, grant: Grant, started: number): Sent {
    const { reply: answer, repository: name } = found;
    const outcome = () => ({ ...begun, answer, incoming, name, grant, id: nextId(), started });
    const sent = sendAgain(answer, incoming);
    if (!sent) return deliver(outcome());
    if (answer.privateRead) noteRead(outcome(), sent.status);
    if (answer.release) noteFetch(answer, incoming, name, grant, sent.status);
    found.record ??= deps.accessLog.alike(served(outcome(), sent.status, sent.bytes!, null));
    found.record(nextId(), performance.now() - started, incoming.address);
    return sent;
  }

  async function serveAnew(
    original: Incoming,
    only: string | undefined,
    grant: Grant,
    started: number,
    isOld: boolean,
  ): Promise<Sent> {
    const id = nextId();
    const leave = enter();
    const { incoming, keep } = repeats.note(original, only, grant.audience);
    let target: Target | null = null;
    let failure: Problem | null = null;
    let answer: Reply;
    try {
      const fault = pathFault(incoming.path);
      if (fault) throw new Problem("badRequest", `Refused: ${fault}`);
      target = targets.find(incoming, only, id);
      if (isOld) throw new Problem("busy", STOPPED);
      const asked = target.name === null ? null : preflight(incoming);
      answer = asked ?? (await serve(target, incoming.method, grant));
      if (target.name !== null) keep({ reply: answer, repository: target.name });
    } catch (error) {
      failure = asProblem(error, id);
      answer = (target ?? deps.site).problem(failure);
      const retryAfter = failure.detail?.["retryAfter"];
      if (retryAfter !== undefined) answer.headers["retry-after"] = String(retryAfter);
    }
    const name = target?.name ?? null;
    return deliver({ answer, incoming: original, name, grant, failure, id, started, leave });
  }

  function serve(target: Target, method: string, grant: Grant): Promise<Reply> {
    const { route, access } = parse(target, method, grant);
    permit(grant, access.repository ?? target.about, access.action, access.package);
    // In the words of its client, before a byte of it is read; commands are told by the room itself (hosted/hosting.ts).
    if (deps.closed && CHANGING.has(access.action))
      throw new Problem("forbidden", deps.closed, { rule: "follow" });
    const isForAll =
      grant.principal.kind === "anonymous" ||
      (target.name !== null && deps.isPublic(target.name, access.package));
    const answer = target.serve(route, grant);
    return isForAll ? answer : answer.then(forOne);
  }

  /** Sends, and records what was sent: at once, or when a stream has ended. */
  function deliver(outcome: Outcome): Sent {
    const { incoming, name } = outcome;
    const end = (status: number, bytes: number, cut: string | null) => {
      noteRead(outcome, status);
      noteFetch(outcome.answer, incoming, name, outcome.grant, status);
      noteRefusal(outcome);
      if (outcome.answer.locked && name !== null)
        deps.fetches.noteLocked(
          outcome.grant.principal,
          incoming.address,
          name,
          outcome.answer.locked,
        );
      deps.accessLog.record(served(outcome, status, bytes, cut));
      outcome.leave();
    };
    const onEnd = (bytes: number, cut: string | null) => end(outcome.answer.status, bytes, cut);
    let sent: Sent;
    try {
      sent = send(outcome.answer, incoming, name, onEnd);
    } catch (error) {
      outcome.failure = asProblem(error, outcome.id);
      outcome.answer = deps.site.problem(outcome.failure);
      sent = send(outcome.answer, incoming, name, onEnd);
    }
    if (sent.bytes !== null) end(sent.status, sent.bytes, null);
    return sent;
  }

  /** Who was sent the bytes of a private package. */
  function noteRead({ answer, incoming, name, grant }: Outcome, status: number): void {
    if (!answer.privateRead || name === null || incoming.method !== "GET" || status > 206) return;
    deps.audit.note({
      action: "read",
      principal: grant.principal,
      address: incoming.address,
      repository: name,
      ...answer.privateRead,
    });
  }

  function noteFetch(
    { release }: Reply,
    { method, address }: Incoming,
    name: string | null,
    { principal }: Grant,
    status: number,
  ): void {
    if (release && name !== null && method === "GET" && (status === 200 || status === 206))
      deps.fetches.note(principal, address, name, release);
  }

  /** Of what policy keeps from them; the format's own words for that may name no release. */
  function noteRefusal({ failure, incoming, name, grant }: Outcome): void {
    if (failure?.kind !== "blocked" || name === null || !failure.detail) return;
    const { package: packageName, version } = failure.detail;
    const release = { package: String(packageName), version: String(version) };
    deps.refused.note(grant.principal, incoming.address, name, release);
  }

  /** Paths are few and asked again and again; what a format works out of a route is remembered with it (core/memo.ts). */
  function parse(target: Target, method: string, grant: Grant): Asked {
    const key = method === "GET" ? `${target.name ?? ""} ${target.path}` : null;
    const known = key === null ? undefined : routes.get(key);
    if (known) return known;
    const route = target.parse(method, target.path);
    if (!route) throw new Problem("notFound", target.nothing(grant));
    const asked = { route, access: target.access(route) };
    if (key !== null) routes.set(key, asked, 1);
    return asked;
  }

  /** A Problem is expected; anything else is a bug: its stack goes to the log and nothing of it to the client. */
  function asProblem(error: unknown, id: string): Problem {
    if (error instanceof Problem) return error;
    const shortage = shortageOf(error);
    if (shortage) return shortage;
    const stack = error instanceof Error ? error.stack : String(error);
    deps.log.write("error", "A request failed because of a bug", { id, stack });
    return new Problem("internal", `Internal error; its cause is in the server's log under ${id}`, {
      cause: error,
    });
  }
}

function nothing(): void {}

const STOPPED =
  "This server heard nothing for a while, and what was sent to it meanwhile may have been given up: nothing was changed, send it again";

/** What not everybody may have is kept by no cache that serves several. RFC 9111 §5.2.2.7 */
function forOne(reply: Reply): Reply {
  const made = marked(reply);
  // All that changes of a shared reply.
  const { privateRead, isCurrent } = reply;
  if (isCurrent) made.isCurrent = isCurrent;
  if (privateRead) made.privateRead = privateRead;
  else delete made.privateRead;
  return made;
}

/** The same object for the same reply: a shared one is prepared once for those too who may have it (http/send.ts). */
const marked = memo((reply: Reply): Reply => {
  const control = reply.headers["cache-control"];
  const own = control?.includes("no-store") ? control : `private, ${control ?? "no-cache"}`;
  return {
    ...reply,
    headers: { ...reply.headers, "cache-control": own.replace(/ public,/, "") },
  };
});

function served(
  { answer, incoming, name, failure, id, started }: Outcome,
  status: number,
  bytes: number,
  cut: string | null,
): ServedRequest {
  return {
    id,
    method: incoming.method,
    path: incoming.path,
    status,
    repository: name,
    cache: answer.cache ?? null,
    bytes,
    durationMs: performance.now() - started,
    address: incoming.address,
    // Which file it is, or whose key, for whoever looks after disk, database and bucket.
    reason: failure && (isUndone(failure) ? inFull(failure) : failure.message),
    isUnhad: failure?.status === statusOf.unusable,
    rule: failure?.rule ?? null,
    cut,
  };
}
