import { expect, test } from "bun:test";
import { readJsonList, readJsonObject } from "./json-stream.ts";
import { Problem } from "./problem.ts";
import { seeded } from "./testkit.ts";

type Random = () => number;

async function* inPieces(bytes: Uint8Array, size: () => number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + Math.floor(size());
    yield bytes.subarray(at, end);
    at = end;
  }
}

/** The object that the events tell of. */
async function rebuild(chunks: AsyncIterable<Uint8Array>): Promise<unknown> {
  const whole = new Map<string, unknown>();
  const walked = new Map<string, unknown>();
  for await (const event of readJsonObject(chunks, "versions")) {
    if (event.kind === "field") whole.set(event.key, event.value);
    if (event.kind === "entry") walked.set(event.key, event.value);
    if (event.kind === "close") whole.set("versions", Object.fromEntries(walked));
  }
  return Object.fromEntries(whole);
}

/** The same of a list. */
async function rebuildList(chunks: AsyncIterable<Uint8Array>): Promise<unknown> {
  const whole = new Map<string, unknown>();
  const walked: unknown[] = [];
  for await (const event of readJsonList(chunks, "list")) {
    if (event.kind === "field") whole.set(event.key, event.value);
    if (event.kind === "items") walked.push(...event.values);
  }
  return { ...Object.fromEntries(whole), list: whole.get("list") ?? walked };
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)]!;
}

const TEXTS = [
  "",
  "a",
  'q"q',
  "back\\slash\\",
  "\\\\",
  "ümläut €",
  "𝄞 clef",
  "line\nend",
  "}]{[,:",
  "\u2028",
  "__proto__",
  "x".repeat(300),
];

function randomValue(random: Random, depth: number): unknown {
  const kind = random() * (depth > 4 ? 5 : 7);
  if (kind < 2) return pick(random, TEXTS);
  if (kind < 3) return pick(random, [0, -1, 1.5, 1e300, -2e-7, 123456789]);
  if (kind < 4) return pick(random, [true, false, null]);
  if (kind < 6) return randomObject(random, depth + 1);
  return Array.from({ length: random() * 4 }, () => randomValue(random, depth + 1));
}

function randomObject(random: Random, depth: number): Record<string, unknown> {
  const entries = Array.from(
    { length: random() * 5 },
    () => [pick(random, TEXTS), randomValue(random, depth)] as const,
  );
  return Object.fromEntries(entries);
}

test("random documents in random pieces read as JSON.parse reads them", async () => {
  const random = seeded(3);
  for (let round = 0; round < 1_500; round++) {
    const document = {
      ...randomObject(random, 0),
      versions: randomObject(random, 1),
      last: randomValue(random, 2),
    };
    const text = JSON.stringify(document, null, pick(random, [0, 1, "\t"]));
    const most = pick(random, [1, 3, 20, 500]);
    const chunks = inPieces(Buffer.from(text), () => random() * most + 0.5);
    expect(await rebuild(chunks)).toEqual(JSON.parse(text));
  }
});

test("random lists in random pieces read as JSON.parse reads them", async () => {
  const random = seeded(6);
  for (let round = 0; round < 1_500; round++) {
    const list = Array.from({ length: random() * 12 }, () => randomValue(random, 2));
    const document = { ...randomObject(random, 0), list, last: randomValue(random, 2) };
    const text = JSON.stringify(document, null, pick(random, [0, 1, "\t"]));
    const most = pick(random, [1, 3, 20, 500]);
    const chunks = inPieces(Buffer.from(text), () => random() * most + 0.5);
    expect(await rebuildList(chunks)).toEqual(JSON.parse(text));
  }
});

const brokenLists = [
  "[1,,2]",
  "[,1]",
  "[1,]",
  "[1 2]",
  "[1:2]",
  '["a"',
  "[1,2,nul,3]",
  "[1}",
  "[{}{}]",
];
for (const list of brokenLists)
  test(`the list ${list} is malformed`, async () => {
    for (const size of [1, 3, 10_000]) {
      const read = rebuildList(inPieces(Buffer.from(`{"list":${list}}`), () => size));
      expect(read).rejects.toMatchObject({ kind: "malformed" });
      await read.catch(() => {});
    }
  });

