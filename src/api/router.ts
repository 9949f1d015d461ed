// From a request to an endpoint and back: the path, what it takes checked, what it gives as JSON.
import type { z } from "zod";
import type { Access, Grant } from "../core/grant.ts";
import { Problem } from "../core/problem.ts";
import { type Reply, reply } from "../core/reply.ts";
import type { Endpoint } from "./endpoint.ts";
import { type Mistake, type SentFile, WrongFields } from "./endpoint.ts";
import type { Retries } from "./retries.ts";

const BODY_LIMIT = 1024 * 1024;
/** So many of one kind are told. */
const MISTAKES = 20;
/** Of a file. A repository has a smaller limit of its own. */
const FILE_LIMIT = 5 * 2 ** 30;

export interface Route {
  kind: "api";
  access: Access;
  /** Null for a path that is there, with a method that is not. */
  endpoint: Endpoint | null;
  params: Record<string, string>;
  methods: readonly string[];
}

/** As the site's. */
export interface ApiRequest {
  readonly method: string;
  readonly query: string;
  readonly origin: string;
  readonly address: string;
  header(name: string): string | null;
  body(limit: number): Promise<Uint8Array>;
  stream(limit: number): AsyncIterable<Uint8Array>;
}

/** The routes of these endpoints; `path` from `/-/api/v1` on. Null when there is none. */
export function createParse(endpoints: readonly Endpoint[]) {
  const known = endpoints.map((endpoint) => ({ endpoint, parts: endpoint.path.split("/") }));
  return (method: string, path: string): Route | null => {
    const wanted = method === "HEAD" ? "GET" : method;
    const parts = path.split("/");
    const fitting = known.flatMap(({ endpoint, parts: form }) => {
      const params = paramsOf(form, parts);
      return params ? [{ endpoint, params }] : [];
    });
    if (fitting.length === 0) return null;
    const found = fitting.find(({ endpoint }) => endpoint.method === wanted);
    const { endpoint, params } = found ?? fitting[0]!;
    return {
      kind: "api",
      access: endpoint.access(params),
      endpoint: found ? endpoint : null,
      params,
      methods: fitting.map(({ endpoint }) => endpoint.method),
    };
  };
}

function paramsOf(form: string[], parts: string[]): Record<string, string> | null {
  if (form.length !== parts.length) return null;
  const params: Record<string, string> = {};
  for (const [at, part] of form.entries()) {
    const given = parts[at]!;
    if (!part.startsWith("{")) {
      if (part !== given) return null;
      continue;
    }
    const text = decoded(given);
    if (!text) return null;
    params[part.slice(1, -1)] = text;
  }
  return params;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null; // bytes that are no UTF-8
  }
}

export async function serveEndpoint(
  { endpoint, params, methods }: Route,
  request: ApiRequest,
  grant: Grant,
  retries: Retries,
): Promise<Reply> {
  if (!endpoint)
    throw new Problem("methodNotAllowed", `This path takes ${[...new Set(methods)].join(", ")}`);
  const { query, bytes } = await read(endpoint, request);
  const make = async () => {
    const body = endpoint.body ? check(endpoint.body, "body", parseJson(bytes)) : undefined;
    const result = await endpoint.run({
      params,
      query,
      body,
      file: sentFile(endpoint, request),
      grant,
    });
    return endpoint.result
      ? json(endpoint.status, result)
      : { status: endpoint.status, headers: NO_STORE, body: null };
  };
  const key = endpoint.makes ? request.header("idempotency-key") : null;
  if (key === null) return make();
  const { kind, name, token } = grant.principal;
  const caller = `${kind}:${name}:${token?.id ?? ""}`;
  const what = `${endpoint.method} ${endpoint.path} ${JSON.stringify(params)}`;
  return retries.once({ caller, key, what, body: bytes }, make);
}

/** As over HTTP, without it. Throws WrongFields. */
export async function callEndpoint(
  { endpoint, params }: Route,
  { query = {}, body = {} }: { query?: Readonly<Record<string, string>>; body?: unknown },
  grant: Grant,
): Promise<unknown> {
  return endpoint!.run({
    params,
    query: endpoint!.query ? check(endpoint!.query, "query", query) : {},
    body: endpoint!.body ? check(endpoint!.body, "body", body) : undefined,
    file: { size: null, chunks: nothing() },
    grant,
  });
}

async function read(endpoint: Endpoint, request: ApiRequest) {
  const asked = Object.fromEntries(new URLSearchParams(request.query));
  const query = endpoint.query ? check(endpoint.query, "query", asked) : {};
  if (!endpoint.body) return { query, bytes: new Uint8Array() };
  // A form of another site's page can send no JSON, whoever is logged in.
  const type = (request.header("content-type") ?? "").split(";", 1)[0]!.trim().toLowerCase();
  if (type !== "application/json")
    throw new Problem("badRequest", "The body must be JSON: content-type: application/json");
  return { query, bytes: await request.body(endpoint.limit ?? BODY_LIMIT) };
}

/** A form of another site's page can send a file too, whoever is logged in, but only by POST: no endpoint takes one so. */
function sentFile({ takesFile }: Endpoint, request: ApiRequest): SentFile {
  const length = Number(request.header("content-length") ?? Number.NaN);
  const size = takesFile && Number.isSafeInteger(length) ? length : null;
  return { size, chunks: takesFile ? request.stream(FILE_LIMIT) : nothing() };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    const detail =
      error instanceof SyntaxError
        ? `is no JSON: ${error.message}`
        : "is not UTF-8, as JSON must be";
    throw new WrongFields([{ field: "body", detail }]);
  }
}

/** Throws WrongFields with every mistake. */
function check(schema: z.ZodType, where: "query" | "body", value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) {
    const nuls = placesOfNul(where, parsed.data).take(MISTAKES);
    const told = [...nuls].map((field) => ({ field, detail: "holds a NUL" }));
    if (told.length > 0) throw new WrongFields(told);
    return parsed.data;
  }
  throw new WrongFields(
    parsed.error.issues.flatMap((issue): Mistake[] => {
      const field = (...more: string[]) => [where, ...issue.path, ...more].join(".");
      if (issue.code !== "unrecognized_keys") return [{ field: field(), detail: issue.message }];
      return issue.keys.map((key) => ({ field: field(key), detail: "there is no such field" }));
    }),
  );
}

/** Nothing here is called so, and PostgreSQL fails at one. Of what a schema has let through: that has no more fields, and is no deeper, than the schema. */
function* placesOfNul(field: string, value: unknown): Generator<string> {
  if (typeof value === "string" && value.includes("\0")) yield field;
  if (typeof value !== "object" || value === null) return;
  for (const [key, one] of Object.entries(value)) {
    if (key.includes("\0")) yield field;
    else yield* placesOfNul(`${field}.${key}`, one);
  }
}

const NO_STORE = { "cache-control": "no-store" };

export function json(status: number, value: unknown): Reply {
  return reply(status, "application/json", `${JSON.stringify(value)}\n`, NO_STORE);
}
