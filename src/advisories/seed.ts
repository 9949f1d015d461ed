// What this program knows of bad releases before any feed was read: each ecosystem's is a feed of its own, until another one has told as much.
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";
import type { Seed as Sown } from "../core/advisory.ts";
import type { Query } from "../store/database.ts";
import { shippedFile } from "../store/shipped.ts";
import { decode, jsonEntry } from "./entries.ts";
import { type FeedRow, seedOf } from "./rows.ts";
import type { Entry } from "./take.ts";

/** A format's, with what OSV calls its ecosystem. */
export interface Seed extends Sown {
  ecosystem: string;
}

/** An audit is not answered from what is older, with nothing else known: too much was found since. */
const ANSWERS_MS = 365 * 24 * 60 * 60 * 1000;

const unpack = promisify(brotliDecompress);

export async function* seedEntries({ path }: Pick<Seed, "path">): AsyncGenerator<Entry> {
  const text = await unpack(await shippedFile(path));
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf(0x0a, from);
    const line = text.subarray(from, end);
    from = end + 1;
    yield jsonEntry(JSON.parse(decode(line)).id, line);
  }
}

/** The feed that it is. Who asks what feeds cover is only told of it where it is whole, and not too old. */
export function seedRow({ ecosystem, at, isWhole, records, mark }: Seed, now: number): FeedRow {
  const of = Date.parse(at);
  return {
    name: seedOf(ecosystem),
    readAt: isWhole && now - of < ANSWERS_MS ? of : null,
    wholeAt: of,
    newestAt: of,
    records,
    skipped: 0,
    etag: mark,
    deltaTo: null,
    error: null,
  };
}

/** Less is what an operator wrote down beside it, and not in its place. */
const MANY = 1_000;

/** Feeds that are no seed tell at least half as much. */
export async function isOutgrown(
  sql: Query,
  purlType: string,
  { ecosystem, records }: Seed,
): Promise<boolean> {
  const enough = Math.max(MANY, Math.ceil(records / 2));
  const rows = await sql`SELECT 1 AS one FROM advisory_packages
    WHERE purl_type = ${purlType} AND feed <> ${seedOf(ecosystem)} LIMIT 1 OFFSET ${enough - 1}`;
  return rows.length > 0;
}

/** Records of the seed that another feed has as well: what that one says of them counts, also that they were withdrawn. */
export async function toldElsewhere(sql: Query, { ecosystem }: Seed): Promise<string[]> {
  const feed = seedOf(ecosystem);
  const rows = await sql`SELECT id FROM advisories WHERE feed = ${feed}
    AND id IN (SELECT id FROM advisories WHERE feed <> ${feed})`;
  return rows.map(({ id }) => id);
}
