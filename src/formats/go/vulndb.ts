// The database of vulnerabilities as govulncheck reads it, made from feeds. https://go.dev/doc/security/vuln/database#api
import { gzipSync } from "node:zlib";
import type { Advisory, ToldState } from "../../core/advisory.ts";
import { encodeJson } from "../../core/answers.ts";
import { memo } from "../../core/memo.ts";
import { nothingKnown } from "../../core/osv.ts";
import { Problem } from "../../core/problem.ts";
import { type Reply, reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { GoRoute } from "./routes.ts";
import { compareVersions } from "./version.ts";

/** What is told of all records at once. */
interface Index {
  modules: { path: string; vulns: { id: string; modified: string; fixed?: string }[] }[];
  vulns: { id: string; modified: string; aliases: readonly string[] }[];
}

export interface Vulndb {
  serve(route: GoRoute & { kind: "vulndb" }, repository: Repository): Promise<Reply>;
}

export function createVulndb(): Vulndb {
  /** Of one caller: the same until a feed is read again. */
  const indexes = memo((_: Repository) => ({ of: "", index: null as Promise<Index> | null }));

  function indexOf(repository: Repository, state: ToldState): Promise<Index> {
    const known = indexes(repository);
    const of = JSON.stringify(state);
    if (known.of !== of || !known.index) {
      known.of = of;
      known.index = readIndex(repository);
      known.index.catch(() => {
        known.index = null;
      });
    }
    return known.index;
  }

  async function listOf(entry: string, state: ToldState, repository: Repository) {
    if (entry === "index/modules") return (await indexOf(repository, state)).modules;
    if (entry === "index/vulns") return (await indexOf(repository, state)).vulns;
    return { modified: state.newestAt ?? state.readAt };
  }

  return {
    async serve({ entry, isPacked }, repository) {
      const state = await repository.advisories.state();
      if (!state) throw nothingKnown("Go");
      const bytes = entry.startsWith("ID/")
        ? await recordOf(entry.slice("ID/".length), repository)
        : encodeJson(await listOf(entry, state, repository));
      // It is the file that is packed, and not its way here: no content-encoding.
      return isPacked
        ? reply(200, "application/gzip", gzipSync(bytes))
        : reply(200, "application/json", bytes);
    },
  };
}

async function recordOf(id: string, repository: Repository): Promise<Uint8Array> {
  const found = (await repository.advisories.byId(id)).find((one) => one.id === id);
  if (!found || !isTold(found)) throw new Problem("notFound", `No feed has a record ${id} of Go's`);
  return Buffer.from(found.raw());
}

async function readIndex(repository: Repository): Promise<Index> {
  const modules = new Map<string, Map<string, { id: string; modified: string; fixed?: string }>>();
  const vulns = new Map<string, Index["vulns"][number]>();
  for await (const advisory of repository.advisories.all()) {
    if (!isTold(advisory)) continue;
    const { id, modifiedAt: modified, aliases, package: path } = advisory;
    const own = modules.get(path) ?? new Map();
    modules.set(path, own);
    const fixed = fixedOf(advisory);
    own.set(id, { id, modified, ...(fixed && { fixed }) });
    vulns.set(id, { id, modified, aliases });
  }
  return {
    modules: [...modules].map(([path, own]) => ({ path, vulns: [...own.values()] })),
    vulns: [...vulns.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
  };
}

/** Go's own database tells the same once, with the functions that are concerned; what others tell without them would be reported of all who import it. */
function isTold({ id }: Advisory): boolean {
  return !/^(?:GHSA|CVE)-/.test(id);
}

/** From which version on nothing is wrong; null where that is not told. govulncheck leaves a record alone from there on. */
function fixedOf({ ranges }: Advisory): string | null {
  const fixes = ranges.map(({ fixed }) => fixed);
  if (fixes.length === 0 || fixes.includes(null)) return null;
  const last = (fixes as string[]).sort(compareVersions).at(-1)!;
  return last.replace(/^v/, "");
}
