// `/-/api/v1/…` and `/-/api/openapi.json`: everything that commands do, over HTTP. With the verbs of the site.
import { z } from "zod";
import { type Grant, permit } from "../core/grant.ts";
import { Problem } from "../core/problem.ts";
import type { Reply } from "../core/reply.ts";
import { abandonEndpoints } from "./abandon.ts";
import { advisoryEndpoints } from "./advisories.ts";
import { alarmEndpoints } from "./alarms.ts";
import { backupEndpoints } from "./backups.ts";
import { canaryEndpoints } from "./canaries.ts";
import { catalogEndpoints } from "./catalog.ts";
import type { ApiDeps } from "./deps.ts";
import { diskEndpoints } from "./disk.ts";
import { type Endpoint, endpoint, type Method } from "./endpoint.ts";
import { eventEndpoints } from "./events.ts";
import { fetchedEndpoints } from "./fetched.ts";
import { followEndpoints } from "./follow.ts";
import { grantEndpoints } from "./grants.ts";
import { hookEndpoints } from "./hooks.ts";
import { invitationEndpoints } from "./invitations.ts";
import { ledgerEndpoints } from "./ledger.ts";
import { openApi } from "./openapi.ts";
import { operationEndpoints } from "./operations.ts";
import { packageEndpoints } from "./packages.ts";
import { policyEndpoints } from "./policy.ts";
import { problemReply } from "./problem.ts";
import { publishEndpoints } from "./publish.ts";
import { readinessEndpoints } from "./readiness.ts";
import { recordEndpoints } from "./records.ts";
import { repositoryEndpoints } from "./repositories.ts";
import { type ApiRequest, callEndpoint, createParse, type Route, serveEndpoint } from "./router.ts";
import { seriesEndpoints } from "./series.ts";
import { settingEndpoints } from "./settings.ts";
import { stateEndpoints } from "./state.ts";
import { userEndpoints } from "./users.ts";
import { withheldEndpoints } from "./withheld.ts";

const V1 = "/-/api/v1";
const DOCUMENT = "/-/api/openapi.json";

export interface ApiRoom {
  readonly endpoints: readonly Endpoint[];
  /** `path`: from the root. Null when there is no such route; never throws. */
  parse(method: string, path: string): Route | null;
  serve(route: { kind: "api" }, request: ApiRequest, grant: Grant): Promise<Reply>;
  problem(problem: Problem): Reply;
  /** What an endpoint answers, for a page that shows it: with the same checks. `path` from `/-/api/v1` on. Throws Problems. */
  call(method: Method, path: string, sent: Sent, grant: Grant): Promise<unknown>;
}

interface Sent {
  query?: Readonly<Record<string, string>>;
  body?: unknown;
}

export function endpointsOf(deps: ApiDeps): Endpoint[] {
  return [
    whoAmI,
    ...repositoryEndpoints(deps),
    ...settingEndpoints(deps),
    ...packageEndpoints(deps),
    ...catalogEndpoints(deps),
    ...policyEndpoints(deps),
    ...advisoryEndpoints(deps),
    ...publishEndpoints(deps),
    ...abandonEndpoints(deps),
    ...userEndpoints(deps),
    ...invitationEndpoints(deps),
    ...grantEndpoints(deps),
    ...recordEndpoints(deps),
    ...eventEndpoints(deps),
    ...fetchedEndpoints(deps),
    ...withheldEndpoints(deps),
    ...hookEndpoints(deps),
    ...operationEndpoints(deps),
    ...diskEndpoints(deps),
    ...backupEndpoints(deps),
    ...ledgerEndpoints(deps),
    ...followEndpoints(deps),
    ...canaryEndpoints(deps),
    ...stateEndpoints(deps),
    ...readinessEndpoints(deps),
    ...seriesEndpoints(deps),
    ...alarmEndpoints(deps),
  ];
}

export function createApi(deps: ApiDeps): ApiRoom {
  const endpoints = endpointsOf(deps);
  const parse = createParse(endpoints);
  const document: Endpoint = {
    method: "GET",
    path: DOCUMENT,
    summary: "This document",
    tag: "server",
    access: () => ({ action: "open", package: null }),
    status: 200,
    result: z.unknown(),
    run: () => openApi(endpoints, deps.version),
  };
  const parseDocument = createParse([document]);
  return {
    endpoints,
    parse: (method, path) =>
      path.startsWith(`${V1}/`)
        ? parse(method, path.slice(V1.length))
        : parseDocument(method, path),
    serve: (route, request, grant) => serveEndpoint(route as Route, request, grant, deps.retries),
    problem: problemReply,
    async call(method, path, sent, grant) {
      const route = parse(method, path);
      if (!route?.endpoint) throw new Problem("notFound", `The API has no ${method} ${path}`);
      const { action, package: name, repository = null } = route.access;
      permit(grant, repository, action, name);
      return callEndpoint(route, sent, grant);
    },
  };
}

const whoAmI = endpoint({
  method: "GET",
  path: "/me",
  summary: "Who the caller is",
  tag: "server",
  access: () => ({ action: "open", package: null }),
  status: 200,
  result: z.object({
    kind: z.string(),
    name: z.string(),
    token: z.string().nullable().describe("What the token is called that came"),
    isAdmin: z.boolean().describe("May do everything"),
    fault: z.string().nullable().describe("What is wrong with what came to log in with"),
  }),
  run: ({ grant: { principal, fault, may } }) => ({
    kind: principal.kind,
    name: principal.name,
    token: principal.token?.name ?? null,
    isAdmin: may(null, "admin", null),
    fault,
  }),
});
