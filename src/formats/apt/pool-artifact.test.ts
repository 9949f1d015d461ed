import { expect, test } from "bun:test";
import { poolArtifact, sourceOf } from "./pool-artifact.ts";

const sha256 = "ab".repeat(32);
const entry = {
  sha256,
  integrity: "sha256-q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=",
  package: "hello",
  version: "1:2.10-3",
  size: 5,
  architecture: "amd64",
};
const path = "pool/main/h/hello/hello_2.10-3_amd64.deb";

test("a pool file is known by its path", async () => {
  const artifact = poolArtifact(path, entry, "Debian", new Map());
  expect(artifact).toMatchObject({
    package: "hello",
    version: "1:2.10-3",
    file: path,
    purl: "pkg:deb/debian/hello@1%3A2.10-3?arch=amd64",
    path,
    namedBy: [],
  });
  expect(await artifact.integrity!()).toBe(entry.integrity);
});

test("accepted bytes are another file, and only these bytes", () => {
  const accepted = new Map([[path, sha256]]);
  expect(poolArtifact(path, entry, null, accepted).file).toBe(`${path}@abababababababab`);
  const other = { ...entry, sha256: "cd".repeat(32) };
  expect(poolArtifact(path, other, null, accepted).file).toBe(path);
});

test("bytes that are known by another hash are accepted by that", () => {
  const weak = { ...entry, sha256: null, integrity: "sha1-AAAA" };
  const accepted = new Map([[path, "sha1-AAAA"]]);
  expect(poolArtifact(path, weak, null, accepted).file).toMatch(/_amd64\.deb@[0-9a-f]{16}$/);
});

test("the upstream is asked for what the name says, whatever is in it", () => {
  expect(
    poolArtifact("pool/k/kelp++_1%3a0~rc1_all.deb", entry, "Some Vendor, Inc.", new Map()),
  ).toMatchObject({
    path: "pool/k/kelp%2B%2B_1%253a0~rc1_all.deb",
    purl: "pkg:deb/some-vendor-inc./hello@1%3A2.10-3?arch=amd64",
  });
});

test("rules may name the source of a package, which its folder tells", () => {
  expect(sourceOf("pool/main/x/xz-utils/liblzma5_5.6.0-1_amd64.deb")).toEqual(["xz-utils"]);
  for (const other of [path, "liblzma5_5.6.0-1_amd64.deb", "debs/x/liblzma5_5.6.0-1_amd64.deb"])
    expect(sourceOf(other)).toEqual([]);
});
