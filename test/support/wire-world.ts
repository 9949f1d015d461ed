// What a running wire script knows: its two upstreams, its server, and what was answered so far.
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import type { Gate } from "../../src/auth/gate.ts";
import type { TestOptions } from "./config.ts";
import type { FakeUpstream } from "./fake-upstream/index.ts";
import { startServer, type TestServer } from "./server.ts";

export interface Exchange {
  path: string;
  headers: [string, string][];
  status: number;
  answer: Headers;
  bytes: Uint8Array;
  /** The connection was cut in the middle of the body. */
  cut: boolean;
  live: boolean;
  method: string;
}

export interface World {
  upstream: FakeUpstream;
  /** The same packages before any of them was changed. */
  pristine: FakeUpstream;
  options: TestOptions & { gate?: Gate };
  /** What callers may, by the names that they give. */
  may: Map<string, string[]>;
  server: TestServer | null;
  /** Where records of advisories are put. */
  feed: string | null;
  exchanges: Exchange[];
  variables: Map<string, string>;
}

/** Started by the first step that needs it, so that `config` lines may come before. */
export async function serverOf(world: World): Promise<TestServer> {
  world.server ??= await startServer(world.upstream, world.options);
  return world.server;
}

export function lastOf(world: World): Exchange {
  const last = world.exchanges.at(-1);
  if (!last) throw new Error("no request yet");
  return last;
}

export function plainOf(item: Exchange): Uint8Array {
  const encoded = item.answer.get("content-encoding") === "gzip" && item.bytes.length > 0;
  return encoded ? gunzipSync(item.bytes) : item.bytes;
}

export function jsonOf(item: Exchange): unknown {
  return JSON.parse(Buffer.from(plainOf(item)).toString());
}

export function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function expand(text: string, world: World): string {
  return text.replace(/\{(\w+)(?:[ :]([^}]+))?\}/g, (whole, name: string, argument?: string) => {
    if (name === "base") return world.server?.url ?? "";
    if (name === "basic") return `Basic ${btoa(`${argument}:${argument}`)}`;
    if (name === "upstream") return new URL(world.upstream.urls.npm).origin;
    if (name === "files") return world.upstream.urls.files;
    if (name === "etag") return lastOf(world).answer.get("etag") ?? "";
    if (name === "integrity")
      return world.pristine.npm.integrity(...(argument!.split(" ") as [string, string]));
    if (name === "hash")
      return world.pristine.pypi.hash(...(argument!.split(" ") as [string, string]));
    if (name === "modified") return lastOf(world).answer.get("last-modified") ?? "";
    if (name === "site" || name === "code") return world.upstream.composerUrls[name];
    if (name === "reference" || name === "shasum")
      return world.pristine.composer[name](...(argument!.split(" ") as [string, string]));
    // In paths, where no space may stand: {now:NAME:VERSION}, a reference as it is now.
    if (name === "now")
      return world.upstream.composer.reference(...(argument!.split(":") as [string, string]));
    // The same of indices: {byhash:ARCHIVE:SUITE:INDEX:SHA256}, as it first was and as it is now.
    if (name === "byhash" || name === "newhash") {
      const [archive = "", suite = "", path = "", hash = ""] = argument!.split(":");
      const { apt } = name === "byhash" ? world.pristine : world.upstream;
      return apt.archive(archive).byHash(suite, path, hash);
    }
    return world.variables.get(name) ?? whole;
  });
}
