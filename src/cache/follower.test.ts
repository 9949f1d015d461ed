// A repository of a server that follows another one: what the primary shows no more is not to be shown.
import { afterEach, expect, test } from "bun:test";
import { answer, index, openToy, sri } from "./testkit.ts";

let toy: Awaited<ReturnType<typeof openToy>>;
afterEach(() => toy.close());

const view = { variant: "all", base: "" };
const BYTES = Buffer.from("some bytes");
const shown = async () => {
  const { bytes } = await toy.repository.read(index, view);
  return JSON.parse(Buffer.from(bytes).toString()).files;
};
/** In another millisecond: what was confirmed in this one is not asked for again. */
function renew(): Promise<number> {
  toy.clock.shift += 1;
  return toy.mounted.renew("thing");
}
function says(...files: string[]): void {
  const all = Object.fromEntries(files.map((file) => [file, sri(BYTES)]));
  toy.upstream.behave = () => answer(200, JSON.stringify({ files: all }));
}

test("stored documents are brought up to date without being asked for, and there are none of what nobody asked for", async () => {
  toy = await openToy({ following: { isFollower: true } });
  says("a");
  expect(await renew()).toBe(0);
  expect(await shown()).toEqual(["a"]);
  says("a", "b");
  expect(await shown()).toEqual(["a"]); // fresh
  expect(await renew()).toBe(1);
  expect(await shown()).toEqual(["a", "b"]);
  toy.upstream.behave = () => answer(502, "");
  await expect(renew()).rejects.toThrow();
});

test("a file that is shown no more is shown no more, and nobody is told that it went", async () => {
  toy = await openToy({ following: { isFollower: true } });
  says("a", "b");
  await shown();
  says("b");
  await renew();
  expect(await shown()).toEqual(["b"]);
  says("a", "b");
  await renew();
  expect(await shown()).toEqual(["a", "b"]);
  expect(await toy.eventKinds()).toEqual([]);
});

test("a document that is there no more is here no more, also when the primary is away", async () => {
  toy = await openToy({ following: { isFollower: true } });
  says("a");
  await shown();
  toy.upstream.behave = () => answer(404, "");
  expect(await renew()).toBe(1);
  await expect(shown()).rejects.toThrow("not known to the upstream");
  toy.upstream.behave = () => answer(502, "");
  await expect(shown()).rejects.toThrow();
  says("b");
  toy.clock.shift += 600_000;
  expect(await shown()).toEqual(["b"]);
});
