// The code hosts of one repository: which name leads to which code, and what is made of it.
import { createHash } from "node:crypto";
import type { Publication } from "../core/hosting.ts";
import { Problem } from "../core/problem.ts";
import {
  type CodeSource,
  isAbove,
  type SourceMatch,
  type SourceRelease,
  type SourceSettings,
  sourceMatcher,
} from "../core/source.ts";
import type { HostedRoom } from "../hosted/hosting.ts";
import { HERE, readPublished } from "../hosted/rows.ts";
import { readPin } from "../ledger/pins.ts";
import type { Blobs } from "../store/blobs.ts";
import type { Changes } from "../store/changes.ts";
import { localFile } from "../store/local-file.ts";
import { type CodeHost, createCodeHost, type HostDeps } from "./host.ts";
import { readRemoved, readSources, type SourceRow } from "./rows.ts";

export interface SourcesDeps extends HostDeps {
  changes: HostDeps["changes"] & Pick<Changes, "on">;
  /** What is published here, for the server as it makes releases of this URL. */
  hosting(url: string): Pick<HostedRoom, "receive" | "publish">;
  blobs: Pick<Blobs, "local">;
}

/** Which of them are to be asked. */
export interface RefreshWanted {
  /** Those alone that their `every` says. */
  isDue?: boolean;
  /** A URL as the code host tells it, in any of its forms: https://…, ssh://…, git@host:path, with or without ".git". */
  url?: string;
  signal?: AbortSignal;
  say?(line: string): void;
  progress?(done: number, total: number, note: string): void;
}

export interface Refreshed {
  /** Those that were asked. */
  asked: number;
  changed: number;
  failed: number;
}

/** What there is to tell of one entry of `sources`. */
export interface SourceNumbers {
  names: string;
  /** Code that was had. */
  codes: number;
  /** Of these, whose host could not be asked the last time. */
  failing: number;
  /** When the host last answered for the code of which that is longest ago; null without any code. */
  answeredAt: number | null;
}

/** Without asking who wants to know: for cache/bound.ts, which does, and for the server itself. */
export interface RepositorySources {
  /** As `claims` of the configuration: what is never asked for upstream. */
  readonly claims: readonly string[];
  /** The pattern whose names begin with this one, which is no package's: null where none does. Not asked for upstream either. */
  above(name: string): string | null;
  for(packageName: string): CodeSource | null;
  roots(): Promise<string[]>;
  /** Asks code hosts whose code was had before, one after the other. Failures are told, and the others are asked. */
  refresh(wanted: RefreshWanted): Promise<Refreshed>;
  numbers(): Promise<SourceNumbers[]>;
}

