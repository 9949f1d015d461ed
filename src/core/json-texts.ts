// Reads a JSON object that carries files as texts in base64 (npm's publish document), without ever holding one of them.
import { CLOSE_OBJECT, Cursor, END, malformed, OPEN_OBJECT, parse, QUOTE } from "./json-cursor.ts";
import type { JsonField } from "./json-stream.ts";

/** Of the object that is walked: a member of one of its entries. */
export type JsonMember =
  | { kind: "member"; entry: string; key: string; value: unknown }
  /** A text to be read to its end before the next event is asked for; what is left of it is skipped. */
  | { kind: "text"; entry: string; key: string; chunks: AsyncIterable<string> };

/**
 * The fields of the top-level object; of the field `walked`, an object of objects, the members of each entry. Those that `isText` names come as they
 * are read, all others whole: `limit` bytes of one at most. Throws Problem("malformed") as JSON.parse would, and for what comes twice.
 */
export async function* readJsonTexts(
  chunks: AsyncIterable<Uint8Array>,
  walked: string,
  isText: (entry: string, key: string) => boolean,
  limit: number,
): AsyncGenerator<JsonField | JsonMember> {
  const cursor = new Cursor(chunks[Symbol.asyncIterator](), limit);
  try {
    for await (const key of members(cursor)) {
      if (key !== walked || (await cursor.peek()) !== OPEN_OBJECT)
        yield { kind: "field", key, value: parse(await cursor.value()) };
      else
        for await (const entry of members(cursor)) {
          if ((await cursor.peek()) !== OPEN_OBJECT)
            throw malformed(`${walked} holds something that is no object`);
          for await (const name of members(cursor)) yield* member(cursor, entry, name, isText);
        }
    }
    if ((await cursor.peek()) !== END) throw malformed("something follows its end");
  } finally {
    await cursor.close();
  }
}

async function* member(
  cursor: Cursor,
  entry: string,
  key: string,
  isText: (entry: string, key: string) => boolean,
): AsyncGenerator<JsonMember> {
  if ((await cursor.peek()) !== QUOTE || !isText(entry, key)) {
    yield { kind: "member", entry, key, value: parse(await cursor.value()) };
    return;
  }
  const text = cursor.text();
  // Ended by who reads it half, it would end the cursor's place in the text.
  const chunks = { [Symbol.asyncIterator]: () => ({ next: () => text.next() }) };
  yield { kind: "text", entry, key, chunks };
  for await (const _rest of text);
}

/** The keys of an object; the value of each is to be read before the next. */
async function* members(cursor: Cursor): AsyncGenerator<string> {
  const keys = new Set<string>();
  await cursor.expect(OPEN_OBJECT);
  for (let first = true; await cursor.hasNext(first, CLOSE_OBJECT); first = false)
    yield await cursor.key(keys);
}