test("what is no list is a field", async () => {
  const read = rebuildList(inPieces(Buffer.from('{"list":{"a":1}}'), () => 5));
  expect(await read).toEqual({ list: { a: 1 } });
});

test("damaged lists end as malformed or read as JSON.parse reads them", async () => {
  const random = seeded(8);
  let refused = 0;
  for (let round = 0; round < 3_000; round++) {
    const list = Array.from({ length: random() * 8 }, () => randomValue(random, 3));
    const bytes = Buffer.from(JSON.stringify({ list }));
    for (let times = random() * 3; times > 0; times--)
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    try {
      const read = await rebuildList(inPieces(bytes, () => random() * 40 + 0.5));
      expect(read).toMatchObject(JSON.parse(bytes.toString()));
    } catch (error) {
      expect(error).toBeInstanceOf(Problem);
      expect((error as Problem).kind).toBe("malformed");
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(1_000);
});

test("damaged documents end as malformed or read as JSON.parse reads them", async () => {
  const random = seeded(4);
  let refused = 0;
  for (let round = 0; round < 3_000; round++) {
    const bytes = Buffer.from(
      JSON.stringify({ a: randomValue(random, 1), versions: randomObject(random, 1) }),
    );
    const cut = random() < 0.5 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes;
    for (let times = random() * 3; times > 0 && cut.length; times--)
      cut[Math.floor(random() * cut.length)] = Math.floor(random() * 256);
    try {
      const read = await rebuild(inPieces(cut, () => random() * 40 + 0.5));
      expect(read).toEqual(JSON.parse(cut.toString()));
    } catch (error) {
      expect(error).toBeInstanceOf(Problem);
      expect((error as Problem).kind).toBe("malformed");
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(1_500);
});

const broken: [text: string, what: string][] = [
  ["", "nothing"],
  ["<!doctype html><title>Log in</title>", "a login page"],
  ["[]", "no object"],
  ['{"a":1}x', "something behind it"],
  ['{"a":1,}', "a comma too many"],
  ['{"a":1 "b":2}', "a comma too few"],
  ['{"a" 1}', "no colon"],
  ["{a:1}", "a bare key"],
  ['{"a":1,"a":2}', "a field that comes twice"],
  ['{"versions":{"1.0.0":{},"1.0.0":{}}}', "a version that comes twice"],
  ['{"versions":{"1.0.0":{}', "an end in the middle"],
  ['{"a":12', "an end behind a number"],
  [`{"a":${"[".repeat(600)}${"]".repeat(600)}}`, "a tower"],
];
for (const [text, what] of broken)
  test(`${what} is malformed`, async () => {
    for (const size of [1, 7, 10_000]) {
      const read = rebuild(inPieces(Buffer.from(text), () => size));
      expect(read).rejects.toMatchObject({ kind: "malformed" });
      await read.catch(() => {});
    }
  });

test("a document of 30 MB is read without reading ahead", async () => {
  const manifest = JSON.stringify({ readme: 'é\\n"'.repeat(1_000), dist: { tarball: "x" } });
  const count = Math.ceil(30e6 / Buffer.byteLength(manifest));
  let taken = 0;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (; taken < count; taken++)
      yield Buffer.from(`${taken ? "," : '{"versions":{'}"1.0.${taken}":${manifest}`);
    yield Buffer.from('},"name":"big"}');
  }
  let given = 0;
  let mostHeld = 0;
  for await (const event of readJsonObject(chunks(), "versions")) {
    if (event.kind !== "entry") continue;
    mostHeld = Math.max(mostHeld, taken - given);
    given++;
  }
  expect(given).toBe(count);
  expect(mostHeld).toBeLessThanOrEqual(1);
});

test("who stops early closes the source", async () => {
  let closed = false;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      yield Buffer.from('{"a":1,"b":');
      yield Buffer.from("2}");
    } finally {
      closed = true;
    }
  }
  for await (const _ of readJsonObject(chunks(), "versions")) break;
  expect(closed).toBe(true);
});
