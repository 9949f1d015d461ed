// Which packages have a name that somebody looks for. Triggers write names down (migration 0036); their parts are written here, before anybody is answered.
import type { Database, Query } from "../store/database.ts";
import { portions, tuples } from "../store/several.ts";
import { endOf, fold, partsOf, rankOf } from "./parts.ts";

/** Names whose parts are written at a time, and at most while somebody waits. */
const AT_ONCE = 500;
const WHILE_WAITING = 2_000;
/** Of each kind of part as many names are looked at: a search that finds more wants more letters. */
const MOST = 240;
/** Within words a search of fewer letters finds everything, which is nothing. */
const LEAST_WITHIN = 3;

export interface KnownName {
  repository: string;
  package: string;
  folded: string;
}

/** Writes the parts of names that have none yet; returns how many that were. */
export async function writeParts(database: Database, most = WHILE_WAITING): Promise<number> {
  let done = 0;
  while (done < most) {
    const written = await database.write(async (sql) => {
      const rows =
        await sql`SELECT id, package FROM catalog_names WHERE folded = '' ORDER BY id LIMIT ${AT_ONCE}`;
      for (const { id, package: name } of rows) {
        // What has no letters at all is found by nothing, and is not to be looked at again.
        const folded = fold(name) || "-";
        const parts = partsOf(folded).map(({ kind, part }) => [kind, part, id]);
        for (const some of portions(parts))
          await sql`INSERT INTO catalog_parts (kind, part, name_id) VALUES ${tuples(some)} ON CONFLICT (kind, part, name_id) DO NOTHING`;
        await sql`UPDATE catalog_names SET folded = ${folded} WHERE id = ${id}`;
      }
      return rows.length;
    });
    done += written;
    if (written < AT_ONCE) break;
  }
  return done;
}

/** Names that answer the query, the best first; at most some hundred. */
export async function findNames(sql: Query, text: string): Promise<KnownName[]> {
  const query = fold(text);
  if (query === "") return [];
  const found = new Map<string, KnownName>();
  const add = (rows: KnownName[]) => {
    for (const { repository, package: name, folded } of rows)
      found.set(`${repository}\0${name}`, { repository, package: name, folded });
  };
  for (const kind of [0, 1, 2]) {
    add(
      await sql`SELECT n.repository, n.package, n.folded FROM catalog_parts p JOIN catalog_names n ON n.id = p.name_id
        WHERE p.kind = ${kind} AND p.part >= ${query} AND p.part < ${endOf(query)} ORDER BY p.part, p.name_id LIMIT ${MOST}`,
    );
    if (found.size >= MOST) break;
  }
  // Names are gone through, one after the other, only where few are found without.
  if (found.size < MOST / 8 && query.length >= LEAST_WITHIN) {
    const within = `%${query.replace(/[%_\\]/g, "\\$&")}%`;
    add(
      // Small letters on both sides. The names alone are gone through, in their index.
      await sql`SELECT repository, package, folded FROM catalog_names
        WHERE id IN (SELECT id FROM catalog_names WHERE folded LIKE ${within} ESCAPE '\\' LIMIT ${MOST})`,
    );
  }
  const ranked = [...found.values()].map((one) => ({ one, rank: rankOf(one.folded, query) }));
  ranked.sort(
    (a, b) =>
      a.rank - b.rank ||
      a.one.folded.length - b.one.folded.length ||
      compare(a.one.folded, b.one.folded) ||
      compare(a.one.repository, b.one.repository),
  );
  return ranked.map(({ one }) => one);
}

/** Those whose files came last, the newest first. */
export async function newestNames(
  sql: Query,
  repositories: readonly string[],
  most: number,
): Promise<Pick<KnownName, "repository" | "package">[]> {
  const found = new Map<string, { repository: string; package: string; at: number }>();
  for (const repository of repositories) {
    const rows = await sql`SELECT package, fetched_at FROM artifacts
      WHERE repository = ${repository} AND purl NOT LIKE 'pkg:generic/%' ORDER BY fetched_at DESC LIMIT ${most * 4}`;
    for (const { package: name, fetched_at: at } of rows) {
      const id = `${repository}\0${name}`;
      if (!found.has(id)) found.set(id, { repository, package: name, at: Number(at) });
    }
  }
  return [...found.values()].sort((a, b) => b.at - a.at).slice(0, most);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
