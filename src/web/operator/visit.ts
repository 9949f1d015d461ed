// What an operator's page is made with: what was asked, and the API, which it shows and whose checks are its own.
import type { Grant } from "../../core/grant.ts";
import { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import type { ReadSeries } from "../../core/series.ts";
import type { PeopleDeps } from "../people/deps.ts";
import { readForm, readUpload, redirect } from "../people/forms.ts";
import type { PageRequest } from "../request.ts";

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** The API without HTTP between: `path` from `/-/api/v1` on. Throws the Problems that it would answer. */
export type CallApi = (
  method: Method,
  path: string,
  sent: { query?: Readonly<Record<string, string>>; body?: unknown },
  grant: Grant,
) => Promise<unknown>;

export interface OperatorDeps {
  call: CallApi;
  people: PeopleDeps;
  /** As the API's `/series` shows it. */
  series: ReadSeries;
  now(): number;
}

/** One request for a page of the operator. */
export interface Visit {
  readonly request: PageRequest;
  readonly query: URLSearchParams;
  /** Of the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly now: number;
  readonly series: ReadSeries;
  /** `T`: as the endpoint's schema says (docs/api.md). Fields of the query that are empty are left out. */
  get<T>(path: string, query?: Readonly<Record<string, string | null | undefined>>): Promise<T>;
  send<T>(
    method: Exclude<Method, "GET">,
    path: string,
    body?: unknown,
    query?: Readonly<Record<string, string>>,
  ): Promise<T>;
  /** Whether who sits there logged in lately, which making something takes that outlives the session. */
  isFresh(): Promise<boolean>;
  /** Keeps what the next page shows once, and returns the key that `shown` takes. */
  keep(text: string): Promise<string>;
  /** What was kept under the key that the query has by this name, for this page alone; null without one. */
  shown(name: string): Promise<string | null>;
  /** Throws Problem("forbidden") for what another site sent. */
  form(): Promise<URLSearchParams>;
  /** The same of a form that brings a file along. */
  upload(limit: number): Promise<FormData>;
}

export type Serve = (visit: Visit) => Promise<Reply>;

export function visitOf(
  request: PageRequest,
  params: Readonly<Record<string, string>>,
  grant: Grant,
  { call, people, series, now }: OperatorDeps,
): Visit {
  let sent: Promise<URLSearchParams> | null = null;
  return {
    request,
    params,
    series,
    query: new URLSearchParams(request.query),
    now: now(),
    async get<T>(path: string, query: Readonly<Record<string, string | null | undefined>> = {}) {
      const given = Object.entries(query).filter(([, value]) => value);
      const sent = { query: Object.fromEntries(given) as Record<string, string> };
      return (await call("GET", path, sent, grant)) as T;
    },
    send: async <T>(
      method: Method,
      path: string,
      body?: unknown,
      query: Readonly<Record<string, string>> = {},
    ) => (await call(method, path, { body, query }, grant)) as T,
    isFresh: () => people.isFresh(request),
    keep: (text) => people.once.put(request.reader.user ?? "", text),
    async shown(name) {
      const key = new URLSearchParams(request.query).get(name);
      if (key === null || request.method !== "GET") return null;
      return people.once.take(request.reader.user ?? "", key);
    },
    form() {
      sent ??= readForm(request, people);
      return sent;
    },
    upload: (limit) => readUpload(request, people, limit),
  };
}

/** What is wrong with what was asked for; anything else is a bug, and thrown on. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  throw error;
}

/** A page with a form: what was sent is done, and the browser led to a page that can be loaded again; what went wrong is told on the page itself. */
export function formPage(
  show: (visit: Visit, wrong: Problem | null) => Promise<Reply>,
  act: (visit: Visit, form: URLSearchParams) => Promise<string>,
): Serve {
  return async (visit) => {
    if (visit.request.method !== "POST") return show(visit, null);
    const form = await visit.form();
    try {
      return redirect(await act(visit, form));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return { ...(await show(visit, error)), status: error.status };
    }
  };
}

/** Parts of a path for the API. */
export function pathOf(texts: TemplateStringsArray, ...parts: readonly string[]): string {
  return texts.reduce((whole, text, at) => whole + encodeURIComponent(parts[at - 1]!) + text);
}

/** A page's own path with a query; what is empty is left out. */
export function address(path: string, query: Readonly<Record<string, string | null>>): string {
  const given = Object.entries(query).filter((one): one is [string, string] => Boolean(one[1]));
  const text = new URLSearchParams(given).toString();
  return text ? `${path}?${text}` : path;
}
