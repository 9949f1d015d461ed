// `/` and `/-/…`: what people and machines ask of the server itself, with the verbs of a format.
import { gzipSync } from "node:zlib";
import type { CatalogReader } from "../core/catalog.ts";
import { challenge } from "../core/challenge.ts";
import { type Access, type Grant, permit } from "../core/grant.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Overview, RepositoryState } from "../core/overview.ts";
import type { Explained } from "../core/policy.ts";
import { Problem, type ProblemKind } from "../core/problem.ts";
import { type Reply, reply } from "../core/reply.ts";
import type { ReadSeries } from "../core/series.ts";
import { type Followed, followingState, followingText } from "./following.ts";
import { ASSETS, serveAsset } from "./frame/assets.ts";
import { html } from "./frame/html.ts";
import { page } from "./frame/page.ts";
import { likingCookie, type Reader, readerOf, stranger } from "./frame/reader.ts";
import { helpPage } from "./help.ts";
import { awayPage, type HomeDeps, homePage, stateOf } from "./home.ts";
import { type LogSource, logFile, type WitnessSource, witnessReply } from "./log.ts";
import { type OperatorRoute, parseOperator } from "./operator/index.ts";
import type { CallApi } from "./operator/visit.ts";
import { serveFound, servePackage } from "./packages/index.ts";
import { PACKAGES, type PackageAddress, parsePackagePath } from "./packages/paths.ts";
import type { PeopleDeps } from "./people/deps.ts";
import { leads, readForm, redirect } from "./people/forms.ts";
import { type PeopleRoute, parsePeople } from "./people/index.ts";
import { repositoryPage, wantsPage } from "./repository.ts";
import type { PageRequest, SiteRequest } from "./request.ts";
import { whyPage } from "./why.ts";

export type { SiteRequest } from "./request.ts";

export type SiteRoute =
  | { kind: "home" | "metrics" | "live" | "ready" | "enforcing" | "help" | "liking" }
  /** The style and the script of all pages. */
  | { kind: "asset"; path: string }
  | { kind: "packages" }
  | ({ kind: "package" } & PackageAddress)
  | { kind: "repository"; name: string }
  /** Why a release is held or blocked. */
  | { kind: "why"; purl: string }
  /** A file of the append-only log. */
  | { kind: "log"; path: string }
  /** What this server says as a witness of other logs; `path`: null where it is shown a checkpoint. */
  | { kind: "witness"; path: string | null }
  /** A code host tells a repository of a push. */
  | { kind: "git hook"; name: string }
  | PeopleRoute
  | OperatorRoute
  | ApiRoute;

/** A route of the API; what else it holds is the API's own. */
export interface ApiRoute {
  kind: "api";
  access: Access;
}

/** The API, with the verbs of the site. */
export interface Api {
  parse(method: string, path: string): ApiRoute | null;
  serve(route: ApiRoute, request: SiteRequest, grant: Grant): Promise<Reply>;
  problem(problem: Problem): Reply;
  /** For pages that show what it answers. */
  call: CallApi;
}

/** Before a purl. */
const WHY = "/-/why/";
/** Before the path of a file of the log. */
const LOG = "/-/log/";
/** Below it: what c2sp.org/tlog-witness has. */
const WITNESS = "/-/log/witness/";
/** Everything below it is the API's. */
const API = "/-/api/";
/** Where forms at the foot of each page send how somebody likes pages. */
const LIKING = "/-/liking";

export interface SiteDeps extends HomeDeps {
  api: Api;
  people: PeopleDeps;
  metrics: Metrics;
  /** What the caller may see of what runs here: of one repository, or of all. */
  overview(grant: Grant, repository?: string): Promise<Overview>;
  /** Whether the upstreams of the repositories that the caller may read are asked, at this moment. */
  states(grant: Grant): Pick<RepositoryState, "offline" | "isHostedOnly" | "away">[];
  /** What is known here of packages, for one caller. */
  catalog(grant: Grant): CatalogReader;
  /** What policy says of a release, in the repositories that the caller may read. Throws a Problem. */
  explain(grant: Grant, purl: string): Promise<Explained[]>;
  /** What a code host tells a repository: it is for whoever knows the repository's own secret for that, whatever their grant. */
  gitHook(repository: string, request: SiteRequest): Promise<Reply>;
  ledgerLog: LogSource;
  /** The server that this one follows, and how that goes; none for one of its own. */
  follower?: Followed | null;
  /** What was counted over time. */
  series: ReadSeries;
  now(): number;
  witness: WitnessSource;
  /** What keeps the server from being ready, or null. */
  ready(): Promise<string | null>;
  /** What the server stands on that is away, in words for everybody; null where nothing is. It costs nothing. */
  trouble(): string | null;
  /** Why it is not proven that the server enforces its rules, or null; in place of a function null where nothing proves that. */
  whyNotProven: (() => string | null) | null;
}

