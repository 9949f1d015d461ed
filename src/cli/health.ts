// `holdfast health`: whether the server answers, for what watches over it: a container's health check, a script.
import type { FormatOptions } from "../config/schema.ts";
import { type Address, formatAddress, socketPath } from "../config/values.ts";
import type { Command } from "./arguments.ts";
import { configFrom, configOptions } from "./options.ts";

const PATIENCE_MS = 5000;

export function healthCommand({ formats }: { formats: readonly FormatOptions[] }): Command {
  return {
    name: "health",
    summary: "Ask the server on this machine whether it is ready",
    options: {
      config: configOptions.config,
      data: configOptions.data,
      listen: configOptions.listen,
    },
    details: `Asks /-/health/ready where the server listens, by the same configuration. Exit code 0 when it is ready, 1 when it is not or
nobody answers.`,
    examples: [["health", 'In a Dockerfile: HEALTHCHECK CMD ["holdfast", "health"]']],
    async run(given, terminal) {
      const { listen, tls } = configFrom(given, formats, terminal);
      const where = formatAddress(listen);
      try {
        const answer = await ask(listen, tls !== null);
        const text = (await answer.text()).trim();
        if (answer.ok) terminal.out(`${where}: ${text || "ready"}\n`);
        else terminal.err(`${where} answers ${answer.status}: ${text}\n`);
        return answer.ok ? 0 : 1;
      } catch (error) {
        terminal.err(`${where} does not answer: ${(error as Error).message}\n`);
        return 1;
      }
    },
  };
}

function ask({ host, port }: Address, isSecure: boolean): Promise<Response> {
  const unix = socketPath(host);
  // "All addresses" is none to ask.
  const own = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  const origin = `${isSecure ? "https" : "http"}://${formatAddress({ host: own, port })}`;
  return fetch(`${unix === null ? origin : "http://localhost"}/-/health/ready`, {
    signal: AbortSignal.timeout(PATIENCE_MS),
    ...(unix !== null && { unix }),
    // It is told nothing, and its certificate is for the name that clients have for it.
    tls: { rejectUnauthorized: false },
  } as RequestInit);
}
