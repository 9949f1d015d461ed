import { expect, test } from "bun:test";
import {
  commitIntegrity,
  distUrl,
  fillUrl,
  locationOf,
  placeOf,
  readDist,
  referencePart,
  releaseIntegrity,
  versionPart,
} from "./dist.ts";

const COMMIT = "165770f372379602bb628232d51e02b45d8a95d9";

function version(dist: unknown, more: Record<string, unknown> = {}) {
  return { name: "a/b", version: "1.0.0", version_normalized: "1.0.0.0", dist, ...more };
}

// What Composer 2.5 puts into "%version%/%reference%.%type%" of a mirror.
const mirrored: [normalized: string, reference: string | null, type: string, want: string][] = [
  ["1.0.0.0", "abc123", "zip", "1.0.0.0/abc123.zip"],
  ["dev-main", "tags/1.0", "zip", "dev-main/7b72023568d896f562a79d4dc1f9d2a6.zip"],
  ["dev-feature/leaf", "aa", "tar", "3a109dbd947915bda93476ade747480e/aa.tar"],
  ["1.0.0.0", "ABC", "zip", "1.0.0.0/902fbdd2b1df0c4f70b4a5d23525e932.zip"],
  ["1.0.0.0", "", "zip", "1.0.0.0/.zip"],
  ["1.0.0.0", "0", "zip", "1.0.0.0/0.zip"],
];

for (const [normalized, reference, type, want] of mirrored)
  test(`a file is named as Composer names it in a mirror: ${want}`, () => {
    const place = placeOf(
      version(
        { type, url: "https://code.example.test/x", reference },
        { version: normalized, version_normalized: normalized },
      ),
    )!;
    expect(place.file).toBe(want);
    expect(distUrl("http://here.example.test/php", "a/b", place)).toBe(
      `http://here.example.test/php/dists/a/b/${want}`,
    );
  });

test("a version that no URL takes as it is goes by its digest", () => {
  for (const name of [
    "dev-fix#12",
    "dev-a b",
    "dev-100%",
    "dev-a&b",
    "dev-ä",
    "..",
    "",
    `dev-${"x".repeat(200)}`,
  ])
    expect(versionPart(name)).toMatch(/^[0-9a-f]{32}$/);
  for (const name of ["dev-fix-12", "1.0.0.0-beta2", "dev-a@b+c~d"])
    expect(versionPart(name)).toBe(name);
});

test("placeOf normalizes what is not normalized, or was in the way of Composer 1", () => {
  expect(placeOf({ version: "v1.2" })?.normalized).toBe("1.2.0.0");
  expect(placeOf({ version: "dev-main", version_normalized: "9999999-dev" })?.normalized).toBe(
    "dev-main",
  );
  expect(placeOf({ version: "nonsense" })).toBeNull();
  expect(placeOf({ version: 1 })).toMatchObject({ version: "1", normalized: "1.0.0.0" });
  expect(placeOf({ version: [1] })).toBeNull();
  expect(placeOf({})).toBeNull();
});

test("placeOf knows releases from branches, and dists that pass through from others", () => {
  const zip = { type: "zip", url: "https://code.example.test/x", reference: "aa" };
  expect(placeOf(version(zip))).toMatchObject({ release: "1.0.0.0", file: "1.0.0.0/aa.zip" });
  expect(placeOf(version(zip, { version: "dev-x" }))).toMatchObject({ release: null });
  for (const type of ["tar", "xz", "gzip", "rar", "phar", "file"])
    expect(placeOf(version({ ...zip, type }))).toMatchObject({ file: `1.0.0.0/aa.${type}` });
  expect(placeOf(version({ ...zip, type: "ZIP" }))).toMatchObject({ file: "1.0.0.0/aa.zip" });
  for (const type of ["path", "git", "hg", "x y", "constructor"])
    expect(placeOf(version({ ...zip, type }))).toMatchObject({ file: null, dist: { type } });
  for (const none of [null, undefined, [], "x", {}, { type: "zip" }, { type: "zip", url: "" }])
    expect(placeOf(version(none))).toMatchObject({ file: null, dist: null });
});

test("a version says itself which release it is, whatever stands beside it", () => {
  for (const version_normalized of ["1.0.0", "1.0.0.1", "dev-x", "1.0.0.0-dev"])
    expect(placeOf(version(null, { version_normalized }))).toMatchObject({
      normalized: "1.0.0.0",
      release: "1.0.0.0",
    });
  const place = placeOf({ version: "dev-main", version_normalized: "1.0.0.0" });
  expect(place).toMatchObject({ normalized: "dev-main", release: null });
  expect(placeOf({ version: "trunk of it", version_normalized: "1.0" })?.release).toBe("1.0.0.0");
});

