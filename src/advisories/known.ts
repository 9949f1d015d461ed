// What is known of advisories, as the database has it.
import { inflateRawSync } from "node:zlib";
import type { Advisories, Advisory, Ecosystem, FeedState } from "../core/advisory.ts";
import type { Query } from "../store/database.ts";
import { advisoryOf, readRecord } from "./record.ts";
import { isSeed, readFeeds } from "./rows.ts";

/** Records that are read here were taken in by `readRecord`: they are no larger than a feed's may be. */
export function knownAdvisories(sql: Query, ecosystems: readonly Ecosystem[]): Advisories {
  return {
    async about(type, name) {
      const ecosystem = ecosystems.find(({ purlType }) => purlType === type);
      if (!ecosystem) return [];
      const rows = await sql`SELECT p.feed, p.id,
        (SELECT a.raw FROM advisories a WHERE a.feed = p.feed AND a.id = p.id AND a.withdrawn = 0) AS raw
        FROM advisory_packages p WHERE p.purl_type = ${type} AND p.name = ${name}`;
      if (rows.length === 0) return NONE;
      return rows
        .filter(({ raw }) => raw !== null)
        .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
        .flatMap(({ feed, raw }) => advisoryOf(textOf(raw), { ecosystem, name }, feed) ?? []);
    },
    async byId(id) {
      const rows = await sql`SELECT feed, raw FROM advisories WHERE id = ${id}
        UNION ALL SELECT a.feed, a.raw FROM advisory_aliases l JOIN advisories a ON a.feed = l.feed AND a.id = l.id
        WHERE l.alias = ${id} AND l.id <> ${id}`;
      return rows.flatMap(({ feed, raw }): Advisory[] => {
        const text = textOf(raw);
        return readRecord(text, ecosystems).packages.flatMap(({ purlType, name }) => {
          const ecosystem = ecosystems.find((one) => one.purlType === purlType)!;
          return advisoryOf(text, { ecosystem, name }, feed) ?? [];
        });
      });
    },
    feeds,
    async covering(type) {
      const rows = await sql`SELECT DISTINCT feed FROM advisory_packages WHERE purl_type = ${type}`;
      const names = new Set(rows.map(({ feed }) => feed));
      return (await feeds()).filter(({ name }) => names.has(name));
    },
    async *all(type) {
      const ecosystem = ecosystems.find(({ purlType }) => purlType === type);
      let last = { name: "", feed: "", id: "" };
      while (ecosystem) {
        const { name, feed, id } = last;
        const rows = await sql`SELECT p.name, p.feed, p.id, a.raw FROM advisory_packages p
          JOIN advisories a ON a.feed = p.feed AND a.id = p.id
          WHERE p.purl_type = ${type} AND (p.name > ${name} OR (p.name = ${name} AND (p.feed > ${feed} OR (p.feed = ${feed} AND p.id > ${id}))))
          ORDER BY p.name, p.feed, p.id LIMIT ${AT_ONCE}`;
        for (const row of rows) {
          const found = advisoryOf(textOf(row.raw), { ecosystem, name: row.name }, row.feed);
          if (found) yield found;
        }
        const end = rows.at(-1);
        if (!end || rows.length < AT_ONCE) return;
        last = end;
      }
    },
  };

  async function feeds(): Promise<FeedState[]> {
    const time = (at: number | null) => (at === null ? null : new Date(at).toISOString());
    return (await readFeeds(sql)).map(
      ({ name, readAt, wholeAt, newestAt, records, error }): FeedState => ({
        name,
        readAt: time(readAt),
        newestAt: time(newestAt),
        records,
        error,
        seedOf: isSeed(name) ? time(wholeAt) : null,
      }),
    );
  }
}

/** Records that are asked for at a time. */
const AT_ONCE = 64;

const NONE: readonly Advisory[] = Object.freeze([]);

const keyOf = ({ feed, id }: { feed: string; id: string }) => `${id}\0${feed}`;

function textOf(raw: Uint8Array): string {
  return inflateRawSync(raw).toString("utf8");
}
