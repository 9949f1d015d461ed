// Who needs a package, of the packages that are stored here and that one caller may read: what was written down behind (dependencies.ts), turned around.
import type { Dependant, DependantPlace, Dependants } from "../core/catalog.ts";
import { breathe } from "../ledger/fact-rows.ts";
import type { Query } from "../store/database.ts";

/** So many are counted; beyond that there are more. */
export const COUNTED = 1_000;
/** Rows that are read at a time, between which others have their turn. */
const AT_ONCE = 500;
/** Rows that are read at most: a name that millions need, and few of them the caller may read, keeps nobody waiting. */
export const LOOKED_AT = 50_000;

export interface DependantsQuery {
  /** The package that is needed, by the format's one spelling. */
  needed: string;
  /** Those of its format: each may have packages that need it. */
  repositories: readonly string[];
  mayRead(repository: string, packageName: string): boolean;
}

export interface DependantsPart {
  count: number;
  after?: DependantPlace | null;
  /** Rows that are read at most to count them, and again to go on behind `after`. */
  lookedAt?: number;
}

/** The first of those behind `after`, sorted by repository and name, and how many there are in all. */
export async function dependantsOf(
  sql: Query,
  query: DependantsQuery,
  { count, after = null, lookedAt = LOOKED_AT }: DependantsPart,
): Promise<Dependants> {
  const items: Dependant[] = [];
  let total = 0;
  const counting: Look = { left: lookedAt, isCut: false };
  for await (const one of readable(sql, query, null, counting)) {
    total += 1;
    if (after === null && items.length <= count) items.push(one);
    if (total > COUNTED) break;
  }
  const going: Look = after === null ? counting : { left: lookedAt, isCut: false };
  if (after !== null)
    for await (const one of readable(sql, query, after, going)) {
      items.push(one);
      if (items.length > count) break;
    }
  const shown = items.slice(0, count);
  const last = shown.at(-1);
  const isCut = counting.isCut || going.isCut;
  return {
    items: shown,
    // Where it was cut the next page looks on from the last that the caller may read: how far it came would name what they may not.
    next: last && (items.length > count || going.isCut) ? [last.repository, last.package] : null,
    total: Math.min(total, COUNTED),
    isMore: total > COUNTED || isCut,
    isCut,
  };
}

/** How far somebody looks. */
interface Look {
  /** Rows that may still be read. */
  left: number;
  /** There were more than that. */
  isCut: boolean;
}

/** Of what the caller may not read nothing is told, nor how much of it there is. */
async function* readable(
  sql: Query,
  query: DependantsQuery,
  after: DependantPlace | null,
  look: Look,
): AsyncGenerator<Dependant> {
  for await (const one of grouped(edges(sql, query, after, look)))
    if (query.mayRead(one.repository, one.package)) yield one;
}

interface Edge {
  repository: string;
  package: string;
  version: string;
  kind: string;
  range: string;
}

async function* grouped(edges: AsyncIterable<Edge>): AsyncGenerator<Dependant> {
  let last = null as Dependant | null;
  for await (const { repository, package: name, version, kind, range } of edges) {
    if (last?.repository === repository && last.package === name) last.needs.push({ kind, range });
    else {
      if (last) yield last;
      last = { repository, package: name, version, needs: [{ kind, range }] };
    }
  }
  if (last) yield last;
}

/** One repository after the other, each in the order of the index. */
async function* edges(
  sql: Query,
  { needed, repositories }: DependantsQuery,
  after: DependantPlace | null,
  look: Look,
): AsyncGenerator<Edge> {
  for (const repository of [...repositories].sort()) {
    if (after && repository < after[0]) continue;
    let name = after && repository === after[0] ? after[1] : "";
    let kind: string | null = null;
    for (;;) {
      const wanted = Math.min(AT_ONCE, look.left + 1); // one more tells that it is cut
      const rows: Edge[] =
        kind === null
          ? await sql`SELECT repository, package, version, kind, range FROM dependencies
              WHERE needed = ${needed} AND repository = ${repository} AND package > ${name} ORDER BY package, kind LIMIT ${wanted}`
          : await sql`SELECT repository, package, version, kind, range FROM dependencies
              WHERE needed = ${needed} AND repository = ${repository} AND (package, kind) > (${name}, ${kind}) ORDER BY package, kind LIMIT ${wanted}`;
      look.isCut = rows.length > look.left;
      yield* rows.slice(0, look.left);
      look.left -= rows.length;
      if (look.isCut) return;
      if (rows.length < wanted) break;
      ({ package: name, kind } = rows.at(-1)!);
      await breathe();
    }
  }
}
