// What is traced where traces are wanted: requests, fetches from upstreams, and writes of the catalog. Loaded only then.
import type { App } from "../app.ts";
import type { TracesConfig } from "../config/resolve.ts";
import { version } from "../core/build.ts";
import type { Log } from "../core/log.ts";
import { statusOf } from "../core/problem.ts";
import type { Upstream } from "../core/upstream.ts";
import type { Sent } from "../http/send.ts";
import type { Database } from "../store/database.ts";
import { otlpJson } from "../traces/otlp.ts";
import { createQueue } from "../traces/queue.ts";
import { createTracer } from "../traces/span.ts";
import { postJson } from "../upstream/collector.ts";

/** Problem("unreachable"), as clients are told it. */
const UPSTREAM_FAILED = statusOf.unreachable;

export interface Traces {
  app(app: App): App;
  upstream<U extends Upstream>(upstream: U, repository: string): U;
  database(database: Database): Database;
  /** Brings what waits to the collector. */
  close(): Promise<void>;
}

export function openTraces(config: TracesConfig, log: Log): Traces {
  const { endpoint, sample, incoming, outgoing } = config;
  const queue = createQueue({
    post: (spans) => postJson(endpoint, otlpJson(spans, version)),
    log,
  });
  const tracer = createTracer({
    sample,
    // Fractions of milliseconds, and no jump within a span when the clock is set.
    now: () => performance.timeOrigin + performance.now(),
    finished: queue.add,
  });

  return {
    app: (app) => (request, only) =>
      tracer.begin(incoming ? request.header("traceparent") : null, request.method, (span) => {
        const answer = app(request, only);
        if (!span) return answer;
        Object.assign(span.attributes, {
          "http.request.method": request.method,
          "url.path": request.path,
          "client.address": request.address,
          ...(only !== undefined && { "holdfast.repository": only }),
        });
        const note = (sent: Sent) => {
          const { status, response } = sent;
          span.attributes["http.response.status_code"] = status;
          const cache = response.headers.get("cache-status");
          if (cache) span.attributes["holdfast.cache"] = cache;
          if (status >= 500 || status === UPSTREAM_FAILED) span.failure = `status ${status}`;
          return sent;
        };
        return answer instanceof Promise ? answer.then(note) : note(answer);
      }),
    upstream: (upstream, repository) => ({
      ...upstream,
      fetch: (request) =>
        tracer.within("upstream fetch", "client", async (span) => {
          const traceparent = outgoing && span ? tracer.traceparent() : null;
          const response = await upstream.fetch(
            traceparent ? { ...request, headers: { ...request.headers, traceparent } } : request,
          );
          if (span)
            Object.assign(span.attributes, {
              "holdfast.repository": repository,
              "http.request.method": request.method ?? "GET",
              "server.address": response.upstream,
              "http.response.status_code": response.status,
            });
          return response;
        }),
    }),
    database: (database) => ({
      ...database,
      get commits() {
        return database.commits;
      },
      write: (work, how) =>
        tracer.within("catalog write", "internal", (span) => {
          if (span) span.attributes["db.system.name"] = "sqlite";
          return database.write(work, how);
        }),
    }),
    close: queue.close,
  };
}
