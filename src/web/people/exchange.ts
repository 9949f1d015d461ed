// Where CI jobs exchange their identity tokens, at the root of the host: npm, uv and the action that publishes to PyPI look nowhere else.
// npm trusted publishing; the public index's mint-token API; and a plain form for all others.
import { Problem } from "../../core/problem.ts";
import { type Reply, reply } from "../../core/reply.ts";
import type { SiteRequest } from "../request.ts";
import type { PeopleDeps } from "./deps.ts";

const LIMIT = 64 * 1024;

/** What a token for this server is for, where its configuration does not say: the host, as its clients see it. */
export function serveAudience({ origin }: SiteRequest): Reply {
  return json(200, { audience: new URL(origin).hostname });
}

/** `POST /_/oidc/mint-token {"token": …}`. */
export async function serveMint(request: SiteRequest, deps: PeopleDeps): Promise<Reply> {
  try {
    const { token } = await bodyOf(request);
    if (typeof token !== "string")
      throw new Problem("badRequest", 'The body is {"token": …}', { rule: "invalid-payload" });
    const wanted = { repository: null, package: null };
    const made = await deps.exchange(
      token,
      wanted,
      [new URL(request.origin).hostname],
      request.address,
    );
    return json(200, {
      success: true,
      token: made.secret,
      expires: Math.floor((made.expiresAt ?? 0) / 1000),
    });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const code = error.rule ?? "invalid-token";
    const status = ["unreachable", "offline"].includes(error.kind) ? error.status : 422;
    return json(status, {
      message: "Token request failed",
      errors: [{ code, description: error.message }],
    });
  }
}

/** npm's way without the repository's prefix, which npm drops. */
export async function serveNpmExchange(
  name: string,
  request: SiteRequest,
  deps: PeopleDeps,
): Promise<Reply> {
  const [, token = ""] = /^Bearer\s+(\S+)$/i.exec(request.header("authorization") ?? "") ?? [];
  const { hostname, host } = new URL(request.origin);
  const audiences = [...new Set([`npm:${hostname}`, `npm:${host}`])];
  const made = await deps.exchange(
    token,
    { repository: null, package: name },
    audiences,
    request.address,
  );
  return json(201, { token: made.secret });
}

/** `POST /-/oidc/exchange {"token": …, "repository"?: …, "package"?: …}`. */
export async function serveExchange(request: SiteRequest, deps: PeopleDeps): Promise<Reply> {
  const { token, repository = null, package: name = null } = await bodyOf(request);
  const isText = (value: unknown) => value === null || typeof value === "string";
  if (typeof token !== "string" || !isText(repository) || !isText(name))
    throw new Problem(
      "badRequest",
      'The body is {"token": …, "repository": …, "package": …}; the last two may be left out',
    );
  const wanted = { repository: repository as string | null, package: name as string | null };
  const made = await deps.exchange(
    token,
    wanted,
    [new URL(request.origin).hostname],
    request.address,
  );
  return json(200, {
    token: made.secret,
    expires: new Date(made.expiresAt ?? 0).toISOString(),
    scope: made.scope,
  });
}

async function bodyOf(request: SiteRequest): Promise<Record<string, unknown>> {
  try {
    const value = JSON.parse(Buffer.from(await request.body(LIMIT)).toString("utf8"));
    if (typeof value === "object" && value !== null) return value;
  } catch (error) {
    if (error instanceof Problem) throw error;
  }
  throw new Problem("badRequest", "The body is no JSON object", { rule: "invalid-payload" });
}

function json(status: number, value: unknown): Reply {
  return reply(status, "application/json", `${JSON.stringify(value)}\n`, {
    "cache-control": "no-store",
  });
}
