// The options that several commands share, and the configuration that they lead to.
import { existsSync } from "node:fs";
import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/resolve.ts";
import type { FormatOptions } from "../config/schema.ts";
import { formatAddress, socketPath } from "../config/values.ts";
import { build } from "../core/build.ts";
import type { Given, Option } from "./arguments.ts";
import type { Terminal } from "./terminal.ts";

export const configOptions = {
  config: {
    value: "FILE",
    help: "Configuration file (HOLDFAST_CONFIG); none: that of the installed package, or the built-in configuration",
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
    file: configFile(given, terminal),
    formats,
    flags: {
      data: given.text("data"),
      listen: given.text("listen"),
      offline: given.on("offline"),
    },
    env: terminal.env,
  });
}

/** Which file counts; undefined is for none. A program that a package installed goes by the configuration beside it, as its server does. */
export function configFile(given: Given, terminal: Terminal): string | undefined {
  const told = given.text("config") ?? (terminal.env["HOLDFAST_CONFIG"] || undefined);
  if (told !== undefined || !build || process.execPath !== INSTALLED.program) return told;
  return existsSync(INSTALLED.config) ? INSTALLED.config : undefined;
}

/** Where the Debian package puts them. */
const INSTALLED = { program: "/usr/bin/holdfast", config: "/etc/holdfast/holdfast.yaml" };

/** Where clients on this machine reach the server, without a trailing slash. */
export function rootUrl(config: Config): string {
  if (config.publicUrl) return config.publicUrl;
  const { host, port } = config.listen;
  if (socketPath(host) !== null) return "http://localhost"; // who knows the proxy's name sets publicUrl, or gives --url
  // "All addresses" is none that a client could connect to.
  const reachable = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `${config.tls ? "https" : "http"}://${formatAddress({ host: reachable, port })}`;
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}
