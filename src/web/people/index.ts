// The pages about people, and the places where jobs exchange their tokens: with the verbs of the site. All of them are for everybody: each asks for itself
// who is there.
import type { Grant } from "../../core/grant.ts";
import type { Reply } from "../../core/reply.ts";
import type { PageRequest } from "../request.ts";
import { serveAccount } from "./account.ts";
import { serveApproval } from "./approve.ts";
import type { PeopleDeps } from "./deps.ts";
import { serveAudience, serveExchange, serveMint, serveNpmExchange } from "./exchange.ts";
import { serveInvitation } from "./invitation.ts";
import { serveDeparture, serveLogin, serveLogout, serveReturn, serveSetup } from "./login.ts";

export interface PeopleRoute {
  kind: "people";
  serve(request: PageRequest, grant: Grant, deps: PeopleDeps): Promise<Reply>;
}

type Serve = PeopleRoute["serve"];

const BOTH = ["GET", "HEAD", "POST"];
const PAGES: Readonly<Record<string, { methods: string[]; serve: Serve }>> = {
  "/-/login": { methods: BOTH, serve: (request, _, deps) => serveLogin(request, deps) },
  "/-/login/oidc": { methods: ["GET"], serve: (request, _, deps) => serveDeparture(request, deps) },
  "/-/login/oidc/done": {
    methods: ["GET"],
    serve: (request, _, deps) => serveReturn(request, deps),
  },
  "/-/logout": { methods: ["POST"], serve: (request, _, deps) => serveLogout(request, deps) },
  "/-/setup": { methods: BOTH, serve: (request, _, deps) => serveSetup(request, deps) },
  "/-/invitation": {
    methods: BOTH,
    serve: (request, _, deps) => serveInvitation(request, deps),
  },
  "/-/account": { methods: BOTH, serve: serveAccount },
  "/-/oidc/exchange": {
    methods: ["POST"],
    serve: (request, _, deps) => serveExchange(request, deps),
  },
  "/_/oidc/audience": {
    methods: ["GET"],
    serve: async (_request, _, deps) => serveAudience(deps),
  },
  "/_/oidc/mint-token": {
    methods: ["POST"],
    serve: (request, _, deps) => serveMint(request, deps),
  },
  "/_/oidc/github/mint-token": {
    methods: ["POST"],
    serve: (request, _, deps) => serveMint(request, deps),
  },
};
const APPROVAL = /^\/-\/login\/([\w-]{16,64})$/;
const NPM = /^\/-\/npm\/v1\/oidc\/token\/exchange\/package\/(.+)$/;

/** Null for what is none of these; never throws. */
export function parsePeople(method: string, path: string): PeopleRoute | null {
  const page = Object.hasOwn(PAGES, path) ? PAGES[path]! : null;
  if (page) return page.methods.includes(method) ? { kind: "people", serve: page.serve } : null;
  const [, id] = APPROVAL.exec(path) ?? [];
  if (id !== undefined && BOTH.includes(method))
    return {
      kind: "people",
      serve: (request, grant, deps) => serveApproval(id, request, grant, deps),
    };
  const [, encoded] = NPM.exec(path) ?? [];
  const name = encoded === undefined || method !== "POST" ? null : decoded(encoded);
  if (name === null) return null;
  return { kind: "people", serve: (request, _, deps) => serveNpmExchange(name, request, deps) };
}

function decoded(text: string): string | null {
  try {
    const name = decodeURIComponent(text);
    return name.length <= 214 && /^(@[\w.~-]+\/)?[\w.~-]+$/.test(name) ? name : null;
  } catch {
    return null;
  }
}
