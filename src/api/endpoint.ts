// One route of the API, said once: what it needs, what it takes and gives, and what it does. Checks and the OpenAPI document come from here.
import type { z } from "zod";
import type { Access, Grant } from "../core/grant.ts";
import type { GivenFile } from "../core/hosting.ts";
import { Problem } from "../core/problem.ts";

export type Method = "GET" | "POST" | "PUT" | "DELETE";
type Text = Record<string, string>;

/** A file that came as the body of a request. */
export type SentFile = Omit<GivenFile, "name">;

/** A call, checked by the endpoint's own schemas. */
export interface Call<Query, Body> {
  /** Of the path, decoded. */
  params: Text;
  query: Query;
  body: Body;
  /** Of an endpoint that takes one. */
  file: SentFile;
  grant: Grant;
}

/** What an endpoint answers. */
export interface Answer<Result> {
  status?: number;
  headers?: Record<string, string>;
  /** Undefined: no body. */
  body?: Result;
}

export interface Endpoint<Query = unknown, Body = unknown, Result = unknown> {
  method: Method;
  /** From `/-/api/v1` on: "/users/{user}". A part in braces takes any text without a slash, percent-encoded. */
  path: string;
  /** One line, without a final period. */
  summary: string;
  /** The command that does the same. */
  command?: string;
  tag: string;
  access(params: Text): Access;
  /** Of text, as a query has it. */
  query?: z.ZodType<Query>;
  body?: z.ZodType<Body>;
  /** Bytes of the body at most; a megabyte without it. */
  limit?: number;
  /** Takes a file as it is, of any size, in place of a body of JSON. */
  takesFile?: true;
  /** The status of success. */
  status: 200 | 201 | 202 | 204;
  /** What it gives then; none with 204. */
  result?: z.ZodType<Result>;
  /** Makes something anew each time: clients may say `Idempotency-Key` and ask again. */
  makes?: true;
  run(call: Call<Query, Body>): Promise<Result> | Result;
}

/** With the types of its schemas in `run`. */
export function endpoint<Query, Body, Result>(one: Endpoint<Query, Body, Result>): Endpoint {
  return one as unknown as Endpoint;
}

/** For who administers all of the server. */
export const ofServer = (): Access => ({ action: "admin", package: null });
/** For everybody who may read anything. */
export const ofReaders = (): Access => ({ action: "read", package: null });

/** One mistake in what a client sent. */
export interface Mistake {
  /** "body.name", "query.limit" */
  field: string;
  detail: string;
}

/** What a client sent is not what the endpoint takes. */
export class WrongFields extends Problem {
  readonly mistakes: readonly Mistake[];
  constructor(mistakes: readonly Mistake[]) {
    const first = mistakes[0];
    super("badRequest", first ? `${first.field}: ${first.detail}` : "The request is not right");
    this.mistakes = mistakes;
  }
}