export interface Site {
  /** Null when there is no such page; never throws. */
  parse(method: string, path: string): SiteRoute | null;
  access(route: SiteRoute): Access;
  serve(route: SiteRoute, request: SiteRequest, grant: Grant): Promise<Reply>;
  /** `accept`: of the request; a package client that is at a wrong address prints the error of a JSON body alone. */
  problem(problem: Problem, asked?: Asked): Reply;
}

/** What was asked for, where it failed. */
interface Asked {
  path: string;
  query: string;
  /** Of this server. */
  origin: string;
  accept: string | null;
  cookie: string | null;
}

const NOTHING: Asked = {
  path: "",
  query: "",
  origin: "http://localhost",
  accept: null,
  cookie: null,
};

/** Who watches a server asks for its health without a name, who logs in has none yet, and a code host and a log sign in place of it. */
const OPEN: ReadonlySet<SiteRoute["kind"]> = new Set([
  "live",
  "ready",
  "enforcing",
  "people",
  "git hook",
  "asset",
  "help",
  "liking",
  "witness",
] as const);

const ROUTES: Readonly<Record<string, SiteRoute>> = {
  "/": { kind: "home" },
  "/-/metrics": { kind: "metrics" },
  "/-/packages": { kind: "packages" },
  "/-/help": { kind: "help" },
  "/-/health/live": { kind: "live" },
  "/-/health/ready": { kind: "ready" },
  "/-/health/enforcing": { kind: "enforcing" },
};

