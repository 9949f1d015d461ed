import { expect, test } from "bun:test";
import { type AptRoute, likelySuite, packageOf, parseRoute, poolFolder, under } from "./routes.ts";

const SHA256 = "a".repeat(64);
const release = (kind: "inrelease" | "release" | "signature", suite: string) => ({ kind, suite });
const pool = (path: string) => ({ kind: "pool" as const, path });
const file = (path: string) => ({ kind: "file" as const, path });

const paths: [path: string, want: AptRoute | null][] = [
  ["/", { kind: "folder", folder: "." }],
  ["/dists/", { kind: "folder", folder: "dists" }],
  ["/pool/main/k/kelp%2b%2b/", { kind: "folder", folder: "pool/main/k/kelp++" }],
  ["/-/key.asc", { kind: "key" }],
  ["/-/other", null],
  ["/-/", { kind: "folder", folder: "-" }],
  ["/-/a/", null],
  ["/InRelease", release("inrelease", ".") as AptRoute],
  ["/dists/bookworm/InRelease", release("inrelease", "dists/bookworm") as AptRoute],
  ["/dists/stable/updates/Release", release("release", "dists/stable/updates") as AptRoute],
  ["/ubuntu2204/x86_64/Release.gpg", release("signature", "ubuntu2204/x86_64") as AptRoute],
  [
    "/dists/a/main/binary-amd64/Release",
    release("release", "dists/a/main/binary-amd64") as AptRoute,
  ],
  ["/dists/a/main/binary-amd64/Packages.xz", file("dists/a/main/binary-amd64/Packages.xz")],
  ["/Packages", file("Packages")],
  [
    `/dists/a/main/binary-amd64/by-hash/SHA256/${SHA256.toUpperCase()}`,
    { kind: "hash", folder: "dists/a/main/binary-amd64", algorithm: "SHA256", digest: SHA256 },
  ],
  [
    `/by-hash/MD5Sum/${"0".repeat(32)}`,
    { kind: "hash", folder: ".", algorithm: "MD5Sum", digest: "0".repeat(32) },
  ],
  [`/dists/a/by-hash/SHA256/${"0".repeat(32)}`, null],
  [`/dists/a/by-hash/SHA256/${"z".repeat(64)}`, null],
  [`/dists/a/by-hash/constructor/${SHA256}`, null],
  ["/dists/a/main/binary-amd64/Packages.diff/Index", { kind: "diff" }],
  [`/dists/a/main/binary-amd64/Packages.diff/by-hash/SHA256/${SHA256}`, { kind: "diff" }],
  ["/pool/main/h/hello/hello_2.10.orig.tar.gz", pool("pool/main/h/hello/hello_2.10.orig.tar.gz")],
  [
    "/pool/main/k/kelp%2b%2b/kelp%2B%2B_3.0%7erc1_all.deb",
    pool("pool/main/k/kelp++/kelp++_3.0~rc1_all.deb"),
  ],
  // Some vendors keep packages beside their indices.
  ["/dists/a/pool/stable/x_1_amd64.deb", pool("dists/a/pool/stable/x_1_amd64.deb")],
  ["/x86_64/cuda_1%253a2.deb", pool("x86_64/cuda_1%3a2.deb")],
  ["/pool", file("pool")],
  ["/dists/%2e%2e/InRelease", null],
  ["/dists%2fbookworm/InRelease", null],
  ["/dists//InRelease", null],
  ["/dists/a%00/InRelease", null],
  ["/dists/%zz/InRelease", null],
  ["//", null],
  ["dists", null],
];

for (const [path, want] of paths)
  test(`parseRoute(${path})`, () => expect(parseRoute("GET", path)).toEqual(want));

test("only reading is understood", () => {
  expect(parseRoute("HEAD", "/InRelease")).toEqual({ kind: "inrelease", suite: "." });
  expect(parseRoute("POST", "/InRelease")).toBeNull();
});

test("random paths never throw and never lead out", () => {
  let seed = 4;
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return seed % below;
  };
  const parts = [
    "/",
    "..",
    ".",
    "%2e",
    "%2f",
    "dists",
    "pool",
    "by-hash",
    "SHA256",
    "%",
    "%00",
    "-",
    "a",
    "\\",
    "Release",
  ];
  for (let round = 0; round < 5000; round++) {
    const path = `/${Array.from({ length: random(9) }, () => parts[random(parts.length)]).join("/")}`;
    const route = parseRoute("GET", path);
    for (const value of Object.values(route ?? {}))
      expect(/(^|\/)\.\.(\/|$)|\\|\0|\/\//.test(value)).toBe(false);
  }
});

test("packageOf(path) is what the name of the file says", () => {
  expect(packageOf("pool/main/h/hello/hello_2.10-3_amd64.deb")).toBe("hello");
  expect(packageOf("kelp++_3.0~rc1.orig.tar.gz")).toBe("kelp++");
  expect(packageOf("pool/Tool-1.2.deb")).toBe("Tool-1.2.deb");
  expect(packageOf("pool/_1.0_all.deb")).toBe("_1.0_all.deb");
  expect(packageOf("pool/a b_1.0_all.deb")).toBe("a b_1.0_all.deb");
});

test("likelySuite(path) knows where suites stand", () => {
  expect(likelySuite("dists/a/main/binary-amd64/Packages")).toBe("dists/a");
  expect(likelySuite("sub/dists/a/Contents-amd64.gz")).toBe("sub/dists/a");
  expect(likelySuite("x86_64/Packages")).toBe("x86_64");
  expect(likelySuite("Packages")).toBe(".");
});

test("poolFolder(suite) is what the indices' paths start from", () => {
  expect(poolFolder("dists/stable/updates")).toBe(".");
  expect(poolFolder("sub/dists/a")).toBe("sub");
  expect(poolFolder("ubuntu2204/x86_64")).toBe("ubuntu2204/x86_64");
  expect(poolFolder(".")).toBe(".");
});

test("under(folder, path) is the rest of the path", () => {
  expect(under("dists/a", "dists/a/main/x")).toBe("main/x");
  expect(under("dists/a", "dists/ab/main/x")).toBeNull();
  expect(under("dists/a", "dists/a")).toBeNull();
  expect(under(".", "a/b")).toBe("a/b");
});
