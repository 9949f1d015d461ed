import { expect, test } from "bun:test";
import { packumentRef } from "./documents.ts";
import { serveSearch } from "./search.ts";
import { bodyOf, FakeRepository, request } from "./testdata/repository.ts";

function known(repository: FakeRepository, ...names: string[]): void {
  for (const name of names) {
    const manifest = { name, version: "1.0.0", description: `${name} it is`, dist: {} };
    const document = { name, "dist-tags": { latest: "1.0.0" }, versions: { "1.0.0": manifest } };
    repository.store(packumentRef(name), document);
  }
}

async function search(repository: FakeRepository, query: string) {
  const reply = await serveSearch(request({ query }), repository);
  const { objects, total, time } = bodyOf(reply);
  expect(Date.parse(time)).toBe(repository.clock);
  return {
    names: objects.map((result: { package: { name: string } }) => result.package.name),
    total,
    objects,
    reply,
  };
}

const theirs = (...names: string[]) => ({
  status: 200,
  body: {
    objects: names.map((name) => ({ package: { name }, searchScore: 1 })),
    total: names.length,
  },
});

test("the upstream's results come first, then what is known here", async () => {
  const repository = new FakeRepository();
  known(repository, "left-pad", "left-right", "lodash");
  repository.upstream = () => theirs("left-pad", "leftover");
  const { names, total, objects } = await search(repository, "text=left&size=20");
  expect(names).toEqual(["left-pad", "leftover", "left-right"]);
  expect(total).toBe(3);
  expect(objects[2]).toEqual({
    package: {
      name: "left-right",
      version: "1.0.0",
      description: "left-right it is",
      keywords: [],
      maintainers: [],
      links: {},
    },
    score: { final: 0, detail: { quality: 0, popularity: 0, maintenance: 0 } },
    searchScore: 0,
  });
});

test("size and from are bounded and sent on, weights too, nothing else", async () => {
  const repository = new FakeRepository();
  repository.upstream = () => theirs();
  await search(repository, "text=a%20b&size=9999&from=-1&quality=0.65&popularity=x&secret=1");
  expect(repository.asked[0]).toEqual({
    path: "-/v1/search?text=a+b&size=250&from=0&quality=0.65",
    package: null,
  });
});

const silent: [what: string, upstream: FakeRepository["upstream"]][] = [
  ["away", null],
  ["without search", () => ({ status: 404 })],
  ["refusing the method", () => ({ status: 405 })],
  ["a login page", () => ({ status: 200, body: "<html>" })],
  ["something else", () => ({ status: 200, body: { objects: 5 } })],
];
for (const [what, upstream] of silent)
  test(`with an upstream that is ${what}, what is known here is found`, async () => {
    const repository = new FakeRepository();
    known(repository, "@types/react", "react", "react-dom");
    repository.upstream = upstream;
    const all = await search(repository, "text=react&size=2");
    expect([all.names, all.total]).toEqual([["@types/react", "react"], 3]);
    expect((await search(repository, "text=react&from=2")).names).toEqual(["react-dom"]);
    expect((await search(repository, "text=react%20dom")).names).toEqual(["react-dom"]);
  });

for (const text of [
  "@acme/secret",
  "left @acme/secret",
  "scope:acme",
  "@acme",
  "acme",
  "keywords:x,secret",
  "-secret",
  '"secret"',
  "@acme/app@1",
  "npm:@acme/app@^1.0.0",
  "secret~",
  "secret*",
  "(secret)",
  "not:secret@latest",
  "https://host/@acme/app",
  `${"a~".repeat(250)}`,
])
  test(`a search for ${text} stays here`, async () => {
    const repository = new FakeRepository();
    repository.claimed = ["@acme/*", "secret"];
    repository.upstream = () => theirs("a");
    await search(repository, `text=${encodeURIComponent(text)}`);
    expect(repository.asked).toEqual([]);
  });

test("the upstream's packages of private names are not shown", async () => {
  const repository = new FakeRepository();
  repository.claimed = ["@acme/*"];
  known(repository, "@acme/thing");
  repository.upstream = () => theirs("thing", "@acme/thing");
  expect((await search(repository, "text=thing")).names).toEqual(["thing"]);
});