export function createSite(deps: SiteDeps): Site {
  /** Of the repositories those that the caller may read. */
  function readable(grant: Grant): SiteDeps {
    const repositories = deps.repositories.filter(({ name }) => grant.may(name, "read", null));
    return { ...deps, repositories };
  }

  /** While what is counted cannot be had it says that alone. */
  async function home(request: SiteRequest, grant: Grant): Promise<Reply> {
    const { reader } = asked(request, grant);
    const trouble = deps.trouble();
    const following = deps.follower ? followingText(deps.follower, deps.now()) : null;
    try {
      return homePage(readable(grant), await deps.overview(grant), reader, following, trouble);
    } catch (error) {
      if (trouble === null || !(error instanceof Problem)) throw error;
      return awayPage(trouble, reader);
    }
  }

  function asked(request: SiteRequest, grant: Grant, origin = request.origin): PageRequest {
    const isLetIn = grant.may(null, "read", null);
    const state = isLetIn ? stateOf(deps.states(grant), deps.trouble()) : null;
    const reader = readerOf(origin, request.header("cookie"), grant, state);
    const { method, query, address } = request;
    return {
      reader,
      origin,
      method,
      query,
      address,
      header: (name) => request.header(name),
      body: (limit) => request.body(limit),
      stream: (limit) => request.stream(limit),
    };
  }

  /** Keeps what somebody likes, and goes back to where they were. */
  async function like(request: SiteRequest): Promise<Reply> {
    const form = await readForm(request, deps.people);
    const { pathname, search } = new URL(request.header("referer") ?? "/", request.origin);
    const location = pathname.replace(/^\/+/, "/") + search;
    return redirect(location, { "set-cookie": likingCookie(form) });
  }

  return {
    parse(method, path) {
      if (path.startsWith(API)) return deps.api.parse(method, path);
      const people = parsePeople(method, path);
      if (people) return people;
      const operator = parseOperator(method, path);
      if (operator) return operator;
      if (path === LIKING) return method === "POST" ? { kind: "liking" } : null;
      if (method === "POST" && path === `${WITNESS}add-checkpoint`)
        return { kind: "witness", path: null };
      if (method !== "GET" && method !== "HEAD") return null;
      if (path.startsWith(WITNESS)) return { kind: "witness", path: path.slice(WITNESS.length) };
      if (path.startsWith(LOG)) return { kind: "log", path: path.slice(LOG.length) };
      if (path.startsWith(ASSETS)) return { kind: "asset", path };
      if (path.startsWith(`${PACKAGES}/`)) {
        const address = parsePackagePath(path.slice(PACKAGES.length));
        return address && { kind: "package", ...address };
      }
      if (path.startsWith(WHY)) return { kind: "why", purl: path.slice(WHY.length) };
      return Object.hasOwn(ROUTES, path) ? ROUTES[path]! : null;
    },
    access: (route) =>
      route.kind === "api"
        ? route.access
        : {
            // The log names every package of every repository that there ever was.
            action: OPEN.has(route.kind)
              ? "open"
              : route.kind === "log"
                ? "follow"
                : route.kind === "operator"
                  ? route.action
                  : "read",
            package: null,
          },
    async serve(route, request, grant) {
      const { origin } = request;
      switch (route.kind) {
        case "api":
          return deps.api.serve(route, request, grant);
        case "asset": {
          const found = serveAsset(route.path);
          if (found) return found;
          throw new Problem("notFound", `Nothing stands at ${route.path}`);
        }
        case "people":
          return leads(await route.serve(asked(request, grant), grant, deps.people), origin);
        case "operator": {
          const { api, people, series, now } = deps;
          const made = await route.serve(asked(request, grant), grant, {
            call: api.call,
            people,
            series,
            now,
          });
          return typeof made.body === "string" ? small(made) : leads(made, origin);
        }
        case "home":
          return small(await home(request, grant));
        case "packages":
          return small(
            await serveFound(deps.catalog(grant), asked(request, grant), deps.people.now()),
          );
        case "package":
          return small(await servePackage(route, deps, asked(request, grant), grant));
        case "help":
          return small(helpPage(deps.version, asked(request, grant).reader));
        case "liking":
          return like(request);
        case "repository": {
          const { name } = route;
          permit(grant, name, "read", null);
          const repository = deps.repositories.find((one) => one.name === name)!;
          const overview = await deps.overview(grant, name);
          const { reader } = asked(request, grant, origin.slice(0, -name.length - 1));
          return small(repositoryPage(repository, overview, origin, reader, deps.trouble()));
        }
        case "why":
          return small(
            whyPage(await deps.explain(grant, route.purl), asked(request, grant).reader),
          );
        case "git hook":
          return deps.gitHook(route.name, request);
        case "metrics":
          // They name every repository.
          for (const { name } of deps.repositories) permit(grant, name, "read", null);
          return reply(
            200,
            "text/plain; version=0.0.4; charset=utf-8",
            await deps.metrics.render(),
          );
        case "log":
          return logFile(route.path, deps.ledgerLog);
        case "witness":
          return witnessReply(route.path, request, deps.witness);
        case "live":
          return json(200, { status: "live", version: deps.version });
        case "ready": {
          const reason = await deps.ready();
          if (reason !== null) return json(503, { status: "not ready", reason });
          // What is here is served all the same: it is as verified as before.
          const loss = await deps.ledgerLog.loss();
          return json(200, {
            status: "ready",
            ...(loss && { warnings: [loss.kind] }),
            ...(deps.follower && { following: followingState(deps.follower, deps.now()) }),
            ...enforcement(deps.whyNotProven),
          });
        }
        case "enforcing": {
          const told = enforcement(deps.whyNotProven);
          return json(told?.enforcing === "yes" ? 200 : 503, told ?? { enforcing: "unknown" });
        }
      }
    },
    problem(problem, { path, query, origin, accept, cookie } = NOTHING) {
      if (path.startsWith(API)) return deps.api.problem(problem);
      // A person is shown the way in.
      if (problem.status === 401 && wantsPage("GET", accept))
        return leads(
          redirect(`/-/login?next=${encodeURIComponent(query ? `${path}?${query}` : path)}`),
          origin,
        );
      if (path !== "" && wantsPage("GET", accept))
        return problemPage(problem, stranger(origin, cookie));
      const text = `holdfast: ${problem.message}`;
      if (accept?.includes("json")) return json(problem.status, { error: text });
      return reply(problem.status, "text/plain; charset=utf-8", `${text}\n`, challenge(problem));
    },
  };
}

/** What canaries prove: "not yet" before the first round, and after one in which not all were as they should be. */
function enforcement(whyNot: SiteDeps["whyNotProven"]) {
  if (whyNot === null) return null;
  const reason = whyNot();
  return reason === null ? { enforcing: "yes" } : { enforcing: "not yet", reason };
}

const TITLES: Partial<Record<ProblemKind, string>> = {
  notFound: "Nothing stands here",
  forbidden: "Not for you",
  internal: "A mistake of this server",
};

/** What is wrong, for people in a browser. */
function problemPage({ kind, message, status }: Problem, reader: Reader): Reply {
  const title = TITLES[kind] ?? "This did not work";
  const account = kind === "forbidden" ? html` · <a href="/-/account">Your account</a>` : null;
  const main = html`<h1>${title}</h1><p>${message}.</p><p><a href="/">Home</a>${account}</p>`;
  return page({ title, main, status, isNarrow: true }, reader);
}

/**
 * Compressed for who takes that. Pages about people are not: one that holds a secret beside what a request says would tell of it by its length.
 */
function small(made: Reply): Reply {
  return { ...made, body: gzipSync(made.body as string), encoding: "gzip" };
}

function json(status: number, value: unknown): Reply {
  return reply(status, "application/json", `${JSON.stringify(value)}\n`, {
    "cache-control": "no-store",
  });
}
