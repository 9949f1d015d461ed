// `/` and `/-/…`: what people and machines ask of the server itself, with the verbs of a format.
import { challenge } from "../core/challenge.ts";
import { type Access, type Grant, permit } from "../core/grant.ts";
import { escapeHtml } from "../core/html.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Overview } from "../core/overview.ts";
import type { Explained } from "../core/policy.ts";
import { Problem, type ProblemKind } from "../core/problem.ts";
import { type Reply, reply } from "../core/reply.ts";
import { type HomeDeps, homePage } from "./home.ts";
import { link, page } from "./page.ts";
import type { PeopleDeps } from "./people/deps.ts";
import { placed, redirect } from "./people/forms.ts";
import { type PeopleRoute, parsePeople } from "./people/index.ts";
import { repositoryPage, wantsPage } from "./repository.ts";
import type { SiteRequest } from "./request.ts";
import { whyPage } from "./why.ts";

export type { SiteRequest } from "./request.ts";

export type SiteRoute =
  | { kind: "home" | "metrics" | "live" | "ready" }
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
}

/** Before a purl. */
const WHY = "/-/why/";
/** Before the path of a file of the log. */
const LOG = "/-/log/";
/** Below it: what c2sp.org/tlog-witness has. */
const WITNESS = "/-/log/witness/";
/** Everything below it is the API's. */
const API = "/-/api/";

export interface SiteDeps extends HomeDeps {
  api: Api;
  people: PeopleDeps;
  metrics: Metrics;
  /** What the caller may see of what runs here: of one repository, or of all. */
  overview(grant: Grant, repository?: string): Promise<Overview>;
  /** What policy says of a release, in the repositories that the caller may read. Throws a Problem. */
  explain(grant: Grant, purl: string): Promise<Explained[]>;
  /** What a code host tells a repository: it is for whoever knows the repository's own secret for that, whatever their grant. */
  gitHook(repository: string, request: SiteRequest): Promise<Reply>;
  ledgerLog: LogSource;
  witness: WitnessSource;
  /** What keeps the server from being ready, or null. */
  ready(): Promise<string | null>;
}

/** What of the append-only log is shown. */
export interface LogSource {
  /** With which its checkpoints are verified. */
  readonly verifier: string;
  /** What was lost and nobody has accepted yet; null for nothing. */
  loss(): Promise<{ kind: string } | null>;
  /** The newest signed checkpoint; null while the log is empty. */
  note(): string | null;
  /** The newest one that witnesses signed, with their signatures. */
  cosigned(): string | null;
  /** A tile or a bundle of entries; null for what is none of the newest checkpoint's. */
  tile(path: string): Promise<Uint8Array | null>;
}

/** What is asked of this server as a witness of other logs. */
export interface WitnessSource {
  readonly verifier: string;
  addCheckpoint(body: Uint8Array): Promise<{ status: number; type: string; text: string }>;
  checkpoint(originHash: string): Promise<string | null>;
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
}

const NOTHING: Asked = { path: "", query: "", origin: "http://localhost", accept: null };

