// One hop: sent to its origin, and answered or failed. The origin's breaker and the metrics hear of it.
import packageJson from "../../package.json" with { type: "json" };
import { Problem } from "../core/problem.ts";
import type { Attempt, Found } from "./breaker.ts";
import { credentialFor, type Hop } from "./hops.ts";
import type { Origin } from "./origin.ts";
import { type Reason, type ReasonKind, reasonOf, Silence } from "./reasons.ts";
import { type Passing, retryAfterOf } from "./retry.ts";
import type { UpstreamDeps, UpstreamSettings } from "./settings.ts";

/** A hop under way: its headers are here, its body is not read. */
export interface Reached {
  hop: Hop;
  response: Response;
  attempt: Attempt;
  control: AbortController;
  /** Stops listening to the caller's signal. */
  release(): void;
}

/** A hop that was not answered. Its message says where and why. */
export class Failure extends Problem implements Passing {
  readonly isPassing: boolean;
  readonly retryAfterMs: number | null;
  /** False where it says nothing of the path that was asked for. */
  readonly isOfPath: boolean;
  /** To be called when nobody tries again. */
  readonly last: () => void;
  constructor(message: string, told: Passing & Pick<Failure, "isOfPath" | "last" | "cause">) {
    super("unreachable", message, { cause: told.cause });
    this.isPassing = told.isPassing;
    this.retryAfterMs = told.retryAfterMs;
    this.isOfPath = told.isOfPath;
    this.last = told.last;
  }
}

const USER_AGENT = `holdfast/${packageJson.version}`;
/** Below 500 and yet no answer to what was asked. 407 comes from a proxy. */
const NO_ANSWER = new Set([407, 408, 425, 429]);
/** What an upstream says that is in trouble for a moment. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);
/** With these nothing was done yet: what was sent may be sent again, whatever it is. */
const NOTHING_DONE = new Set([429, 503]);

export interface Exchanges {
  /** One hop until its headers. Throws Failure unless they are an answer, and Problem("unreachable") where it must not be asked. */
  reach(origin: Origin, hop: Hop, signal: AbortSignal | undefined): Promise<Reached>;
  /** Asks for it without a caller. */
  probe(origin: Origin, hop: Hop): Promise<Found>;
}

/** `base` and `settings` are those of the upstream that the hops belong to. */
export function createExchanges(
  base: URL,
  settings: UpstreamSettings & { timeoutMs: number },
  deps: UpstreamDeps,
): Exchanges {
  const { timeoutMs } = settings;

  async function send(origin: Origin, hop: Hop, control: AbortController): Promise<Response> {
    const headers: Record<string, string> = { ...hop.headers, "user-agent": USER_AGENT };
    const credential = credentialFor(base, settings, hop.url);
    if (credential) headers["authorization"] = credential;
    const timer = setTimeout(() => control.abort(new Silence(timeoutMs)), timeoutMs);
    try {
      const response = origin.fetch(hop.url, {
        method: hop.method,
        headers,
        redirect: "manual",
        decompress: false,
        // Bun's own idle timer would count a slow reader of ours as silence.
        timeout: false,
        signal: control.signal,
        ...(hop.body !== undefined && { body: hop.body as BodyInit }),
      });
      return await untilAborted(response, control.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends once more what a kept connection, closed at that moment by the other end, may have swallowed. */
  async function sendTwice(origin: Origin, hop: Hop, control: AbortController): Promise<Response> {
    try {
      return await send(origin, hop, control);
    } catch (error) {
      if (hop.method === "POST" || reasonOf(error).kind !== "reset") throw error;
      return send(origin, hop, control);
    }
  }

  async function exchange(origin: Origin, hop: Hop, control: AbortController): Promise<Response> {
    const began = deps.now();
    const measure = (status: string) =>
      deps.metrics.exchange(deps.repository, base.host, status, (deps.now() - began) / 1000);
    try {
      const response = await sendTwice(origin, hop, control);
      measure(String(response.status));
      return response;
    } catch (error) {
      const { aborted, reason } = control.signal;
      // Not where the caller gave up, nor where the allow-list refused, before anything was sent.
      if (!(error instanceof Problem) && (!aborted || reason instanceof Silence)) measure("error");
      throw error;
    }
  }

  async function reach(
    origin: Origin,
    hop: Hop,
    signal: AbortSignal | undefined,
  ): Promise<Reached> {
    signal?.throwIfAborted();
    const probing = origin.breaker.probe();
    await (signal ? untilAborted(probing, signal) : probing);
    const attempt = origin.breaker.enter(hop.url.href);
    const control = new AbortController();
    const onAbort = () => control.abort(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    const release = () => signal?.removeEventListener("abort", onAbort);

    function fail(reason: Reason, passing: Passing, cause?: unknown): Failure {
      const { text, kind } = reason;
      release();
      control.abort();
      if (kind === "ours") attempt.abandoned();
      else attempt.failed(text, kind === "absent");
      return new Failure(`${hop.url.host}: ${text}`, {
        ...passing,
        cause,
        isOfPath: kind !== "absent" && kind !== "ours",
        last: () => attempt.lasted(text, kind === "silent"),
      });
    }

    let response: Response;
    try {
      response = await exchange(origin, hop, control);
    } catch (error) {
      // A Problem here is the allow-list's, before anything was sent.
      if (signal?.aborted || error instanceof Problem) {
        release();
        attempt.abandoned();
        throw error;
      }
      const reason = reasonOf(error);
      throw fail(reason, { isPassing: mayPass(reason.kind, hop), retryAfterMs: null }, error);
    }
    const refusal = refusalOf(response);
    if (refusal) {
      const { status } = response;
      const isPassing = (hop.method === "POST" ? NOTHING_DONE : PASSING).has(status);
      throw fail(refusal, { isPassing, retryAfterMs: retryAfterOf(response.headers) });
    }
    attempt.answered();
    if (hop.method === "GET" && response.status < 400) origin.remember(hop);
    return { hop, response, attempt, control, release };
  }

  return {
    reach,
    async probe(origin, hop) {
      const control = new AbortController();
      try {
        return refusalOf(await exchange(origin, hop, control))?.text ?? null;
      } catch (error) {
        const { text, kind } = reasonOf(error);
        return kind === "ours" || error instanceof Problem ? undefined : text;
      } finally {
        control.abort(); // the headers are all that was asked for
      }
    },
  };
}

/** Why this is no answer, or null when it is one. */
function refusalOf({ status }: Response): Reason | null {
  if (status < 500 && !NO_ANSWER.has(status)) return null;
  return { text: `${status === 407 ? "its proxy: " : ""}answered ${status}`, kind: "other" };
}

function mayPass(kind: ReasonKind, { method }: Hop): boolean {
  return kind === "ours" || (kind === "reset" && method !== "POST");
}

/** The work's outcome, or the signal's reason as soon as it is aborted, even where the work takes no notice of it. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
