// Lists in pages: how many, and a cursor that says where the next one begins and nothing that clients could build on.
import { z } from "zod";
import { WrongFields } from "./endpoint.ts";

const MOST = 1000;

/** The query of every list. */
export const paged = {
  limit: z.coerce.number().int().min(1).max(MOST).default(100).describe("How many at most"),
  cursor: z.string().optional().describe("The `next` of the page before"),
};

export interface Page<Item> {
  items: Item[];
  /** Null on the last page. */
  next: string | null;
}

export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    next: z.string().nullable().describe("The cursor of the next page; null on the last one"),
  });
}

interface Asked {
  limit: number;
  cursor?: string | undefined;
}

/** A page of what is sorted by a key that no two share. */
export function pageBy<Item>(
  all: readonly Item[],
  keyOf: (item: Item) => string,
  asked: Asked,
): Page<Item> {
  const after = keyOfCursor(asked.cursor);
  const rest = after === null ? all : all.filter((item) => keyOf(item) > after);
  const items = rest.slice(0, asked.limit);
  return { items, next: rest.length > items.length ? cursorOf(keyOf(items.at(-1)!)) : null };
}

/** A page of rows that come with the newest first, by their number; one more than asked for was read. */
export function pageOfRows<Row, Item>(
  rows: readonly Row[],
  idOf: (row: Row) => number,
  make: (row: Row) => Item,
  { limit }: Asked,
): Page<Item> {
  const shown = rows.slice(0, limit);
  return {
    items: shown.map(make),
    next: rows.length > limit ? cursorOf(String(idOf(shown.at(-1)!))) : null,
  };
}

/** The number before which the page begins; none on the first one. */
export function rowBefore(cursor: string | undefined): number | null {
  const text = keyOfCursor(cursor);
  if (text === null) return null;
  const id = Number(text);
  if (!Number.isSafeInteger(id)) throw notOurs();
  return id;
}

export function cursorOf(key: string): string {
  return Buffer.from(`1${key}`).toString("base64url");
}

/** A key that a query of the database is given. Throws WrongFields for what no page gave. */
export function readCursor(cursor: string | undefined): string | null {
  const text = keyOfCursor(cursor);
  if (text !== null && !isValue(text)) throw notOurs();
  return text;
}

function keyOfCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const text = Buffer.from(cursor, "base64url").toString();
  if (!text.startsWith("1") || cursorOf(text.slice(1)) !== cursor) throw notOurs();
  return text.slice(1);
}

/** Of a list that is sorted by several columns: where its page ended. */
export function placeCursor(place: readonly (string | number)[]): string {
  return cursorOf(JSON.stringify(place));
}

/** Throws WrongFields for what no page gave. */
export function readPlace<Place extends readonly (string | number)[]>(
  cursor: string | undefined,
  shape: z.ZodType<Place>,
): Place | null {
  const text = keyOfCursor(cursor);
  if (text === null) return null;
  let place: Place;
  try {
    place = shape.parse(JSON.parse(text));
  } catch {
    throw notOurs();
  }
  if (!place.every(isValue)) throw notOurs();
  return place;
}

/** What stands in a column that a page is sorted by. PostgreSQL fails at a text with a NUL, and at what is no whole number. */
function isValue(value: string | number): boolean {
  if (typeof value === "number") return Number.isSafeInteger(value);
  return value.isWellFormed() && !value.includes("\0");
}

function notOurs(): WrongFields {
  return new WrongFields([{ field: "query.cursor", detail: "is no cursor that a page gave" }]);
}