test("readDist takes a SHA-1 that is one, and any reference", () => {
  const dist = { type: "zip", url: "x" };
  expect(readDist({ dist: { ...dist, shasum: COMMIT.toUpperCase() } })?.shasum).toBe(COMMIT);
  expect(readDist({ dist: { ...dist, shasum: "" } })?.shasum).toBeNull();
  expect(readDist({ dist: { ...dist, shasum: "abc" } })?.shasum).toBeNull();
  expect(readDist({ dist: { ...dist, reference: 12 } })?.reference).toBe("12");
  expect(readDist({ dist: { ...dist, reference: {} } })?.reference).toBeNull();
});

test("another commit is another integrity", () => {
  expect(commitIntegrity(COMMIT)).toBe("sha1-Fldw83I3lgK7YoIy1R4CtF2Kldk=");
  expect(commitIntegrity("abc123")).toStartWith("sha256-");
  expect(commitIntegrity("")).toBeNull();
  const tag = (name: string) => commitIntegrity(referencePart(name));
  expect(tag("tags/1.0")).not.toBe(tag("tags/1.1"));
});

test("a release is known by its dist's commit, its source's, or the bytes themselves", () => {
  const sha1 = commitIntegrity(COMMIT);
  const url = "https://code.example.test/x";
  const of = (dist: Record<string, unknown> | null, source?: unknown) => {
    const data = version(dist, { source });
    return releaseIntegrity(data, readDist(data));
  };
  expect(of({ type: "zip", url, reference: COMMIT }, { reference: "other" })).toBe(sha1);
  expect(of(null, { reference: COMMIT })).toBe(sha1);
  expect(of({ type: "zip", url, shasum: COMMIT })).toBe(sha1);
  expect(of({ type: "zip", url })).toBeNull();
});

test("placeholders in an upstream's own URLs are filled in as Composer does", () => {
  const url = "https://code.example.test/%package%/%prettyVersion%/%version%-%reference%.%type%";
  const place = placeOf(version({ type: "zip", url, reference: "aa" }, { version: "v1.0.0" }))!;
  expect(locationOf("a/b", place)).toBe("https://code.example.test/a/b/v1.0.0/1.0.0.0-aa.zip");
  const route = {
    name: "a/b",
    version: "1.0.0.0",
    reference: "aa",
    type: "zip",
    prettyVersion: null,
  };
  expect(fillUrl(url, route)).toBeNull();
  expect(fillUrl("/%package%/%version%", route)).toBe("/a/b/1.0.0.0");
});

test("a branch without a commit is another file when it holds something else", () => {
  const url = "https://code.example.test/x";
  const branch = (dist: Record<string, unknown>, time?: string) =>
    placeOf(version({ type: "zip", url, ...dist }, { version: "dev-main", time }))!.file;
  expect(branch({ shasum: COMMIT })).toBe(`dev-main/${COMMIT}.zip`);
  expect(branch({}, "2024-01-01")).toMatch(/^dev-main\/[0-9a-f]{32}\.zip$/);
  expect(branch({}, "2024-01-01")).not.toBe(branch({}, "2024-01-02"));
  expect(branch({}, "2024-01-01")).toBe(branch({}, "2024-01-01"));
  let deep: unknown = [];
  for (let depth = 0; depth < 200_000; depth++) deep = [deep];
  expect(branch({}, deep as string)).toBe(branch({}));
});

test("the URL of a single file ends as its place does, for Composer calls it so", () => {
  const urlOf = (url: string, type = "file") =>
    distUrl("", "a/b", placeOf(version({ type, url, reference: "aa" }))!);
  expect(urlOf("https://x.test/tools/tool.phar?v=1")).toBe("/dists/a/b/1.0.0.0/aa.file/tool.phar");
  expect(urlOf("/files/%package%/a%20b.php.gz#x", "gzip")).toBe(
    "/dists/a/b/1.0.0.0/aa.gzip/a%20b.php.gz",
  );
  for (const url of [
    "https://x.test",
    "https://x.test/",
    "/a/..",
    "/a/%2e",
    "/a/b%2fc",
    "/a/%",
    "/%00",
  ])
    expect(urlOf(url)).toBe("/dists/a/b/1.0.0.0/aa.file");
  expect(urlOf("/files/tool.phar", "phar")).toBe("/dists/a/b/1.0.0.0/aa.phar");
});