/** Who watches a server asks for its health without a name, who logs in has none yet, and a code host and a log sign in place of it. */
const OPEN: ReadonlySet<SiteRoute["kind"]> = new Set([
  "live",
  "ready",
  "people",
  "git hook",
  "witness",
] as const);

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
      const people = parsePeople(method, path);
      if (people) return people;
      if (method === "POST" && path === `${WITNESS}add-checkpoint`)
        return { kind: "witness", path: null };
      if (method !== "GET" && method !== "HEAD") return null;
      if (path.startsWith(WITNESS)) return { kind: "witness", path: path.slice(WITNESS.length) };
      if (path.startsWith(LOG)) return { kind: "log", path: path.slice(LOG.length) };
      if (path.startsWith(WHY)) return { kind: "why", purl: path.slice(WHY.length) };
      return Object.hasOwn(ROUTES, path) ? ROUTES[path]! : null;
    },
    access: (route) =>
      route.kind === "api"
        ? route.access
        : {
            // The log names every package of every repository that there ever was.
            action: OPEN.has(route.kind) ? "open" : route.kind === "log" ? "admin" : "read",
            package: null,
          },
    async serve(route, request, grant) {
      const { origin } = request;
      switch (route.kind) {
        case "people":
          return placed(await route.serve(request, grant, deps.people), origin);
        case "api":
          return deps.api.serve(route, request, grant);
        case "home":
          return homePage(readable(grant), await deps.overview(grant), origin, userOf(grant));
        case "repository": {
          const { name } = route;
          permit(grant, name, "read", null);
          const repository = deps.repositories.find((one) => one.name === name)!;
          return repositoryPage(repository, await deps.overview(grant, name), origin);
        }
        case "why":
          return whyPage(await deps.explain(grant, route.purl), origin);
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
          return json(200, { status: "ready", ...(loss && { warnings: [loss.kind] }) });
        }
      }
    },
    problem(problem, { path, query, origin, accept } = NOTHING) {
      if (path.startsWith(API)) return deps.api.problem(problem);
      // A person is shown the way in.
      if (problem.status === 401 && wantsPage("GET", accept))
        return placed(
          redirect(`/-/login?next=${encodeURIComponent(query ? `${path}?${query}` : path)}`),
          origin,
        );
      if (path !== "" && wantsPage("GET", accept)) return problemPage(problem, origin);
      const text = `holdfast: ${problem.message}`;
      if (accept?.includes("json")) return json(problem.status, { error: text });
      return reply(problem.status, "text/plain; charset=utf-8", `${text}\n`, challenge(problem));
    },
  };
}

/** https://c2sp.org/tlog-tiles: what a checkpoint names never changes, and a checkpoint does each second. */
async function logFile(path: string, log: LogSource): Promise<Reply> {
  const [note, cosigned] = [log.note(), log.cosigned()];
  // What witnesses signed is the note, and their lines after it.
  const newest = note !== null && cosigned?.startsWith(note) ? cosigned : note;
  const text = path === "checkpoint" ? newest : path === "key" ? `${log.verifier}\n` : null;
  if (text !== null)
    return reply(200, "text/plain; charset=utf-8", text, { "cache-control": "no-cache" });
  const bytes = await log.tile(path);
  if (!bytes)
    throw new Problem(
      "notFound",
      "The log has checkpoint (once there is a first leaf), key, and the tiles that its checkpoint names; no such file",
    );
  return reply(200, "application/octet-stream", bytes, {
    "cache-control": "max-age=31536000, immutable",
  });
}

/** Of a proof of 63 hashes and a checkpoint with some signatures. */
const SHOWN = 64 * 1024;

async function witnessReply(
  path: string | null,
  request: SiteRequest,
  witness: WitnessSource,
): Promise<Reply> {
  if (path === null) {
    const { status, type, text } = await witness.addCheckpoint(await request.body(SHOWN));
    return reply(status, type, text, { "cache-control": "no-store" });
  }
  const text =
    path === "key"
      ? `${witness.verifier}\n`
      : await witness.checkpoint(path.replace(/\/checkpoint$/, ""));
  if (text === null)
    throw new Problem("notFound", "This server has never signed a checkpoint of that log");
  return reply(200, "text/plain; charset=utf-8", text, { "cache-control": "no-cache" });
}

const TITLES: Partial<Record<ProblemKind, string>> = {
  notFound: "Nothing stands here",
  forbidden: "Not for you",
  internal: "A mistake of this server",
};

/** What is wrong, for people in a browser. */
function problemPage({ kind, message, status }: Problem, origin: string): Reply {
  const title = TITLES[kind] ?? "This did not work";
  const account = kind === "forbidden" ? ' · <a href="/-/account">Your account</a>' : "";
  const home = link(`${new URL(origin).pathname.replace(/\/$/, "")}/`, "Holdfast");
  const body = `<main class="narrow"><h1>${title}</h1><p>${escapeHtml(message)}.</p><p>${home}${account}</p></main>`;
  return placed({ ...page(`${title} · Holdfast`, body), status }, origin);
}

function userOf({ principal }: Grant): string | null {
  return principal.kind === "user" ? principal.name : null;
}

function json(status: number, value: unknown): Reply {
  return reply(status, "application/json", `${JSON.stringify(value)}\n`, {
    "cache-control": "no-store",
  });
}
