import { afterEach, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { answer, artifact, bytesOf, index, openToy, request, sha256, sri } from "../testkit.ts";

let toy: Awaited<ReturnType<typeof openToy>>;
afterEach(() => toy.close());

const bytes = Buffer.from("the bytes that are served");
const wrong = sri(Buffer.from("others"));

/** What the document says of the file next, after its bytes were fetched while it said `first`. */
async function open(first: string | null) {
  toy = await openToy();
  let said = first;
  toy.upstream.behave = ({ path }) =>
    path === "thing" ? answer(200, JSON.stringify({ files: { a: said } })) : answer(200, bytes);
  await toy.repository.artifact(artifact("a"), request()).then(bytesOf);
  return async (next: string | null) => {
    said = next;
    toy.clock.shift += 61_000;
    const reply = await toy.repository.view(index, { variant: "all", base: "" }, {});
    return JSON.parse(gunzipSync(reply.body as Uint8Array).toString()).overlay;
  };
}

const tampered = async () =>
  (await toy.events()).filter(({ kind }) => kind === "tampered").map(({ detail }) => detail);
const integrity = async () => (await toy.repository.known("thing", "a"))!.integrity;

test("a digest that is told later and is that of the bytes is recorded, and no news", async () => {
  const say = await open(null);
  expect(await say(sri(bytes))).toEqual([]);
  expect(await say(`${sri(bytes)} ${sri(bytes, "sha1")}`)).toEqual([]);
  expect(await integrity()).toBe(`${sri(bytes)} ${sri(bytes, "sha1")}`);
  expect(await tampered()).toEqual([]);
});

test("a digest in another algorithm alone is believed when it is that of the bytes", async () => {
  const say = await open(sri(bytes, "sha1"));
  expect(await say(sri(bytes))).toEqual([]);
  expect(await integrity()).toBe(`${sri(bytes)} ${sri(bytes, "sha1")}`);
  expect(await tampered()).toEqual([]);
});

for (const [what, first, next, shown] of [
  ["where none was known", null, wrong, sri(bytes)],
  [
    "beside the one that is known",
    sri(bytes, "sha1"),
    `${wrong} ${sri(bytes, "sha1")}`,
    `${sri(bytes)} ${sri(bytes, "sha1")}`,
  ],
  ["in the algorithm of the pin", null, sri(Buffer.from("others"), "sha256"), sri(bytes, "sha256")],
] as const)
  test(`a false digest that is told later ${what} is an alarm, once, and clients are shown that of the bytes`, async () => {
    const say = await open(first);
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await say(next)).toEqual([["a", "tampered", first]]);
      await toy.restart();
    }
    expect(await integrity()).toBe(shown);
    expect(await tampered()).toEqual([
      { first: shown, shown: next, upstream: "upstream.example.test" },
    ]);
    const state = await toy.repository.artifact(artifact("a"), request()).then(bytesOf);
    expect(Buffer.compare(state, bytes)).toBe(0);
  });

test("bytes that were pinned before any document named them vouch for themselves", async () => {
  toy = await openToy();
  toy.upstream.behave = () => answer(200, bytes);
  await toy.repository.artifact(artifact("a", { namedBy: [] }), request()).then(bytesOf);
  toy.upstream.behave = () => answer(200, JSON.stringify({ files: { a: wrong } }));
  await toy.repository.view(index, { variant: "all", base: "" }, {});
  expect(await tampered()).toMatchObject([{ first: sri(bytes), shown: wrong }]);
});

test("bytes that are lost, or were altered on disk, say nothing: the new digest waits for them", async () => {
  const say = await open(null);
  rmSync((await toy.blobs.local(sha256(bytes)))!);
  expect(await say(sri(bytes))).toEqual([]);
  expect(await tampered()).toEqual([]);
  expect(await integrity()).toBe(sri(bytes));
  await toy.restart();
  await toy.repository.artifact(artifact("a"), request()).then(bytesOf);
});
