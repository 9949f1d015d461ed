// Modules that are made of code: lists and queries from what was seen of the code host, files from what was published of it.
import { Problem } from "../../../core/problem.ts";
import { type Reply, reply } from "../../../core/reply.ts";
import type { Repository } from "../../../core/repository.ts";
import type { CodeSource } from "../../../core/source.ts";
import { canonical, compareVersions, highest, isPseudo } from "../version.ts";
import { placeOf } from "./paths.ts";
import { infoOf, smallFiles, zipFile } from "./release.ts";
import { createRevisions, type Revision, type Revisions } from "./revisions.ts";

const TEXT = "text/plain; charset=UTF-8";
const JSON_TYPE = "application/json";
/** How old a list may be before the code host is asked, for a second at most. */
const LIST_AGE_MS = 60_000;

export interface CodeModule {
  list(): Promise<Reply>;
  latest(): Promise<Reply>;
  query(query: string): Promise<Reply>;
  /** Sees to it that the file is published. Throws Problem("notFound"). */
  publish(version: string, kind: "info" | "mod" | "zip"): Promise<void>;
}

/** Null where no source of the repository covers the module. */
export function codeModule(module: string, repository: Repository): CodeModule | null {
  const source = repository.sources.for(module);
  return source && moduleOf(module, source, repository);
}

function moduleOf(module: string, source: CodeSource, repository: Repository): CodeModule {
  const place = placeOf(module, source.root);

  async function revisions(): Promise<Revisions> {
    if (!place)
      throw new Problem("notFound", `${module} is no path of a module in ${source.url}`, {
        rule: "sources",
      });
    return createRevisions(source, await source.refs(), place);
  }

  /** Once more, after the code host was asked, for what is not there; why it could not be asked, in place of a "no". */
  async function seeking<T>(find: (revisions: Revisions) => Promise<T>): Promise<T> {
    try {
      return await find(await revisions());
    } catch (error) {
      if (!(error instanceof Problem) || error.kind !== "notFound" || !place) throw error;
      const away = await source.refresh();
      try {
        return await find(await revisions());
      } catch (again) {
        if (away && again instanceof Problem && again.kind === "notFound") throw away;
        throw again;
      }
    }
  }

  /** Of tags, and what was published without any. */
  async function versions(): Promise<string[]> {
    const removed = await source.removed(module);
    const hosted = (await published()).filter((version) => !isPseudo(version));
    const all = new Set([...(await (await revisions()).versions()), ...hosted]);
    return [...all].filter((version) => !removed.has(`${version}.zip`)).sort(compareVersions);
  }

  /** Of uploads: versions of tags are listed by those, as long as there are any. */
  async function published(): Promise<string[]> {
    if (!repository.hosting.owns(module)) return [];
    const hosted = await repository.hosting.read(module);
    return (hosted?.releases ?? [])
      .filter(({ metadata }) => !(metadata as { info?: { Origin?: unknown } } | null)?.info?.Origin)
      .map(({ version }) => version);
  }

  async function latest(): Promise<Revision | string> {
    const version = highest(await versions());
    if (version === null) return seeking((all) => all.head());
    return version;
  }

  function told(revision: Revision): Reply {
    const text = JSON.stringify(infoOf(source, revision));
    return reply(200, JSON_TYPE, text, { "cache-control": "no-cache" });
  }

  return {
    async list() {
      await source.refs();
      await source.refresh(LIST_AGE_MS);
      const all = await versions();
      // Of a folder that is no module nobody is told that it has no versions yet.
      if (all.length === 0) await seeking((found) => found.head());
      const text = all.map((version) => `${version}\n`).join("");
      return reply(200, TEXT, text, { "cache-control": "no-cache" });
    },
    async latest() {
      await source.refs();
      await source.refresh(LIST_AGE_MS);
      const found = await latest();
      if (typeof found !== "string") return told(found);
      try {
        return told(await (await revisions()).version(found));
      } catch (error) {
        if (!(error instanceof Problem) || error.kind !== "notFound") throw error;
        return reply(200, JSON_TYPE, JSON.stringify({ Version: found }), {
          "cache-control": "no-cache",
        });
      }
    },
    async query(query) {
      const refs = await source.refs();
      // A branch is wanted as it is now.
      if (refs.branches.has(query)) await source.refresh();
      return told(await seeking((all) => all.query(query)));
    },
    async publish(version, kind) {
      await source.publish(module, version, `${version}.${kind}`, async () => {
        const found = await seeking((all) => all.version(version));
        if (canonical(found.version) !== version)
          throw new Problem("notFound", `${module}@${version} is ${found.version}`, {
            rule: "sources",
          });
        return kind === "zip" ? zipFile(source, module, found) : smallFiles(source, module, found);
      });
    },
  };
}
