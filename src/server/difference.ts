// What one configuration has otherwise than the one before, in words; and what of it only a restart can bring.
import { isDeepStrictEqual } from "node:util";
import type { Config } from "../config/resolve.ts";
import { Problem } from "../core/problem.ts";

/** What the ground and the ports were made with. */
const SET = [
  ...(["listen", "processes", "data", "database", "store", "follow"] as const),
  ...(["logs", "traces", "cache", "requests"] as const),
];

/** What of those a running server takes in all the same: whoever is asked by it may want to hear another secret from now on. */
const SECRETS: { [key in (typeof SET)[number]]?: readonly string[] } = {
  database: ["password", "passwordFile"],
  store: ["accessKey", "secretKey", "sessionToken"],
  follow: ["token"],
};

/**
 * The next configuration, as far as a running server can take it in, and what is to be said of that. Throws Problem("conflict") where it is that of another
 * kind of server: of a follower, every repository hangs on whom it follows.
 */
export function takeIn(before: Config, next: Config): { config: Config; lines: string[] } {
  const kept = SET.filter((key) => !isDeepStrictEqual(bare(key, before), bare(key, next)));
  if (kept.includes("follow"))
    throw new Problem(
      "conflict",
      "follow: this is another one than the server was started with. That takes a restart, and nothing is taken in before; another token alone is",
    );
  const config = { ...next };
  for (const key of kept) Object.assign(config, { [key]: before[key] });
  // What holds for a server that listens on its own machine alone is not to hold before it does.
  if (kept.includes("listen"))
    config.access = { ...next.access, isLocal: before.access.isLocal && next.access.isLocal };
  return {
    config,
    lines: [
      changed(before, config),
      ...kept.map((key) => `${key} stays as it is: another one takes a restart`),
    ],
  };
}

/** Without its secrets, as far as there are any both before and after. */
function bare(key: (typeof SET)[number], config: Config): unknown {
  const value = config[key];
  if (typeof value !== "object" || value === null) return value;
  const had = Object.entries(value).map(([name, one]) =>
    SECRETS[key]?.includes(name) ? [name, one !== null] : [name, one],
  );
  return Object.fromEntries(had);
}

function changed(before: Config, next: Config): string {
  const repositories = repositoryWords(before, next);
  const others = Object.keys(next)
    // Where something stands changes nothing.
    .filter((key) => key !== "repositories" && key !== "places")
    .filter((key) => !isDeepStrictEqual(before[key as keyof Config], next[key as keyof Config]));
  const words = [...repositories, ...others.map((key) => `${key} changed`)];
  return `Took the configuration in: ${words.join(", ") || "nothing has changed"}`;
}

function repositoryWords(before: Config, next: Config): string[] {
  const old = new Map(before.repositories.map((one) => [one.name, one]));
  const names = new Set(next.repositories.map(({ name }) => name));
  return [
    ...next.repositories.flatMap((one) => {
      const other = old.get(one.name);
      if (!other) return [`${one.name} added`];
      return isDeepStrictEqual(other, one) ? [] : [`${one.name} changed`];
    }),
    ...[...old.keys()].filter((name) => !names.has(name)).map((name) => `${name} removed`),
  ];
}
