// `/` and `/-/…`: what people and machines ask of the server itself, with the verbs of a format.
import { type Access, type Grant, permit } from "../core/grant.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Overview } from "../core/overview.ts";
import type { Problem } from "../core/problem.ts";
import { type Reply, reply } from "../core/reply.ts";
import { type HomeDeps, homePage } from "./home.ts";
import { repositoryPage } from "./repository.ts";

export type SiteRoute =
  | { kind: "home" | "metrics" | "live" | "ready" }
  | { kind: "repository"; name: string }
  | ApiRoute;

/** A route of the API; what else it holds is the API's own. */
export interface ApiRoute {
  kind: "api";
  access: Access;
}

/** A request for a page. */
export interface SiteRequest {
  readonly method: string;
  /** Without the "?". */
  readonly query: string;
  /** The address of this server as the client sees it, or that of the repository whose own port it is. */
  readonly origin: string;
  readonly address: string;
  header(name: string): string | null;
  /** As `Request.body`. */
  body(limit: number): Promise<Uint8Array>;
}

/** The API, with the verbs of the site. */
export interface Api {
  parse(method: string, path: string): ApiRoute | null;
  serve(route: ApiRoute, request: SiteRequest, grant: Grant): Promise<Reply>;
  problem(problem: Problem): Reply;
}

/** Everything below it is the API's. */
const API = "/-/api/";

export interface SiteDeps extends HomeDeps {
  api: Api;
  metrics: Metrics;
  /** What the caller may see of what runs here: of one repository, or of all. */
  overview(grant: Grant, repository?: string): Promise<Overview>;
  /** What keeps the server from being ready, or null. */
  ready(): Promise<string | null>;
}

export interface Site {
  /** Null when there is no such page; never throws. */
  parse(method: string, path: string): SiteRoute | null;
  access(route: SiteRoute): Access;
  serve(route: SiteRoute, request: SiteRequest, grant: Grant): Promise<Reply>;
  /** `accept`: of the request; a package client that is at a wrong address prints the error of a JSON body alone. */
  problem(problem: Problem, asked?: { path: string; accept: string | null }): Reply;
}

const ROUTES: Readonly<Record<string, SiteRoute>> = {
  "/": { kind: "home" },
  "/-/metrics": { kind: "metrics" },
  "/-/health/live": { kind: "live" },
  "/-/health/ready": { kind: "ready" },
};

export function createSite(deps: SiteDeps): Site {
  /** Of the repositories those that the caller may read. */
  function readable(grant: Grant): SiteDeps {
    const repositories = deps.repositories.filter(({ name }) => grant.may(name, "read", null));
    return { ...deps, repositories };
  }

  return {
    parse(method, path) {
      if (path.startsWith(API)) return deps.api.parse(method, path);
      if (method !== "GET" && method !== "HEAD") return null;
      return Object.hasOwn(ROUTES, path) ? ROUTES[path]! : null;
    },
    // Who watches a server asks for its health without a name.
    access: (route) =>
      route.kind === "api"
        ? route.access
        : {
            action: route.kind === "live" || route.kind === "ready" ? "open" : "read",
            package: null,
          },
    async serve(route, request, grant) {
      const { origin } = request;
      switch (route.kind) {
        case "api":
          return deps.api.serve(route, request, grant);
        case "home":
          return homePage(readable(grant), await deps.overview(grant), origin);
        case "repository": {
          const { name } = route;
          permit(grant, name, "read", null);
          const repository = deps.repositories.find((one) => one.name === name)!;
          return repositoryPage(repository, await deps.overview(grant, name), origin);
        }
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
    problem(problem, { path, accept } = { path: "", accept: null }) {
      if (path.startsWith(API)) return deps.api.problem(problem);
      const text = `holdfast: ${problem.message}`;
      if (accept?.includes("json")) return json(problem.status, { error: text });
      return reply(problem.status, "text/plain; charset=utf-8", `${text}\n`);
    },
  };
}

function json(status: number, value: unknown): Reply {
  return reply(status, "application/json", `${JSON.stringify(value)}\n`, {
    "cache-control": "no-store",
  });
}
