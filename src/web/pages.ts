// `/` and `/-/…`: what people and machines ask of the server itself.
import type { Format } from "../core/format.ts";
import type { Metrics } from "../core/metrics.ts";
import { type Reply, reply } from "../core/reply.ts";
import { homePage } from "./home.ts";

export interface PageDeps {
  repositories: { name: string; format: Format; options: unknown }[];
  version: string;
  metrics: Metrics;
  /** What keeps the server from being ready, or null. */
  ready(): Promise<string | null>;
}

/** Null when there is no such page. */
export async function servePage(
  deps: PageDeps,
  method: string,
  path: string,
  origin: string,
): Promise<Reply | null> {
  if (method !== "GET" && method !== "HEAD") return null;
  switch (path) {
    case "/":
      return homePage(deps, origin);
    case "/-/metrics":
      return reply(200, "text/plain; version=0.0.4; charset=utf-8", await deps.metrics.render());
    case "/-/health/live":
      return json(200, { status: "live", version: deps.version });
    case "/-/health/ready": {
      const reason = await deps.ready();
      return reason === null
        ? json(200, { status: "ready" })
        : json(503, { status: "not ready", reason });
    }
    default:
      return null;
  }
}

function json(status: number, value: unknown): Reply {
  return reply(status, "application/json", `${JSON.stringify(value)}\n`, {
    "cache-control": "no-store",
  });
}
