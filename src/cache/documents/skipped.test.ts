import { afterEach, expect, test } from "bun:test";
import { answer, index, openToy } from "../testkit.ts";

let toy: Awaited<ReturnType<typeof openToy>>;
afterEach(() => toy.close());

const see = () => toy.repository.view(index, { variant: "all", base: "" }, {});
const names = (files: Record<string, string | null>) => answer(200, JSON.stringify({ files }));
const messages = async () =>
  (await toy.events()).filter(({ kind }) => kind === "skipped").map(({ message }) => message);
const told = (file: string) =>
  `upstream.example.test shows ${file} of thing in a way that cannot be used, and it is left out: it is odd`;

test("an entry that cannot be used is told of once, not at each refresh, and the rest is taken in", async () => {
  toy = await openToy();
  toy.upstream.behave = () => names({ a: "sha1-AAAA", b: "odd" });
  await see();
  expect(await messages()).toEqual([told("b")]);
  for (const files of [{ b: "odd", c: null }, { c: null }, { b: "odd" }]) {
    await toy.restart();
    toy.clock.shift += 61_000;
    toy.upstream.behave = () => names(files as Record<string, string | null>);
    await see();
  }
  expect(await messages()).toEqual([told("b")]);
  toy.clock.shift += 61_000;
  toy.upstream.behave = () => names({ b: "odd", d: "odd" });
  await see();
  expect(await messages()).toEqual([told("b"), told("d")]);
  expect((await toy.repository.files("thing")).map(({ file }) => file).sort()).toEqual(["a", "c"]);
});

test("a document that is odd throughout is one event, also when it is read in the worker", async () => {
  toy = await openToy();
  const files = Object.fromEntries(
    Array.from({ length: 30_000 }, (_, at) => [`file-${at}.tgz`, "odd"]),
  );
  toy.upstream.behave = () => names({ ...files, fine: null });
  await see();
  const [event, ...others] = await toy.events();
  expect([others.length, event!.kind, event!.detail!["count"]]).toEqual([0, "skipped", 30_000]);
  expect(toy.jobs).toContain("ingest");
  toy.clock.shift += 61_000;
  toy.upstream.behave = () => names({ ...files, fine: null, more: null });
  await see();
  expect(await messages()).toHaveLength(1);
});
