// What an upstream needs to be told, and what it needs from the house. Types only.
import type { Log } from "../core/log.ts";
import type { UpstreamMetrics } from "./metrics.ts";

/** One upstream. Secrets stand here already read from their files. */
export interface UpstreamSettings {
  /** http(s) URL that relative paths are appended to. */
  url: string;
  /** http://, https:// or socks5:// URL; may hold `user:password@`. Absent: connects directly, whatever the environment says. */
  proxy?: string;
  /** Wins over a password in `proxy`. */
  proxyPassword?: string;
  username?: string;
  password?: string;
  /** Sent as a bearer token; wins over `username` and `password`. */
  token?: string;
  /** Where on the origin of `url` those are sent: below this path, which begins and ends with a slash. Everywhere on it unless told. */
  credentialsPath?: string;
  /** PEM certificates trusted for this upstream in addition to the public ones. */
  ca?: string;
  /** The longest silence: until the headers, connecting included, and between two chunks of a body. 30 seconds unless told. */
  timeoutMs?: number;
  /** How long a passing failure is tried again while somebody waits; 0: never. 5 seconds unless told. */
  retryMs?: number;
  /** Bytes per second that a body must bring on average over a minute; 0: none. 1024 unless told. */
  minRate?: number;
  /** Bytes per second, over all bodies of this upstream together. */
  maxRate?: number;
  /**
   * Further hosts that links and redirects may lead to: `files.example.test`, `*.example.test` (any depth), each with an optional
   * `:port`; without one only the scheme's default port. A host that is written out may have private addresses.
   */
  hosts: string[];
  /** Exchanges at a time; further ones wait in line. 64 unless told. */
  connections?: number;
}

export interface UpstreamDeps {
  log: Log;
  metrics: UpstreamMetrics;
  /** The repository's name, for logs and metrics. */
  repository: string;
  /** Milliseconds on a clock that is never put back, since whenever. */
  now(): number;
  /** Hosts, written as in `hosts`, whose addresses may be private although they are reached through a wildcard. */
  allowPrivate?: string[];
  /** All addresses of a name; the system's resolver unless told. */
  lookup?(host: string): Promise<string[]>;
}
