import { expect, test } from "bun:test";
import { integrityOf, ourDist, type Place, pinnedDist, placeOf, rootOf } from "./dist.ts";

const HOST = "https://registry.example.test";
const places: [name: string, version: string, tarball: string | undefined, want: Place | null][] = [
  ["a", "1.0.0", `${HOST}/a/-/a-1.0.0.tgz`, { file: "a-1.0.0.tgz", location: null }],
  ["a", "1.0.0", `${HOST}/prefix/npm/a/-/a-1.0.0.tgz`, { file: "a-1.0.0.tgz", location: null }],
  ["@s/n", "1.0.0", `${HOST}/@s/n/-/n-1.0.0.tgz`, { file: "n-1.0.0.tgz", location: null }],
  ["@s/n", "1.0.0", `${HOST}/@s%2fn/-/n-1.0.0.tgz`, { file: "n-1.0.0.tgz", location: null }],
  ["@s/n", "1.0.0", `${HOST}/%40s/n/-/n-1.0.0.tgz`, { file: "n-1.0.0.tgz", location: null }],
  // Old packages, whose tarball is not named after the version
  [
    "a",
    "1.0.0",
    `${HOST}/a/-/a-1.0.0-final.tar.gz`,
    { file: "a-1.0.0-final.tar.gz", location: null },
  ],
  // GitLab and Artifactory repeat the scope
  [
    "@s/n",
    "1.0.0",
    `${HOST}/@s/n/-/@s/n-1.0.0.tgz`,
    { file: "n-1.0.0.tgz", location: `${HOST}/@s/n/-/@s/n-1.0.0.tgz` },
  ],
  [
    "a",
    "1.0.0",
    `${HOST}/a/download/a-1.0.0.tgz`,
    { file: "a-1.0.0.tgz", location: `${HOST}/a/download/a-1.0.0.tgz` },
  ],
  // Names that would be the same for every version
  [
    "a",
    "1.0.0",
    `${HOST}/download/a/1.0.0/package.tgz`,
    { file: "a-1.0.0.tgz", location: `${HOST}/download/a/1.0.0/package.tgz` },
  ],
  [
    "a",
    "1.0.0",
    `${HOST}/a/-/a-1.0.0.tgz?token=x`,
    { file: "a-1.0.0.tgz", location: `${HOST}/a/-/a-1.0.0.tgz?token=x` },
  ],
  [
    "a",
    "1.0.0",
    `${HOST}/a/-/..%2f..%2fetc`,
    { file: "a-1.0.0.tgz", location: `${HOST}/a/-/..%2f..%2fetc` },
  ],
  ["a", "1.0.0", `${HOST}/a/-/%E0%A4%A`, { file: "a-1.0.0.tgz", location: `${HOST}/a/-/%E0%A4%A` }],
  ["a", "1.0.0", "file:///etc/passwd", { file: "a-1.0.0.tgz", location: null }],
  ["a", "1.0.0", undefined, { file: "a-1.0.0.tgz", location: null }],
  ["a", "../../x", undefined, null],
];
for (const [name, version, tarball, want] of places)
  test(`${name}@${version} at ${tarball}`, () =>
    expect(placeOf(name, version, tarball === undefined ? {} : { tarball })).toEqual(want));

const SHA512 = `sha512-${Buffer.alloc(64, 1).toString("base64")}`;
const SHA1 = "01".repeat(20);
const SHA1_SRI = `sha1-${Buffer.alloc(20, 1).toString("base64")}`;

test("both digests are one integrity", () => {
  expect(integrityOf({ integrity: SHA512, shasum: SHA1 })).toBe(`${SHA512} ${SHA1_SRI}`);
  expect(integrityOf({ shasum: SHA1 })).toBe(SHA1_SRI);
  expect(integrityOf({ shasum: "no digest" })).toBeNull();
  expect(integrityOf({})).toBeNull();
});

test("every URL is ours, everything else is kept", () => {
  const dist = {
    tarball: `${HOST}/@s/n/-/n-1.0.0.tgz`,
    attestations: {
      url: `${HOST}/-/npm/v1/attestations/@s%2fn@1.0.0`,
      provenance: { predicateType: "p" },
    },
    fileCount: 3,
    later: { anything: true },
  };
  const at = {
    base: "http://us.example.test/npm",
    name: "@s/n",
    version: "1.0.0",
    file: "n-1.0.0.tgz",
  };
  expect(ourDist(dist, at)).toEqual({
    tarball: "http://us.example.test/npm/@s/n/-/n-1.0.0.tgz",
    attestations: {
      url: "http://us.example.test/npm/-/npm/v1/attestations/@s%2fn@1.0.0",
      provenance: { predicateType: "p" },
    },
    fileCount: 3,
    later: { anything: true },
  });
});

test("without the first entry, the first digests stand alone", () => {
  const first = { state: "tampered", version: "1.0.0", since: "", entry: null } as const;
  const shown = {
    integrity: "sha512-AAAA",
    shasum: "00",
    signatures: [{ keyid: "k", sig: "s" }],
    fileCount: 1,
  };
  expect(pinnedDist(shown, { ...first, integrity: `${SHA512} ${SHA1_SRI}` })).toEqual({
    integrity: SHA512,
    shasum: SHA1,
    fileCount: 1,
  });
  expect(pinnedDist(shown, { ...first, integrity: SHA1_SRI })).toEqual({
    shasum: SHA1,
    fileCount: 1,
  });
});

const from = (key: string, url: string) => ({
  kind: "packument",
  key,
  package: "@s/n",
  path: "",
  url,
});
const roots: [key: string, url: string, want: string | null][] = [
  ["@s/n", `${HOST}/@s%2fn`, "registry.example.test"],
  ["@s/n", `${HOST}:8443/api/npm/@s%2Fn?x=y`, "registry.example.test/api/npm"],
  ["@s/n@1.0.0", `${HOST}/npm/@s%2fn/1.0.0`, "registry.example.test/npm"],
  ["@s/n", `${HOST}/blobs/0123`, null],
  ["@s/n", "", null],
];
for (const [key, url, want] of roots)
  test(`what came from ${url} is below ${want}`, () => expect(rootOf(from(key, url))).toBe(want));

test("a tarball below another prefix or host than its document is where it says, not where the convention would have it", () => {
  const at = (tarball: string) =>
    placeOf("@s/n", "1.0.0", { tarball }, "registry.example.test/api/npm");
  const file = "n-1.0.0.tgz";
  for (const same of [
    `${HOST}/api/npm/@s/n/-/${file}`,
    `http://registry.example.test:80/api/npm/@s%2fn/-/${file}`,
  ])
    expect(at(same)).toEqual({ file, location: null });
  for (const other of [
    `${HOST}/api/projects/5/npm/@s/n/-/${file}`,
    `${HOST}/@s/n/-/${file}`,
    `https://files.example.test/api/npm/@s/n/-/${file}`,
  ])
    expect(at(other)).toEqual({ file, location: other });
});
