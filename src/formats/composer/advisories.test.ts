import { beforeEach, expect, test } from "bun:test";
import { serviceOf } from "../../core/testkit.ts";
import { composer } from "./index.ts";
import { bodyOf, FakeRepository, problemOf, request } from "./testdata/repository.ts";

const PATH = "/api/security-advisories/";
const bleaching = { advisoryId: "PKSA-1", packageName: "reef/coral", affectedVersions: "<1.1" };

let repository: FakeRepository;
beforeEach(() => {
  repository = new FakeRepository();
  repository.claimed = ["acme/*"];
  repository.store("root", "packages.json", {
    "metadata-url": "/p2/%package%.json",
    "security-advisories": { metadata: false, "api-url": "https://api.example.test/advisories" },
  });
  repository.upstream = () => ({
    status: 200,
    body: { advisories: { "reef/coral": [bleaching], "acme/secret": [{ advisoryId: "X" }] } },
  });
});

/** As PHP's http_build_query writes it. */
function post(...names: string[]) {
  const text = names.map((name, at) => `packages%5B${at}%5D=${encodeURIComponent(name)}`).join("&");
  return serviceOf(composer, repository).serve(
    { kind: "advisories" },
    request({ method: "POST", text }),
    repository,
  );
}

function get(query: string) {
  return serviceOf(composer, repository).serve(
    { kind: "advisories" },
    request({ path: PATH, query }),
    repository,
  );
}

test("advisories are asked for by name, and private names are not among them", async () => {
  const reply = await post("reef/coral", "acme/secret", "isle/palm", "not a name", "Reef/Coral");
  expect(bodyOf(reply)).toEqual({ advisories: { "reef/coral": [bleaching] } });
  expect(reply.cache).toMatchObject({ hit: false, fwd: "request" });
  expect(repository.asked).toEqual([
    {
      path: "https://api.example.test/advisories",
      package: null,
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: "packages%5B0%5D=reef%2Fcoral&packages%5B1%5D=isle%2Fpalm",
      limit: 64 * 1024 * 1024,
    },
  ]);
});

test("the same by GET", async () => {
  const reply = await get("packages[]=reef/coral&packages[]=acme/secret");
  expect(bodyOf(reply)).toEqual({ advisories: { "reef/coral": [bleaching] } });
  expect(repository.asked[0]?.body).toBe("packages%5B0%5D=reef%2Fcoral");
});

test("private names alone are a question to nobody, and so is no name", async () => {
  expect(bodyOf(await post("acme/secret"))).toEqual({ advisories: {} });
  expect(bodyOf(await post())).toEqual({ advisories: {} });
  expect(bodyOf(await get("updatedSince=1&packages[]=acme/secret"))).toEqual({ advisories: {} });
  expect(repository.asked).toEqual([]);
});

test("what was told once is told while the upstream is away, and what was never asked is said", async () => {
  await post("reef/coral", "isle/palm");
  repository.clock += 60 * 60 * 1000;
  repository.upstream = null;
  const known = await post("reef/coral", "isle/palm", "acme/secret");
  expect(bodyOf(known)).toEqual({
    advisories: { "reef/coral": [bleaching] },
    info: "holdfast: the upstream cannot be asked; advisories as of 2026-11-23",
  });
  expect(known.cache).toEqual({ hit: true, detail: "unreachable", age: 3600 });
  expect(bodyOf(await post("reef/coral", "deep/lantern"))["info"]).toEndWith(
    "2026-11-23; 1 of 2 packages were never asked for",
  );
  expect(bodyOf(await post("isle/palm"))["advisories"]).toEqual({});
  expect((await problemOf(post("deep/lantern"))).kind).toBe("unreachable");
});

test("a later answer takes the place of an earlier one, also when it is that there is none", async () => {
  await post("reef/coral");
  repository.upstream = () => ({ status: 200, body: { advisories: [] } });
  expect(bodyOf(await post("reef/coral"))).toEqual({ advisories: {} });
  repository.upstream = null;
  expect(bodyOf(await post("reef/coral"))["advisories"]).toEqual({});
});

test("what changed since a time is asked for and not kept", async () => {
  await get("updatedSince=1700000000");
  expect(repository.asked[0]).toMatchObject({
    path: "https://api.example.test/advisories?updatedSince=1700000000",
  });
  await get("packages[]=reef/coral&updatedSince=1700000000");
  expect(repository.asked[1]?.body).toBe("packages%5B0%5D=reef%2Fcoral&updatedSince=1700000000");
  expect(repository.values.size).toBe(0);
  repository.upstream = null;
  expect((await problemOf(get("updatedSince=1700000000"))).kind).toBe("unreachable");
});

const bad: [status: number, body: unknown, kind: string][] = [
  [200, "<html>", "malformed"],
  [200, { advisories: "none" }, "malformed"],
  [404, {}, "notFound"],
  [403, {}, "refused"],
];

for (const [status, body, kind] of bad)
  test(`an upstream that answers ${status} ${JSON.stringify(body)} is ${kind}, unless advisories are kept`, async () => {
    const honest = repository.upstream;
    repository.upstream = () => ({ status, body });
    expect((await problemOf(post("reef/coral"))).kind).toBe(kind as never);
    repository.upstream = honest;
    await post("reef/coral");
    repository.upstream = () => ({ status, body });
    expect(bodyOf(await post("reef/coral"))["advisories"]).toEqual({ "reef/coral": [bleaching] });
  });

test("an upstream without advisories is told of", async () => {
  repository.store("root", "packages.json", { "metadata-url": "/p2/%package%.json" });
  expect((await problemOf(post("reef/coral"))).kind).toBe("notFound");
});

test("a question about more packages than any project has is refused before anybody is asked", async () => {
  const names = Array.from({ length: 10_001 }, (_, at) => `a/b${at}`);
  expect((await problemOf(post(...names))).kind).toBe("tooLarge");
  expect(repository.asked).toEqual([]);
  expect(repository.values.size).toBe(0);
});
