import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { tarGz } from "../../test/support/fake-upstream/archives.ts";
import type { Artifact } from "../core/artifact.ts";
import { Problem } from "../core/problem.ts";
import type { UpstreamResponse } from "../core/upstream.ts";
import { answer, artifact, bytesOf, openToy, request, sha256, sri } from "./testkit.ts";

const SMALL = tarGz({ "p/a": "small" });
const LARGE = tarGz({ "p/a": randomBytes(300 * 1024) });
let toy: Awaited<ReturnType<typeof openToy>>;
beforeEach(async () => {
  toy = await openToy();
});
afterEach(() => toy.close());

const TARBALL = { kind: "tarball", namedBy: [] };
const get = async (changes: Partial<Artifact> = TARBALL) =>
  bytesOf(await toy.repository.artifact(artifact("a.tgz", changes), request()));
const problemOf = (promise: Promise<unknown>): Promise<Problem> =>
  promise.then(
    () => {
      throw new Error("expected a problem");
    },
    (error) => error,
  );
const pins = () => toy.database.read`SELECT * FROM pins`;

describe("where no digest is known", () => {
  const octets = { "content-type": "application/octet-stream" };
  const coded = (coding: string) => ({ ...octets, "content-encoding": coding });
  const lies: [what: string, of: () => UpstreamResponse][] = [
    ["an error in JSON", () => answer(200, '{"error":"not_found"}')],
    ["a page of text", () => answer(200, "Please log in", { "content-type": "text/plain" })],
    ["a page as octets", () => answer(200, "<html>Please log in", octets)],
    ["nothing", () => answer(200, "", octets)],
    ["a short body", () => answer(200, LARGE.subarray(0, 200_000), octets)],
    ["a short small body", () => answer(200, SMALL.subarray(0, -9), octets)],
    ["an unknown coding", () => answer(200, brotliCompressSync(SMALL), coded("br"))],
    ["deflate", () => answer(200, deflateSync(SMALL), coded("deflate"))],
    ["zstd", () => answer(200, zstdCompressSync(LARGE), coded("zstd"))],
    ["two codings", () => answer(200, gzipSync(gzipSync(SMALL)), coded("gzip, gzip"))],
    ["a page in gzip", () => answer(200, gzipSync("<html>Please log in"), coded("GZIP"))],
    ["a body without an end", () => ({ ...answer(200, LARGE, octets), isDelimited: false })],
  ];
  for (const [what, of] of lies)
    test(`${what} is refused, and pins nothing: the file itself is taken later`, async () => {
      toy.upstream.behave = of;
      expect((await problemOf(get())).kind).toBe("malformed");
      expect(await pins()).toEqual([]);
      expect(readdirSync(toy.layout.incoming)).toEqual([]);
      expect(await toy.eventKinds()).toEqual([]);
      toy.upstream.behave = () => answer(200, LARGE, octets);
      expect(sha256(await get())).toBe(sha256(LARGE));
    });

  test("what is said to be identity, or gzip in whatever letters, is read", async () => {
    toy.upstream.behave = () => answer(200, gzipSync(LARGE), coded("X-GZip"));
    expect(sha256(await get())).toBe(sha256(LARGE));
    toy.upstream.behave = () => answer(200, SMALL, coded("identity"));
    const other = bytesOf(await toy.repository.artifact(artifact("b.tgz", TARBALL), request()));
    expect(sha256(await other)).toBe(sha256(SMALL));
  });

  test("a kind of which nothing can be told is not kept at all", async () => {
    toy.upstream.behave = () => answer(200, SMALL);
    expect((await problemOf(get({ kind: "vouched", namedBy: [] }))).kind).toBe("malformed");
    expect(await pins()).toEqual([]);
  });

  test("large files are read in the worker", async () => {
    toy.upstream.behave = () => answer(200, LARGE);
    await get();
    expect(toy.jobs).toEqual(["check"]);
  });
});

