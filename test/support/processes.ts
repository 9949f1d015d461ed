// Connections to a server of two processes, of which it is known which process each leads to.
import { Agent, request } from "node:http";
import type { ServerProcess } from "./process.ts";
import { waitFor } from "./wait.ts";

const PATIENCE_MS = 30_000;

/** A connection that stays open: all its requests are answered by one process. */
export interface Connection {
  agent: Agent;
  process: number;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/** What the server wrote to its log. */
export function linesOf(server: ServerProcess): Record<string, unknown>[] {
  return server
    .output()
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** `server`: as it is when it is asked. `end` ends all connections. */
export function connectionsTo(server: () => ServerProcess) {
  const connections: Connection[] = [];
  let probes = 0;

  function ask(
    { agent }: Pick<Connection, "agent">,
    path: string,
    { method = "GET", headers = {}, body = "" } = {},
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const asked = request(`${server().url}${path}`, { agent, method, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        );
      });
      asked.on("error", reject);
      asked.end(body);
    });
  }

  /** One to each process: the system deals connections out, so that some are opened in vain. */
  async function connectToBoth(): Promise<[first: Connection, second: Connection]> {
    const found = new Map<number, Connection>();
    await waitFor(
      async () => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        const path = `/npm/probe-${++probes}`;
        await ask({ agent }, path);
        const line = () =>
          linesOf(server()).find(({ msg }) => String(msg).startsWith(`GET ${path} `));
        await waitFor(
          () => line() !== undefined,
          () => `${path} is not in the log`,
          PATIENCE_MS,
        );
        const process = Number(line()!["process"] ?? 1);
        const connection = { agent, process };
        connections.push(connection);
        found.set(process, connection);
        return found.size === 2;
      },
      () => "all connections are one process's",
      PATIENCE_MS,
    );
    return [found.get(1)!, found.get(2)!];
  }

  return {
    ask,
    connectToBoth,
    end() {
      for (const { agent } of connections.splice(0)) agent.destroy();
    },
  };
}
