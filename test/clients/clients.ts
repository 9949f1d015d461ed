// The clients that this run has: those that are missing stay in the list, so that their tests are skipped by name.
import { describe, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { programNames } from "./debian.ts";
import { type Driver, driverOf } from "./driver.ts";
import { houseNames } from "./houses.ts";
import { type Client, manifest } from "./install.ts";

const clients: Client[] = existsSync(manifest)
  ? (JSON.parse(readFileSync(manifest, "utf8")) as Client[])
  : [{ name: "every client", missing: "`npm test` installs them" }];

export interface Suite {
  driver: Driver;
  /** Registers a test of this client. */
  test(title: string, body: () => Promise<void>, timeout?: number): void;
}

/** Null: all. Else the tests of these alone are there, where a few stand for all. */
const only = process.env["HOLDFAST_TEST_CLIENTS"]?.split(",") ?? null;

/** Calls `define` for each client of the given names; one that is missing counts as one skipped test. */
export function eachClient(names: string[] | null, define: (suite: Suite) => void): void {
  for (const client of clients) {
    if (names && !names.includes(client.name) && client.name !== "every client") continue;
    if (only && !only.includes(client.name)) continue;
    // They have no project with a lock file: see withPrograms.
    const projectless = [
      ...[...programNames, ...houseNames],
      ...[...publishers, ...auditors, ...services, ...deployers],
    ];
    if (projectless.includes(client.name)) continue;
    if ("missing" in client) {
      test.skip(`${client.name} is not here: ${client.missing}`, () => {});
      continue;
    }
    describe(`${client.name} ${client.version}`, () => {
      define({
        driver: driverOf(client.name, client.command),
        test: (title, body, timeout = 120_000) => test(title, body, timeout),
      });
    });
  }
}

/** Calls `define` when all of these are here; else one skipped test names those that are not. */
export function withPrograms(names: string[], define: () => void): void {
  const reasons = names.flatMap((name) => {
    const client = clients.find((one) => one.name === name);
    if (client && !("missing" in client)) return [];
    return [`${name} is not here: ${client?.missing ?? "`npm test` installs it"}`];
  });
  if (reasons.length) test.skip(reasons.join("; "), () => {});
  else define();
}

/** How a client that is here is started. */
export function commandOf(name: string): string[] {
  const client = clients.find((one) => one.name === name);
  if (!client || "missing" in client) throw new Error(`${name} is not here`);
  return client.command;
}

/** They only publish. */
export const publishers = ["twine", "flit", "hatch"];
/** They only audit. */
export const auditors = ["pip-audit", "govulncheck"];
/** They only deploy. */
export const deployers = ["helm"];
/** What the server itself is a client of. */
export const services = ["versitygw", "weed"];
export const javascript = ["npm-10", "npm-11", "npm", "pnpm", "yarn-1", "yarn-4", "bun"];
export const python = ["pip-machine", "pip", "uv", "poetry"];
