import { beforeEach, expect, test } from "bun:test";
import { Problem } from "../../core/problem.ts";
import { serviceOf } from "../../core/testkit.ts";
import { composer } from "./index.ts";
import { BASE, bodyOf, FakeRepository, problemOf, request } from "./testdata/repository.ts";

let repository: FakeRepository;
beforeEach(() => {
  repository = new FakeRepository();
});

function get(path: string) {
  const [pathname = "", query = ""] = path.split("?");
  const route = composer.parse("GET", pathname);
  if (!route) throw new Problem("notFound", "no route");
  const asked = request({ method: "GET", path: pathname, query, text: "" });
  return serviceOf(composer, repository).serve(route, asked, repository);
}

test("a repository without an upstream lists what the caller may read, has its own search, and no is no outage", async () => {
  Object.assign(repository, { hasUpstreams: false, published: ["acme/ui"] });
  const reply = await get("/packages.json");
  expect(bodyOf(reply)).toMatchObject({
    "metadata-url": `${BASE}/p2/%package%.json`,
    "available-packages": ["acme/ui"],
    search: `${BASE}/search.json?q=%query%&type=%type%`,
    list: `${BASE}/list.json`,
  });
  // Another caller's is another.
  expect(reply.isShared).toBeUndefined();
  expect(reply.lastModified).toBeUndefined();
  expect((await problemOf(get("/p2/acme/kit.json"))).kind).toBe("notFound");
  expect(bodyOf(await get("/list.json"))).toEqual({ packageNames: ["acme/ui"] });
  expect(bodyOf(await get("/search.json?q=UI"))).toMatchObject({
    results: [{ name: "acme/ui" }],
    total: 1,
  });
});

test("who asks for a type gets what is published here of it as well", async () => {
  Object.assign(repository, {
    hasUpstreams: false,
    published: ["acme/kit", "acme/lost", "acme/new", "acme/ui"],
  });
  for (const [name, type] of [
    ["acme/kit", undefined],
    ["acme/ui", "Composer-Plugin"],
  ] as const)
    repository.store("package", name, {
      packages: { [name]: [{ name, version: "1.0.0", version_normalized: "1.0.0.0", type }] },
    });
  const branch = { name: "acme/new", version: "dev-main", version_normalized: "dev-main" };
  repository.store("package", "acme/new", { packages: { "acme/new": [] } });
  repository.store("dev", "acme/new", { packages: { "acme/new": [branch] } });
  const list = async (query: string) => bodyOf(await get(`/list.json?${query}`));
  expect(await list("type=composer-plugin")).toEqual({ packageNames: ["acme/ui"] });
  expect(await list("type=library&vendor=acme")).toEqual({
    packageNames: ["acme/kit", "acme/new"],
  });
  expect(bodyOf(await get("/search.json?q=acme&type=library"))).toMatchObject({ total: 2 });
  expect(await list("type=library&vendor=reef")).toEqual({ packageNames: [] });
});

test("without anything that the caller may read it is empty", async () => {
  Object.assign(repository, { hasUpstreams: false });
  expect(bodyOf(await get("/packages.json"))).not.toHaveProperty("available-packages");
  expect((await problemOf(get("/p2/acme/ui.json"))).kind).toBe("notFound");
});

test("where the upstream lists its names ours are listed with them, and not where it does not", async () => {
  repository.published = ["acme/ui"];
  repository.store("root", "packages.json", { "metadata-url": "/p2/%package%.json" });
  expect(bodyOf(await get("/packages.json"))).not.toHaveProperty("available-packages");
  repository.store("root", "packages.json", {
    "metadata-url": "/p2/%package%.json",
    "available-packages": ["reef/coral", "acme/ui"],
  });
  expect(bodyOf(await get("/packages.json"))).toMatchObject({
    "available-packages": ["reef/coral", "acme/ui"],
  });
});

test("an upstream that was never asked keeps nobody from what is published here, and says no to nothing", async () => {
  repository.published = ["acme/ui"];
  expect(bodyOf(await get("/packages.json"))).toMatchObject({
    "metadata-url": `${BASE}/p2/%package%.json`,
  });
  expect((await problemOf(get("/p2/reef/coral.json"))).kind).toBe("offline");
  repository.published = [];
  expect((await problemOf(get("/packages.json"))).kind).toBe("offline");
});
