// What is known of advisories, as the database has it.
import { inflateRawSync } from "node:zlib";
import type { Advisories, Advisory, Ecosystem, FeedState } from "../core/advisory.ts";
import type { Query } from "../store/database.ts";
import { advisoryOf, readRecord } from "./record.ts";
import { readFeeds } from "./rows.ts";

/** Records that are read here were taken in by `readRecord`: they are no larger than a feed's may be. */
export function knownAdvisories(sql: Query, ecosystems: readonly Ecosystem[]): Advisories {
  return {
    async about(type, name) {
      const ecosystem = ecosystems.find(({ purlType }) => purlType === type);
      if (!ecosystem) return [];
      const rows = await sql`SELECT a.feed, a.raw FROM advisory_packages p
        JOIN advisories a ON a.feed = p.feed AND a.id = p.id
        WHERE p.purl_type = ${type} AND p.name = ${name} ORDER BY a.id, a.feed`;
      if (rows.length === 0) return NONE;
      return rows.flatMap(
        ({ feed, raw }) => advisoryOf(textOf(raw), { ecosystem, name }, feed) ?? [],
      );
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
    async feeds() {
      const time = (at: number | null) => (at === null ? null : new Date(at).toISOString());
      return (await readFeeds(sql)).map(
        ({ name, readAt, newestAt, records, error }): FeedState => ({
          name,
          readAt: time(readAt),
          newestAt: time(newestAt),
          records,
          error,
        }),
      );
    },
  };
}

const NONE: readonly Advisory[] = Object.freeze([]);

function textOf(raw: Uint8Array): string {
  return inflateRawSync(raw).toString("utf8");
}
