// The options that several commands share, and the configuration that they lead to.

import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/resolve.ts";
import type { FormatOptions } from "../config/schema.ts";
import { formatAddress } from "../config/values.ts";
import type { Given, Option } from "./arguments.ts";
import type { Terminal } from "./terminal.ts";

export const configOptions = {
  config: {
    value: "FILE",
    help: "Configuration file (HOLDFAST_CONFIG); none: the built-in configuration",
  },
  data: { value: "DIR", help: "Folder that holds everything stored (./data)" },
  listen: { value: "HOST:PORT", help: "Address to serve on (127.0.0.1:4653)" },
  offline: { help: "Never open an outward connection" },
} satisfies Record<string, Option>;

/** Throws a ConfigError. */
export function configFrom(
  given: Given,
  formats: readonly FormatOptions[],
  terminal: Terminal,
): Config {
  return loadConfig({
    file: given.text("config") ?? (terminal.env["HOLDFAST_CONFIG"] || undefined),
    formats,
    flags: {
      data: given.text("data"),
      listen: given.text("listen"),
      offline: given.on("offline"),
    },
    env: terminal.env,
  });
}

/** Where clients on this machine reach the server, without a trailing slash. */
export function rootUrl(config: Config): string {
  if (config.publicUrl) return config.publicUrl;
  const { host, port } = config.listen;
  // "All addresses" is none that a client could connect to.
  const reachable = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `${config.tls ? "https" : "http"}://${formatAddress({ host: reachable, port })}`;
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}
