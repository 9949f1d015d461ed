// What all servers on one catalog must have alike of their configuration, as digests that they compare: by key, and without a secret in any.
import { createHash } from "node:crypto";
import { isMapping } from "./mapping.ts";
import type { Config } from "./resolve.ts";
import type { FormatOptions } from "./schema.ts";
import { shownConfig } from "./shown.ts";

/** By key of the file; each tells nothing but whether another one is the same. */
export type SharedDigests = Readonly<Record<string, string>>;

/**
 * What is decided by whichever server is asked, or does it for all. Not in it is what is of one machine (listen, data, processes, socketMode, tls,
 * trustedProxies, logs, traces, cache, requests, disk, diskLow), and where catalog and files are (database, store): those prove each other.
 */
const SHARED = [
  ...["repositories", "offline", "access", "policy", "feeds", "fetches", "login"],
  ...["trustedPublishers", "publicUrl", "hooks", "mail", "ledger", "follow", "alarms", "scrub"],
] as const;

/** Where a secret or an authority is read from may be another place on each machine. */
const OF_A_MACHINE = /^ca$|File$|Env$/;

/** Where keys are names that users chose, whatever they look like. */
const NAMES = new Set(["repositories", "access.teams"]);

/** Of secrets it is in them whether there is one, and not which. */
export function sharedDigests(
  config: Config,
  formats: readonly Pick<FormatOptions, "name" | "hosts">[],
): SharedDigests {
  const repositories = config.repositories.map((one) => ({
    ...one,
    listen: null,
    offline: false,
    // As they were read: paths differ where the same is meant.
    options: byContent(one.options),
    written: {},
  }));
  const shown: Record<string, unknown> = {
    ...shownConfig({ ...config, repositories }, formats),
    // Where nothing is said of it, who may read without a name hangs on where a server listens.
    access: {
      local: config.access.anonymous === null && config.access.isLocal,
      ...config.written.access,
    },
    offline: config.repositories.flatMap(({ name, offline }) => (offline ? [name] : [])).sort(),
    ledger: config.ledger,
  };
  return Object.fromEntries(SHARED.map((key) => [key, digest(ordered(shown[key] ?? null, key))]));
}

/** The keys in which two servers differ. What one of them does not compare is none. */
export function differing(one: SharedDigests, other: SharedDigests): string[] {
  return Object.keys(one).filter((key) => Object.hasOwn(other, key) && one[key] !== other[key]);
}

function byContent(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(byContent);
  if (!isMapping(value)) return value;
  if (value["bytes"] instanceof Uint8Array)
    return createHash("sha256").update(value["bytes"]).digest("hex");
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, byContent(one)]));
}

/** With keys in one order, in whatever order files have them. `path`: where it stands. */
function ordered(value: unknown, path: string): unknown {
  if (Array.isArray(value)) return value.map((one) => ordered(one, path));
  if (!isMapping(value)) return value;
  const kept = Object.keys(value).filter((key) => NAMES.has(path) || !OF_A_MACHINE.test(key));
  return Object.fromEntries(kept.sort().map((key) => [key, ordered(value[key], `${path}.${key}`)]));
}

/** Short: it is compared, and proves nothing. */
function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 12);
}
