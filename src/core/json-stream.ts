// Reads a JSON object of any size from its bytes, one value at a time. RFC 8259
// A packument may have 105 MB: parsed whole it would take ten times that in memory and stop everything else for seconds.
import {
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  Cursor,
  END,
  malformed,
  OPEN_ARRAY,
  OPEN_OBJECT,
  parse,
} from "./json-cursor.ts";

/** What the document is made of, in its own order. */
export interface JsonField {
  kind: "field";
  key: string;
  value: unknown;
}

/** From the one object that is walked. */
export type JsonEntry =
  | { kind: "open" }
  | { kind: "entry"; key: string; value: unknown }
  | { kind: "close" };

/** From the one array that is walked: the next of its elements. */
export type JsonItems = { kind: "open" } | { kind: "items"; values: unknown[] };

/**
 * The fields of the top-level object; of the field `walked` its entries, each parsed alone. Holds one value at a time, 64 MiB
 * at most. Throws Problem("malformed") for anything that JSON.parse would refuse, and for a field or entry that comes twice.
 */
export function readJsonObject(
  chunks: AsyncIterable<Uint8Array>,
  walked: string,
): AsyncGenerator<JsonField | JsonEntry> {
  return read(chunks, walked, OPEN_OBJECT, walkObject);
}

/**
 * The same where the field `walked` is an array: its elements, as many at a time as lie within one chunk. Where it is no array it is
 * a field like the others.
 */
export function readJsonList(
  chunks: AsyncIterable<Uint8Array>,
  walked: string,
): AsyncGenerator<JsonField | JsonItems> {
  return read(chunks, walked, OPEN_ARRAY, walkArray);
}

async function* read<Event>(
  chunks: AsyncIterable<Uint8Array>,
  walked: string,
  opening: number,
  walk: (cursor: Cursor) => AsyncGenerator<Event>,
): AsyncGenerator<JsonField | Event> {
  const cursor = new Cursor(chunks[Symbol.asyncIterator]());
  const fields = new Set<string>();
  try {
    await cursor.expect(OPEN_OBJECT);
    for (let first = true; await cursor.hasNext(first, CLOSE_OBJECT); first = false) {
      const key = await cursor.key(fields);
      if (key === walked && (await cursor.peek()) === opening) yield* walk(cursor);
      else yield { kind: "field", key, value: parse(await cursor.value()) };
    }
    if ((await cursor.peek()) !== END) throw malformed("something follows its end");
  } finally {
    await cursor.close();
  }
}

async function* walkObject(cursor: Cursor): AsyncGenerator<JsonEntry> {
  yield { kind: "open" };
  await cursor.expect(OPEN_OBJECT);
  const entries = new Set<string>();
  for (let first = true; await cursor.hasNext(first, CLOSE_OBJECT); first = false) {
    const key = await cursor.key(entries);
    yield { kind: "entry", key, value: parse(await cursor.value()) };
  }
  yield { kind: "close" };
}

async function* walkArray(cursor: Cursor): AsyncGenerator<JsonItems> {
  yield { kind: "open" };
  await cursor.expect(OPEN_ARRAY);
  for (let first = true; await cursor.hasNext(first, CLOSE_ARRAY); first = false) {
    yield { kind: "items", values: [parse(await cursor.value())] };
    const more = cursor.valuesAtHand();
    if (more.length) yield { kind: "items", values: parse(more) as unknown[] };
  }
}