export function createSources(
  deps: SourcesDeps,
  settings: readonly SourceSettings[],
): RepositorySources {
  const { repository, database, mirrors } = deps;
  const matchers = settings.map(sourceMatcher);
  const hosts = new Map<string, CodeHost>();
  const making = new Map<string, Promise<void>>();

  deps.changes.on(
    "source",
    ({ repository: where, key }) => {
      if (where === repository) hosts.get(key)?.forget();
    },
    () => {
      for (const host of hosts.values()) host.forget();
    },
  );

  function matchOf(name: string): SourceMatch | null {
    for (const matcher of matchers) {
      const found = matcher(name);
      if (found) return found;
    }
    return null;
  }

  function hostOf(match: SourceMatch): CodeHost {
    const known = hosts.get(match.url);
    if (known) return known;
    const host = createCodeHost(deps, match);
    hosts.set(match.url, host);
    return host;
  }

  function sourceOf(match: SourceMatch): CodeSource {
    const { root, url, folder = "" } = match;
    const host = hostOf(match);
    const read = mirrors.read(url);
    const lost = () =>
      new Problem(
        "unreachable",
        `The mirror of ${url} is not here: it is made again when the code host answers`,
      );
    /** What the database knows, a mirror that was lost may not have. */
    const whole = <Args extends unknown[], T>(call: (...args: Args) => Promise<T>) => {
      return async (...args: Args): Promise<T> => {
        if (!mirrors.has(url)) {
          await host.ask().catch(() => {});
          if (!mirrors.has(url)) throw lost();
        }
        return call(...args);
      };
    };
    return {
      root,
      url,
      folder,
      refs: host.refs,
      refresh: host.refresh,
      expand: whole(read.expand),
      commit: whole(read.commit),
      tree: whole(read.tree),
      file: whole(read.file),
      commitsWith: whole((...asked: Parameters<typeof read.commitsWith>) =>
        read.commitsWith(...asked),
      ),
      async *archive(commit, how) {
        if (!mirrors.has(url)) throw lost();
        yield* read.archive(commit, how);
      },
      tagsBefore: whole(async (commit: string) => {
        const tags = [...(await host.refs()).tags.values()].filter(({ isGone }) => !isGone);
        const before = await read.before(commit, new Set(tags.map((tag) => tag.commit)));
        return tags.filter((tag) => before.has(tag.commit)).map(({ name }) => name);
      }),
      async publish(packageName, version, file, build) {
        const place = { repository, package: packageName, file };
        if (await readPublished(database.read, place)) return;
        if ((await removed(packageName)).has(file))
          throw new Problem(
            "notFound",
            `${file} of ${packageName} was published in ${repository} and removed: it is not made again`,
            { rule: "hosted" },
          );
        const key = `${packageName}\0${file}`;
        let made = making.get(key);
        if (!made) {
          made = make(url, packageName, version, build).finally(() => making.delete(key));
          making.set(key, made);
        }
        await made;
      },
      removed,
    };
  }

  const removed = (packageName: string) => readRemoved(database.read, repository, packageName);

  async function make(
    url: string,
    packageName: string,
    version: string,
    build: () => Promise<SourceRelease>,
  ): Promise<void> {
    const hosting = deps.hosting(url);
    const { files, ...release } = await build();
    const received: Publication["files"] = [];
    try {
      for (const { bytes, limit, described, ...file } of files) {
        const first = await fetchedBytes(packageName, file.file);
        const { digests } = described ?? {};
        const upload = await hosting.receive(packageName, first ?? bytes, limit, digests);
        const metadata = described?.metadata(upload.digests) ?? file.metadata;
        received.push({ ...file, metadata, upload });
      }
      await hosting.publish({
        ...release,
        package: packageName,
        version,
        files: received,
        detail: { source: url },
      });
    } finally {
      for (const { upload } of received) await upload.discard();
    }
  }

  /** Bytes that came from an upstream before the name was covered (another server's): the first ones that were seen stay, here too. */
  async function fetchedBytes(
    packageName: string,
    file: string,
  ): Promise<AsyncIterable<Uint8Array> | null> {
    const first = await readPin(database.read, { repository, package: packageName, file });
    if (!first || first.upstream === HERE) return null;
    const path = await deps.blobs.local(first.sha256);
    if (path) return (await localFile(path)).chunks;
    throw new Problem(
      "unreachable",
      `${file} of ${packageName} was fetched from ${first.upstream} before, and its bytes are lost: \`holdfast unpin\` lets what is made of ${repository}'s code be published in their place`,
    );
  }

  async function seen(): Promise<{ row: SourceRow; match: SourceMatch }[]> {
    const rows = await readSources(database.read, repository);
    return rows.flatMap((row) => {
      const match = matchOf(row.root);
      return match?.url === row.url ? [{ row, match }] : [];
    });
  }

  return {
    claims: settings.flatMap(({ names }) =>
      names.endsWith("*") ? [names] : [names, `${names}/*`],
    ),
    above: (name) => settings.find(({ names }) => isAbove(names, name))?.names ?? null,
    for(packageName) {
      const match = matchOf(packageName);
      return match && sourceOf(match);
    },
    roots: async () => (await seen()).map(({ row }) => row.root).sort(),
    async numbers() {
      const all = await seen();
      return settings.map((one) => {
        const rows = all.filter(({ match }) => match.settings === one).map(({ row }) => row);
        return {
          names: one.names,
          codes: rows.length,
          failing: rows.filter(({ failure }) => failure !== null).length,
          answeredAt: rows.length ? Math.min(...rows.map((row) => row.refreshedAt)) : null,
        };
      });
    },
    async refresh({ isDue, url, signal, say, progress }) {
      const result: Refreshed = { asked: 0, changed: 0, failed: 0 };
      const all = await seen();
      for (const [at, { row, match }] of all.entries()) {
        if (signal?.aborted) break;
        progress?.(at, all.length, row.root);
        const age = deps.now() - row.refreshedAt;
        if (isDue && age >= 0 && age < match.settings.everyMs) continue;
        if (url !== undefined && plainUrl(url) !== plainUrl(row.url)) continue;
        result.asked += 1;
        try {
          const isNew = await hostOf(match).ask(signal);
          if (isNew) result.changed += 1;
          say?.(`${row.root}: ${isNew ? "has something new" : "nothing new"}`);
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
          result.failed += 1;
          say?.(`${row.root}: ${error.message}`);
        }
      }
      return result;
    },
  };
}

/** Host and path alone: code hosts tell one repository in many ways. */
export function plainUrl(text: string): string {
  const scp = /^(?:[^@/\s]+@)?([^:/\s]+):(?!\/)(.+)$/.exec(text);
  const url = scp && !/^[a-z]+:\/\//i.test(text) ? { host: scp[1]!, path: scp[2]! } : partsOf(text);
  if (!url) return createHash("sha256").update(text).digest("hex");
  const path = url.path.replace(/^\/+|\/+$/g, "").replace(/\.git$/, "");
  return `${url.host}/${path}`.toLowerCase();
}

function partsOf(text: string): { host: string; path: string } | null {
  const url = URL.parse(text);
  return url && { host: url.hostname, path: decodeURIComponent(url.pathname) };
}