describe("a label of a coding is believed after the digest", () => {
  for (const [size, bytes] of [
    ["small", SMALL],
    ["large", LARGE],
  ] as const)
    for (const label of ["gzip", "x-gzip", "br", "gzip, gzip"])
      test(`a ${size} archive that is labelled ${label} as it is stored`, async () => {
        toy.upstream.behave = ({ path }) =>
          path === "thing"
            ? answer(200, JSON.stringify({ files: { "a.tgz": sri(bytes) } }))
            : answer(200, bytes, { "content-encoding": label });
        expect(sha256(await get({}))).toBe(sha256(bytes));
        expect(await toy.eventKinds()).toEqual([]);
      });

  for (const [size, bytes] of [
    ["small", SMALL],
    ["large", LARGE],
  ] as const) {
    test(`a ${size} archive that was compressed once more on the way`, async () => {
      toy.upstream.behave = ({ path }) =>
        path === "thing"
          ? answer(200, JSON.stringify({ files: { "a.tgz": sri(bytes) } }))
          : answer(200, gzipSync(bytes), { "content-encoding": "gzip" });
      expect(sha256(await get({}))).toBe(sha256(bytes));
      expect(readdirSync(toy.layout.incoming)).toEqual([]);
    });

    test(`a ${size} archive that no digest is known of stays an archive`, async () => {
      toy.upstream.behave = () => answer(200, bytes, { "content-encoding": "gzip" });
      expect(sha256(await get())).toBe(sha256(bytes));
    });
  }

  test("other bytes are tampered with, whatever their label", async () => {
    const files = { "a.tgz": sri(SMALL) };
    for (const [bytes, label] of [
      [LARGE, "gzip"],
      [gzipSync(LARGE), "gzip"],
      [randomBytes(2000), "gzip"],
    ] as const) {
      toy.upstream.behave = ({ path }) =>
        path === "thing"
          ? answer(200, JSON.stringify({ files }))
          : answer(200, bytes, { "content-encoding": label });
      expect((await problemOf(get({}))).kind).toBe("tampered");
      toy.clock.shift += 31_000;
      expect(readdirSync(toy.layout.incoming)).toEqual([]);
    }
  });
});

describe("the place that a document names", () => {
  const said = (location: string, integrity: string | null) =>
    answer(200, JSON.stringify({ files: { "a.tgz": { integrity, location } } }));
  const OTHER = tarGz({ "p/a": "other" });
  const readDocument = () =>
    toy.repository.view(
      { kind: "index", key: "thing", package: "thing", path: "thing" },
      { variant: "all", base: "" },
      {},
    );

  test("is the only one that is asked when the document is at hand", async () => {
    toy.upstream.behave = ({ path }) =>
      path === "thing" ? said("other/a", null) : answer(200, path === "other/a" ? SMALL : OTHER);
    await readDocument();
    expect(sha256(await get({ kind: "tarball" }))).toBe(sha256(SMALL));
    expect(toy.upstream.asked).toEqual(["thing", "other/a"]);
  });

  for (const integrity of [sri(SMALL), null])
    test(`wins over the usual one also when it is known later (${integrity?.slice(0, 6)})`, async () => {
      toy.upstream.behave = ({ path }) =>
        path === "thing"
          ? said("other/a", integrity)
          : answer(200, path === "other/a" ? SMALL : OTHER);
      expect(sha256(await get({ kind: "tarball" }))).toBe(sha256(SMALL));
      expect(await toy.eventKinds()).toEqual([]);
      expect(readdirSync(toy.layout.incoming)).toEqual([]);
    });

  test("is not asked when the usual one has the bytes that the document's digest names", async () => {
    toy.upstream.behave = ({ path }) =>
      path === "thing" ? said("other/a", sri(LARGE)) : answer(200, LARGE);
    expect(sha256(await get({ kind: "tarball" }))).toBe(sha256(LARGE));
    expect(toy.upstream.asked).not.toContain("other/a");
  });

  test("may be out of reach: then the usual one is asked", async () => {
    toy.upstream.behave = ({ path }) => {
      if (path === "thing") return said("https://elsewhere.test/a", sri(SMALL));
      if (path.startsWith("https:")) throw new Problem("unreachable", "not on the list");
      return answer(200, SMALL);
    };
    await readDocument();
    expect(sha256(await get({ kind: "tarball" }))).toBe(sha256(SMALL));
  });

  test("is told as tampered when neither has the right bytes", async () => {
    toy.upstream.behave = ({ path }) =>
      path === "thing" ? said("other/a", sri(SMALL)) : answer(200, OTHER);
    expect((await problemOf(get({ kind: "tarball" }))).kind).toBe("tampered");
    expect(await toy.eventKinds()).toEqual(["tampered"]);
  });

  test("comes after a place that is preferred", async () => {
    toy.upstream.behave = ({ path }) =>
      path === "thing" ? said("other/a", sri(SMALL)) : answer(200, SMALL);
    await readDocument();
    await get({ kind: "tarball", isPreferred: true });
    expect(toy.upstream.asked).toEqual(["thing", "thing/a.tgz"]);
  });
});
