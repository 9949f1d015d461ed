// What one process of a server has another one answer: passed on as it is, over a socket file in the data directory.
import { join } from "node:path";
import { type Incoming, PASSED } from "./incoming.ts";

export interface Passing {
  wants(incoming: Incoming): boolean;
  /** The other's answer, or 503 where there is none. */
  pass(request: Request, incoming: Incoming): Promise<Response>;
}

/** Which repository stands at the root where the request came in; without it none does. */
export const PASSED_FOR = "x-holdfast-repository";
/** Of one connection; or what is sent anew. RFC 9110 §7.6.1 */
const OF_A_CONNECTION = ["connection", "keep-alive", "transfer-encoding", "upgrade", "te"];

/** Where the first process of a data directory takes what others pass on. */
export function passedSocket(data: string): string {
  return join(data, "processes.sock");
}

export function createPassing(
  socket: string,
  only: string | undefined,
  wants: (incoming: Incoming) => boolean,
): Passing {
  return {
    wants,
    async pass(request, incoming) {
      const headers = new Headers(request.headers);
      for (const name of OF_A_CONNECTION) headers.delete(name);
      headers.set(PASSED.origin, incoming.origin);
      headers.set(PASSED.address, incoming.address);
      if (only === undefined) headers.delete(PASSED_FOR);
      else headers.set(PASSED_FOR, only);
      const { path, query, method } = incoming;
      let answer: Response;
      try {
        answer = await fetch(`http://localhost${path}${query && `?${query}`}`, {
          ...{ unix: socket, method, headers, redirect: "manual", signal: request.signal },
          ...(method !== "GET" && method !== "HEAD" && { body: request.body }),
          // It comes as it is to be sent.
          ...{ decompress: false, timeout: false },
        } as RequestInit);
      } catch {
        return new Response("The first process of this server does not answer\n", {
          status: 503,
          headers: { "retry-after": "1", "content-type": "text/plain" },
        });
      }
      const sent = new Headers(answer.headers);
      for (const name of OF_A_CONNECTION) sent.delete(name);
      return new Response(answer.body, { status: answer.status, headers: sent });
    },
  };
}
