// Requests that repeat: a reply that was given a moment ago to the same request is given again with nothing looked up.
import { MEMORABLE } from "../core/memo.ts";
import type { Reply } from "../core/reply.ts";
import type { RecordAlike } from "./accesslog.ts";
import type { Incoming } from "./server.ts";

/** What a route looks at besides the request (the generation in service, another document) may change: bounded by this. */
const LIFE_MS = 1_000;

export interface Repeated {
  reply: Reply;
  repository: string;
}

/** What is found again, and how that is recorded: put here by who does, once for all. */
export interface Found extends Repeated {
  record: RecordAlike | null;
}

export interface Entry extends Found {
  origin: string;
  /** The headers that were looked at, and what they were. */
  headers: (readonly [name: string, value: string | null])[];
  until: number;
}

/** `audience`: of the caller's grant. Nobody gets a reply that was made for others. */
export interface Repeats {
  /** The reply to a request like this one, when that is still what it would get. */
  find(incoming: Incoming, only: string | undefined, audience: string): Found | null;
  /** The request to serve from, which notes what is looked at; and `keep`, to be told what came of it. */
  note(
    incoming: Incoming,
    only: string | undefined,
    audience: string,
  ): { incoming: Incoming; keep(found: Repeated): void };
}

export function createRepeats(
  now: () => number,
  entries: {
    get(key: string): Entry | undefined;
    set(key: string, entry: Entry, weight: number): void;
  },
): Repeats {
  const keyOf = ({ path }: Incoming, only: string | undefined, audience: string) =>
    only === undefined && audience === "" ? path : `${only ?? ""} ${audience} ${path}`;
  const mayRepeat = ({ method, query }: Incoming) => method === "GET" && query === "";

  return {
    find(incoming, only, audience) {
      if (!mayRepeat(incoming)) return null;
      const found = entries.get(keyOf(incoming, only, audience));
      if (!found || found.origin !== incoming.origin) return null;
      for (let at = 0; at < found.headers.length; at++)
        if (incoming.header(found.headers[at]![0]) !== found.headers[at]![1]) return null;
      return now() < found.until && found.reply.isCurrent!() ? found : null;
    },
    note(incoming, only, audience) {
      if (!mayRepeat(incoming)) return { incoming, keep() {} };
      const headers: [string, string | null][] = [];
      let isForOne = false;
      const { method, path, query, origin, address } = incoming;
      const noting: Incoming = {
        method,
        path,
        query,
        origin,
        address,
        body: (limit) => incoming.body(limit),
        stream: (limit) => incoming.stream(limit),
        get client() {
          isForOne = true; // the reply, or what it leaves behind, is for this connection
          return incoming.client;
        },
        header(name) {
          const value = incoming.header(name);
          headers.push([name, value]);
          return value;
        },
      };
      return {
        incoming: noting,
        keep({ reply, repository }) {
          if (!reply.isShared || !reply.isCurrent || isForOne) return;
          if (headers.some(([, value]) => value !== null && value.length > MEMORABLE)) return;
          const until = now() + LIFE_MS;
          entries.set(
            keyOf(incoming, only, audience),
            { reply, repository, record: null, origin, headers, until },
            1,
          );
        },
      };
    },
  };
}
