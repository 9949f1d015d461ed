// For tests only: a bucket as OSV has them, on loopback, that holds what it is given and misbehaves as it is told.
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../test/support/temp.ts";
import { zip } from "../archive/testdata/archives.ts";
import type { Ecosystem } from "../core/advisory.ts";
import { openBlobs } from "../store/blobs.ts";
import { openFolder } from "../store/folder.ts";
import { openLayout } from "../store/layout.ts";
import { openRandom } from "../store/sink.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { setUp } from "../upstream/testkit.ts";
import { createCurrent } from "./current.ts";
import type { Feed } from "./feed.ts";
import { createFeeds } from "./feeds.ts";
import { knownAdvisories } from "./known.ts";
import type { Named } from "./rows.ts";

export const ecosystems: Ecosystem[] = [
  { ecosystem: "Toys", purlType: "toy", spell: (name) => name.toLowerCase() },
  { ecosystem: "Packagist", purlType: "php" },
];

export interface Told {
  id: string;
  modified: string;
  [key: string]: unknown;
}

/** A record about versions of one package. */
export function record(id: string, modified: string, changes: Record<string, unknown> = {}): Told {
  return {
    id,
    modified,
    summary: `${id} is bad`,
    affected: [{ package: { ecosystem: "Toys", name: "thing" }, versions: ["1"] }],
    ...changes,
  };
}

export interface FakeBucket {
  url: string;
  records: Map<string, Told>;
  /** Answers in place of the bucket's own. */
  instead: Map<string, () => Response | Promise<Response>>;
  /** Paths, in the order in which they were asked for. */
  asked: string[];
  stop(): void;
}

/** `all.zip` holds what `records` holds; `folder`: the ecosystem's. */
export function startBucket(folder = "Toys"): FakeBucket {
  const records = new Map<string, Told>();
  const instead = new Map<string, () => Response | Promise<Response>>();
  const asked: string[] = [];
  const sorted = () => [...records.values()].sort((a, b) => (a.modified < b.modified ? 1 : -1));
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const path = decodeURIComponent(new URL(request.url).pathname).slice(1);
      asked.push(path);
      const own = instead.get(path);
      if (own) return own();
      const name = path.slice(folder.length + 1);
      if (!path.startsWith(`${folder}/`)) return new Response("no", { status: 404 });
      if (name === "modified_id.csv")
        return new Response(
          sorted()
            .map(({ id, modified }) => `${modified},${id}\n`)
            .join(""),
        );
      if (name === "all.zip") {
        const bytes = zipOf([...records.values()]);
        const etag = `"${Bun.hash(bytes)}"`;
        if (request.headers.get("if-none-match") === etag)
          return new Response(null, { status: 304 });
        return new Response(bytes, { headers: { etag } });
      }
      const found = records.get(name.replace(/\.json$/, ""));
      return found ? Response.json(found) : new Response("no", { status: 404 });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/`,
    records,
    instead,
    asked,
    stop: () => void server.stop(true),
  };
}

export function zipOf(records: readonly Told[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(
    zip(...records.map((one) => ({ name: `${one.id}.json`, text: JSON.stringify(one) }))),
  );
}

/** Feeds on a database of their own, with a clock that is set. */
export async function openWorld() {
  const folder = tempFolder("feeds");
  const database = await openTestDatabase(join(folder, "holdfast.db"));
  const layout = openLayout(join(folder, "data"));
  const current = createCurrent(knownAdvisories(database.read, ecosystems));
  const bucket = startBucket();
  const { upstream } = setUp({ url: bucket.url, timeoutMs: 300 });
  const clock = { at: Date.UTC(2026, 0, 1) };
  const heard: string[] = [];
  const listening = { to: (): void => {} };
  const feeds = createFeeds({
    database,
    blobs: openBlobs(layout),
    openRandom,
    ecosystems,
    note: async () => {},
    changed(names: readonly Named[]) {
      current.changed(names);
      heard.push(...names.map(({ purlType, name }) => `${purlType}/${name}`));
      listening.to();
    },
    now: () => clock.at,
  });
  const osv: Feed = {
    name: "osv",
    source: { kind: "bucket", upstream, path: "Toys/" },
    everyMs: 60_000,
  };
  feeds.use([osv]);
  const never = new AbortController().signal;
  return {
    folder,
    database,
    current,
    bucket,
    upstream,
    clock,
    heard,
    /** Called at each change, while the reading that brought it goes on. */
    listening,
    feeds,
    osv,
    zipOf,
    read: (which: "due" | "all" = "all") => feeds.read(which, never),
    bring: (path: string) => feeds.bring(openFolder(path), never),
    ids: async (name = "thing") => (await current.about("toy", name)).map(({ id }) => id),
    async close() {
      upstream.close();
      bucket.stop();
      await database.close();
      removeTemp(folder);
    },
  };
}
