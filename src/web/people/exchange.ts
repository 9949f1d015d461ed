// Where CI jobs exchange their identity tokens, at the root of the host: npm, uv and the action that publishes to PyPI look nowhere else.
// npm trusted publishing; the public index's mint-token API; and a plain form for all others.
import { requestJson } from "../../core/answers.ts";
import { Problem } from "../../core/problem.ts";
import { type Reply, reply } from "../../core/reply.ts";
import type { SiteRequest } from "../request.ts";
import type { PeopleDeps } from "./deps.ts";

const LIMIT = { bytes: 64 * 1024, values: 100 };

/** What a token for this server is to be for. Not what the request calls this server: whoever sends one would choose for whom a token may be. */
export function serveAudience({ audience }: PeopleDeps): Reply {
  if (audience !== null) return json(200, { audience });
  return json(404, { message: "This server trusts no CI to publish (trustedPublishers)" });
}

/** Those of the public index; twine reads them. */
const CODES = new Set(["invalid-payload", "invalid-token", "invalid-reuse-token", "not-enabled"]);

/** `POST /_/oidc/mint-token {"token": …}`. */
export async function serveMint(request: SiteRequest, deps: PeopleDeps): Promise<Reply> {
  try {
    const { token } = await bodyOf(request);
    if (typeof token !== "string") throw payload('The body is {"token": …}');
    const wanted = { repositories: deps.repositoriesOf("mint"), package: null };
    const made = await deps.exchange(token, wanted, request.address);
    return json(200, {
      success: true,
      token: made.secret,
      expires: Math.floor((made.expiresAt ?? 0) / 1000),
    });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { kind, message, rule } = error;
    const isTheirs = ["unauthenticated", "forbidden", "badRequest"].includes(kind);
    const code =
      rule && CODES.has(rule) ? rule : kind === "forbidden" ? "invalid-publisher" : "invalid-token";
    return json(isTheirs ? 422 : error.status, {
      message: "Token request failed",
      errors: [{ code: isTheirs ? code : kind, description: message }],
    });
  }
}

/** npm's way without the repository's prefix, which npm drops. */
export function serveNpmExchange(
  name: string,
  request: SiteRequest,
  deps: PeopleDeps,
): Promise<Reply> {
  return told(async () => {
    const [, token = ""] = /^Bearer\s+(\S+)$/i.exec(request.header("authorization") ?? "") ?? [];
    const wanted = { repositories: deps.repositoriesOf("package"), package: name };
    const made = await deps.exchange(token, wanted, request.address);
    return json(201, { token: made.secret });
  });
}

/** `POST /-/oidc/exchange {"token": …, "repository"?: …, "package"?: …}`. */
export function serveExchange(request: SiteRequest, deps: PeopleDeps): Promise<Reply> {
  return told(async () => {
    const { token, repository = null, package: name = null } = await bodyOf(request);
    const isText = (value: unknown) => value === null || typeof value === "string";
    if (typeof token !== "string" || !isText(repository) || !isText(name))
      throw payload(
        'The body is {"token": …, "repository": …, "package": …}; the last two may be left out',
      );
    const repositories = repository === null ? deps.repositoriesOf(null) : [repository as string];
    const wanted = { repositories, package: name as string | null };
    const made = await deps.exchange(token, wanted, request.address);
    const expires = new Date(made.expiresAt ?? 0).toISOString();
    return json(200, { token: made.secret, expires, scope: made.scope });
  });
}

/** As JSON, whatever the client says that it accepts: pnpm shows `message`. */
async function told(work: () => Promise<Reply>): Promise<Reply> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { status, message, rule } = error;
    return json(status, { message, error: message, ...(rule && { code: rule }) });
  }
}

async function bodyOf(request: SiteRequest): Promise<Record<string, unknown>> {
  const value = await requestJson(request, LIMIT);
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw payload("The body is no JSON object");
}

function payload(message: string): Problem {
  return new Problem("badRequest", message, { rule: "invalid-payload" });
}

function json(status: number, value: unknown): Reply {
  return reply(status, "application/json", `${JSON.stringify(value)}\n`, {
    "cache-control": "no-store",
  });
}
