// The operator's pages, with the verbs of the site.
import type { Grant } from "../../core/grant.ts";
import type { Reply } from "../../core/reply.ts";
import type { PageRequest } from "../request.ts";
import { serveGrants, serveTeams, serveTokens, serveUsers } from "./accounts/list.ts";
import { serveTake } from "./accounts/take.ts";
import { serveTeam } from "./accounts/team.ts";
import { serveUser } from "./accounts/user.ts";
import { serveAlarms } from "./alarms.ts";
import { serveAudit } from "./audit.ts";
import { serveBack } from "./back.ts";
import { serveCanaries } from "./canaries.ts";
import { serveDecide } from "./decide.ts";
import { serveDisk } from "./disk.ts";
import { serveEvent, serveEvents } from "./events.ts";
import { serveAffected, serveFetches, serveFetchesFile } from "./fetches.ts";
import { serveHook, serveHooks } from "./hooks.ts";
import { serveFeeds, serveJobs } from "./jobs.ts";
import { serveOperation } from "./operations.ts";
import { serveOverview } from "./overview.ts";
import { serveReadiness } from "./readiness.ts";
import { serveRepositories } from "./repositories.ts";
import { serveRepository, serveSettings } from "./settings.ts";
import { serveTrash } from "./trash.ts";
import { type OperatorDeps, type Serve, visitOf } from "./visit.ts";
import { serveWithheld } from "./withheld.ts";

export interface OperatorRoute {
  kind: "operator";
  /** Of the server as a whole. What such a page shows and does is asked of the API for its caller, which knows better. */
  action: "read" | "admin";
  serve(request: PageRequest, grant: Grant, deps: OperatorDeps): Promise<Reply>;
}

const GET = ["GET", "HEAD"];
const BOTH = [...GET, "POST"];
/** A part in braces takes any text without a slash. */
const OPERATOR_PAGES: Readonly<
  Record<string, { methods: string[]; serve: Serve; isForReaders?: true }>
> = {
  "/-/operator": { methods: GET, serve: serveOverview },
  "/-/operator/withheld": { methods: GET, serve: serveWithheld },
  "/-/operator/withheld/back": { methods: BOTH, serve: serveBack },
  "/-/operator/withheld/decide": { methods: BOTH, serve: serveDecide },
  "/-/operator/events": { methods: GET, serve: serveEvents },
  "/-/operator/events/{event}": { methods: BOTH, serve: serveEvent },
  "/-/operator/fetches": { methods: GET, serve: serveFetches },
  "/-/operator/fetches.csv": { methods: GET, serve: serveFetchesFile },
  "/-/operator/affected": { methods: GET, serve: serveAffected },
  "/-/operator/operations/{operation}": { methods: BOTH, serve: serveOperation },
  "/-/operator/alarms": { methods: BOTH, serve: serveAlarms },
  "/-/operator/disk": { methods: BOTH, serve: serveDisk },
  "/-/operator/feeds": { methods: BOTH, serve: serveFeeds },
  "/-/operator/canaries": { methods: BOTH, serve: serveCanaries },
  "/-/operator/jobs": { methods: BOTH, serve: serveJobs },
  "/-/operator/hooks": { methods: BOTH, serve: serveHooks },
  "/-/operator/hooks/{hook}": { methods: BOTH, serve: serveHook },
  "/-/operator/accounts": { methods: BOTH, serve: serveUsers },
  "/-/operator/accounts/users/{user}": { methods: BOTH, serve: serveUser },
  "/-/operator/accounts/teams": { methods: BOTH, serve: serveTeams },
  "/-/operator/accounts/teams/{team}": { methods: BOTH, serve: serveTeam },
  "/-/operator/accounts/grants": { methods: BOTH, serve: serveGrants },
  "/-/operator/accounts/tokens": { methods: GET, serve: serveTokens },
  "/-/operator/accounts/take": { methods: BOTH, serve: serveTake },
  "/-/operator/trash": { methods: BOTH, serve: serveTrash },
  "/-/operator/repositories": { methods: BOTH, serve: serveRepositories },
  "/-/operator/repositories/{repository}": { methods: GET, serve: serveRepository },
  "/-/operator/settings": { methods: GET, serve: serveSettings },
  "/-/operator/audit": { methods: GET, serve: serveAudit },
  "/-/readiness": { methods: BOTH, serve: serveReadiness, isForReaders: true },
};

const KNOWN = Object.entries(OPERATOR_PAGES).map(([path, page]) => ({
  ...page,
  names: [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!),
  form: new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "([^/]+)")}$`),
}));

/** Null for what is none of these; never throws. */
export function parseOperator(method: string, path: string): OperatorRoute | null {
  for (const { methods, serve, names, form, isForReaders } of KNOWN) {
    const found = form.exec(path);
    if (!found || !methods.includes(method)) continue;
    const texts = found.slice(1).map(decoded);
    if (texts.includes(null)) return null;
    const params = Object.fromEntries(names.map((name, at) => [name, texts[at]!]));
    return {
      kind: "operator",
      action: isForReaders ? "read" : "admin",
      serve: (request, grant, deps) => serve(visitOf(request, params, grant, deps)),
    };
  }
  return null;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
