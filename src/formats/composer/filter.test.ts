import { beforeEach, expect, test } from "bun:test";
import { serviceOf } from "../../core/testkit.ts";
import { composer } from "./index.ts";
import { bodyOf, FakeRepository, problemOf, request } from "./testdata/repository.ts";

const entry = { package: "reef/coral", constraint: "1.0.0", reason: "malware" };

let repository: FakeRepository;
beforeEach(() => {
  repository = new FakeRepository();
  repository.claimed = ["acme/*"];
  repository.store("root", "packages.json", {
    "metadata-url": "/p2/%package%.json",
    filter: {
      metadata: true,
      "summary-url": "/p2/summary.json",
      "api-url": "https://api.example.test/f",
    },
  });
});

const summary = () =>
  serviceOf(composer, repository).serve({ kind: "filterSummary" }, request(), repository);
const post = (body: unknown) =>
  serviceOf(composer, repository).serve(
    { kind: "filter" },
    request({ method: "POST", text: JSON.stringify(body) }),
    repository,
  );

test("the summary is passed on without private names, and dated by its last change", async () => {
  const lists = { malware: { "reef/coral": "1.0.0", "acme/secret": "*" }, odd: 1 };
  repository.upstream = () => ({ status: 200, body: { filter: lists, more: true } });
  const want = { filter: { malware: { "reef/coral": "1.0.0" }, odd: 1 }, more: true };
  const first = await summary();
  expect(bodyOf(first)).toEqual(want);
  expect(repository.asked[0]?.path).toBe("/p2/summary.json");
  const { clock } = repository;
  expect(first.lastModified).toBe(clock);
  repository.clock += 60_000;
  expect((await summary()).lastModified).toBe(clock);
  repository.upstream = null;
  const kept = await summary();
  expect(bodyOf(kept)).toEqual(want);
  expect(kept).toMatchObject({ lastModified: clock, cache: { hit: true, detail: "unreachable" } });
});

test("a summary that is none is not kept", async () => {
  repository.upstream = () => ({ status: 200, body: { filter: [] } });
  expect((await problemOf(summary())).kind).toBe("malformed");
  repository.upstream = null;
  expect((await problemOf(summary())).kind).toBe("unreachable");
});

test("entries are asked for by package, private ones by nobody", async () => {
  repository.upstream = () => ({
    status: 200,
    body: { filter: { malware: [entry, { ...entry, package: "acme/secret" }], other: [] } },
  });
  const body = {
    packages: [
      "pkg://composer/reef/coral",
      "pkg:composer/isle/palm",
      "pkg://composer/acme/secret",
      "pkg:npm/x",
      1,
    ],
    lists: ["malware"],
  };
  expect(bodyOf(await post(body))).toEqual({ filter: { malware: [entry], other: [] } });
  expect(JSON.parse(repository.asked[0]?.body as string)).toEqual({
    packages: ["pkg://composer/reef/coral", "pkg:composer/isle/palm"],
    lists: ["malware"],
  });
  repository.upstream = null;
  expect(bodyOf(await post(body))).toEqual({ filter: { malware: [entry] } });
  expect(bodyOf(await post({ ...body, lists: ["other"] }))).toEqual({ filter: { other: [] } });
  expect(bodyOf(await post({ packages: ["pkg:composer/isle/palm"], lists: ["malware"] }))).toEqual({
    filter: { malware: [] },
  });
  const never = { packages: ["pkg:composer/deep/lantern"], lists: ["malware"] };
  expect((await problemOf(post(never))).kind).toBe("unreachable");
});

test("nothing that may be asked for is a question to nobody, and no JSON is a mistake", async () => {
  expect(bodyOf(await post({ packages: ["pkg:composer/acme/secret"] }))).toEqual({ filter: {} });
  expect(bodyOf(await post({}))).toEqual({ filter: {} });
  expect(repository.asked).toEqual([]);
  expect((await problemOf(post([]))).kind).toBe("badRequest");
});

test("an upstream without filter lists is told of", async () => {
  repository.store("root", "packages.json", { "metadata-url": "/p2/%package%.json" });
  expect((await problemOf(summary())).kind).toBe("notFound");
  expect((await problemOf(post({ packages: ["pkg:composer/reef/coral"] }))).kind).toBe("notFound");
});
