// `/` and `/-/…`: what people and machines ask of the server itself, with the verbs of a format.
import type { Access } from "../core/grant.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Problem } from "../core/problem.ts";
import { type Reply, reply } from "../core/reply.ts";
import { type HomeDeps, homePage } from "./home.ts";

export type SiteRoute = { kind: "home" | "metrics" | "live" | "ready" };

export interface SiteDeps extends HomeDeps {
  metrics: Metrics;
  /** What keeps the server from being ready, or null. */
  ready(): Promise<string | null>;
}

export interface Site {
  /** Null when there is no such page; never throws. */
  parse(method: string, path: string): SiteRoute | null;
  access(route: SiteRoute): Access;
  /** `origin`: the address of this server as the client sees it. */
  serve(route: SiteRoute, origin: string): Promise<Reply>;
  problem(problem: Problem): Reply;
}

const ROUTES: Readonly<Record<string, SiteRoute>> = {
  "/": { kind: "home" },
  "/-/metrics": { kind: "metrics" },
  "/-/health/live": { kind: "live" },
  "/-/health/ready": { kind: "ready" },
};

export function createSite(deps: SiteDeps): Site {
  return {
    parse(method, path) {
      if (method !== "GET" && method !== "HEAD") return null;
      return Object.hasOwn(ROUTES, path) ? ROUTES[path]! : null;
    },
    // Who watches a server asks for its health without a name.
    access: ({ kind }) => ({
      action: kind === "live" || kind === "ready" ? "open" : "read",
      package: null,
    }),
    async serve({ kind }, origin) {
      switch (kind) {
        case "home":
          return homePage(deps, origin);
        case "metrics":
          return reply(
            200,
            "text/plain; version=0.0.4; charset=utf-8",
            await deps.metrics.render(),
          );
        case "live":
          return json(200, { status: "live", version: deps.version });
        case "ready": {
          const reason = await deps.ready();
          return reason === null
            ? json(200, { status: "ready" })
            : json(503, { status: "not ready", reason });
        }
      }
    },
    problem: (problem) =>
      reply(problem.status, "text/plain; charset=utf-8", `holdfast: ${problem.message}\n`),
  };
}

function json(status: number, value: unknown): Reply {
  return reply(status, "application/json", `${JSON.stringify(value)}\n`, {
    "cache-control": "no-store",
  });
}
