import { beforeEach, expect, test } from "bun:test";
import { serviceOf } from "../../core/testkit.ts";
import { composer } from "./index.ts";
import { bodyOf, FakeRepository, problemOf, request } from "./testdata/repository.ts";

let repository: FakeRepository;
beforeEach(() => {
  repository = new FakeRepository();
  repository.claimed = ["acme/*", "reef/own"];
  repository.store("root", "packages.json", {
    "metadata-url": "/p2/%package%.json",
    search: "https://search.example.test/?q=%query%&type=%type%",
    list: "/packages/list.json",
  });
  const versions = [{ version: "1.0.0", description: "The coral", abandoned: "reef/polyp" }];
  repository.store("package", "reef/coral", { packages: { "reef/coral": versions } });
  repository.store("package", "isle/palm", { packages: { "isle/palm": [] } });
});

const search = (query: string) =>
  serviceOf(composer, repository).serve({ kind: "search" }, request({ query }), repository);
const list = (query = "") =>
  serviceOf(composer, repository).serve({ kind: "list" }, request({ query }), repository);

test("a search is the upstream's, without what is private here", async () => {
  repository.upstream = () => ({
    status: 200,
    body: {
      results: [{ name: "reef/coral" }, { name: "reef/own" }, 1],
      total: 3,
      next: "https://x",
    },
  });
  expect(bodyOf(await search("q=cor%20al&type=library&page=2&per_page=x"))).toEqual({
    results: [{ name: "reef/coral" }],
    total: 3,
  });
  expect(repository.asked[0]?.path).toBe(
    "https://search.example.test/?q=cor%20al&type=library&page=2",
  );
});

test("a search is answered from what is stored while the upstream is away", async () => {
  expect(bodyOf(await search("q=r"))).toEqual({
    results: [{ name: "reef/coral", description: "The coral", abandoned: "reef/polyp" }],
    total: 1,
  });
  expect(bodyOf(await search("q=nothing"))).toEqual({ results: [], total: 0 });
  repository.upstream = () => ({ status: 200, body: "<html>" });
  expect(bodyOf(await search("q=palm&type="))["total"]).toBe(1);
});

const named = [
  "acme/secret",
  "acme",
  "secret acme/secret",
  "reef/own",
  "ACME/x",
  "acme%2Fsecret",
  "vendor:acme/secret",
  '"acme/x"',
  "^acme/",
];

for (const text of named)
  test(`a search for ${text} is not sent`, async () => {
    repository.upstream = () => ({ status: 200, body: { results: [] } });
    await search(`q=${encodeURIComponent(text)}`);
    await list(`filter=${encodeURIComponent(text)}`);
    await list(`filter=${encodeURIComponent(`${text}*`)}`);
    await list(`vendor=${encodeURIComponent(text)}`);
    expect(repository.asked).toEqual([]);
  });

test("the list is the upstream's, asked for by filter, vendor and type", async () => {
  repository.upstream = () => ({
    status: 200,
    body: { packageNames: ["reef/coral", "reef/own", 1] },
  });
  expect(bodyOf(await list("filter=reef/*&vendor=reef&type=library&x=1"))).toEqual({
    packageNames: ["reef/coral"],
  });
  expect(repository.asked[0]?.path).toBe(
    "/packages/list.json?vendor=reef&filter=reef%2F*&type=library",
  );
  repository.upstream = null;
  expect(bodyOf(await list("filter=reef/*&vendor=reef&type=library"))).toEqual({
    packageNames: ["reef/coral"],
  });
});

test("the list of all is asked for now and then, and answers for filters while the upstream is away", async () => {
  const packageNames = ["reef/coral", "isle/palm", "isle/shell"];
  repository.upstream = () => ({ status: 200, body: { packageNames } });
  expect(bodyOf(await list())).toEqual({ packageNames });
  await list();
  expect(repository.asked).toHaveLength(1);
  repository.clock += 11 * 60 * 1000;
  await list();
  expect(repository.asked).toHaveLength(2);
  repository.upstream = null;
  repository.clock += 30 * 24 * 60 * 60 * 1000;
  expect(bodyOf(await list("filter=isle/*"))).toEqual({
    packageNames: ["isle/palm", "isle/shell"],
  });
  expect(bodyOf(await list("vendor=reef"))).toEqual({ packageNames: ["reef/coral"] });
});

test("the list is what is stored when the upstream was never asked, and no answer when nothing is", async () => {
  expect(bodyOf(await list("filter=r*"))).toEqual({ packageNames: ["reef/coral"] });
  expect((await problemOf(list("type=library&filter=none/*"))).kind).toBe("unreachable");
});

test("an upstream that lists its packages needs no search", async () => {
  repository.store("root", "packages.json", {
    packages: { "dock/crane": {}, "dock/winch": {}, "acme/secret": {} },
  });
  expect(bodyOf(await search("q=win dock"))).toEqual({
    results: [{ name: "dock/winch", description: "" }],
    total: 1,
  });
  expect(bodyOf(await list("filter=dock/*"))).toEqual({
    packageNames: ["dock/crane", "dock/winch"],
  });
  expect(bodyOf(await list("vendor=acme"))).toEqual({ packageNames: [] });
});
