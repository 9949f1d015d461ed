import { expect, test } from "bun:test";
import { accessOf, type ComposerRoute, parseRoute } from "./routes.ts";
import { seeded } from "./testdata/repository.ts";

const COMMIT = "165770f372379602bb628232d51e02b45d8a95d9";
const dist = (version: string, reference = COMMIT, type = "zip") =>
  ({ kind: "dist", name: "isle/palm", version, reference, type }) as const;

const gets: [path: string, want: ComposerRoute | null][] = [
  ["/packages.json", { kind: "root" }],
  ["/search.json", { kind: "search" }],
  ["/list.json", { kind: "list" }],
  ["/api/security-advisories/", { kind: "advisories" }],
  ["/api/security-advisories", { kind: "advisories" }],
  ["/filter/summary.json", { kind: "filterSummary" }],
  ["/p2/isle/palm.json", { kind: "package", name: "isle/palm", dev: false }],
  ["/p2/isle/palm~dev.json", { kind: "package", name: "isle/palm", dev: true }],
  ["/p2/isle/palm%7Edev.json", { kind: "package", name: "isle/palm", dev: true }],
  ["/p2/Isle/PALM.json", { kind: "package", name: "isle/palm", dev: false }],
  ["/providers/isle/palm.json", { kind: "providers", name: "isle/palm" }],
  [`/dists/isle/palm/1.0.0.0/${COMMIT}.zip`, dist("1.0.0.0")],
  [`/dists/Isle/Palm/1.0.0.0/${COMMIT}.zip`, dist("1.0.0.0")],
  [`/dists/isle/palm/dev-main/${COMMIT}.zip`, dist("dev-main")],
  ["/dists/isle/palm/1.0.0.0/.tar", dist("1.0.0.0", "", "tar")],
  [`/dists/isle/palm/1.0.0.0/${COMMIT}.rar`, dist("1.0.0.0", COMMIT, "rar")],
  // md5 of dev-feature/leaf, and what a branch is called whose name no URL takes: as Composer sends it, and as we do.
  [
    `/dists/isle/palm/3a109dbd947915bda93476ade747480e/${COMMIT}.zip`,
    dist("3a109dbd947915bda93476ade747480e"),
  ],
  [`/dists/isle/palm/dev-a&b/${COMMIT}.zip`, dist("6150023c57e1f591037301d3468ffc0f")],
  [
    `/dists/isle/palm/6150023c57e1f591037301d3468ffc0f/${COMMIT}.zip`,
    dist("6150023c57e1f591037301d3468ffc0f"),
  ],
  // The protocol of Composer 1.
  ["/p/isle/palm$0f0f.json", null],
  ["/p/isle/palm%24hash.json", null],
  ["/p/isle/palm.json", null],
  ["/p2/isle/palm$0f0f.json", null],
  ["/p2/isle/palm", null],
  ["/p2/isle.json", null],
  ["/p2/isle%2Fpalm.json", null],
  ["/p2/isle/palm%2F..%2Fx.json", null],
  ["/p2/isle/../palm.json", null],
  ["/p2/isle/%2e%2e.json", null],
  ["/p2/isle/palm.json/x", null],
  ["/p2/isle/palm~dev~dev.json", null],
  ["/p2/isle/pal%00m.json", null],
  ["/p2//palm.json", null],
  ["/p2/isle/p%.json", null],
  ["/p2/con/palm.json", null],
  ["/dists/isle/palm/1.0.0.0/xyz.zip", null],
  ["/dists/isle/palm/1.0.0.0/aa", null],
  ["/dists/isle/palm/1.0.0.0", null],
  ["/dists/isle/palm/../aa.zip", null],
  ["/dists/isle/palm/%2e%2e/aa.zip", null],
  ["/dists/isle/palm/a%2Fb/aa.zip", null],
  ["/dists/isle/palm/1.0.0.0/aa.zip/x", null],
  ["/dists/isle/palm/1.0.0.0/aa.file/tool.phar", dist("1.0.0.0", "aa", "file")],
  ["/dists/isle/palm/1.0.0.0/aa.gzip/a%20b.gz", dist("1.0.0.0", "aa", "gzip")],
  ["/dists/isle/palm/1.0.0.0/aa.file/x/y", null],
  ["/dists/isle/palm/1.0.0.0/aa.file/%2e%2e", null],
  ["/dists/isle/palm/1.0.0.0/aa.git/info/refs", dist("1.0.0.0", "aa", "git")],
  [`/dists/isle/palm/${"x".repeat(600)}/aa.zip`, null],
  ["/downloads/", null],
  ["/filter", null],
  ["/", null],
  ["", null],
  ["packages.json", null],
  ["/__proto__", null],
  ["/constructor", null],
];

for (const [path, want] of gets)
  test(`GET ${path.slice(0, 70)} is ${want?.kind ?? "nothing"}`, () => {
    expect(parseRoute("GET", path)).toEqual(want);
    expect(parseRoute("HEAD", path)).toEqual(want);
  });

const others: [method: string, path: string, want: ComposerRoute | null][] = [
  ["POST", "/api/security-advisories/", { kind: "advisories" }],
  ["POST", "/filter", { kind: "filter" }],
  ["POST", "/downloads/", { kind: "downloads" }],
  ["POST", "/packages.json", { kind: "unsupported", method: "POST" }],
  ["PUT", "/p2/isle/palm.json", { kind: "unsupported", method: "PUT" }],
  ["POST", "/toString", { kind: "unsupported", method: "POST" }],
  ["DELETE", "/..", null],
];

for (const [method, path, want] of others)
  test(`${method} ${path} is ${want?.kind ?? "nothing"}`, () =>
    expect(parseRoute(method, path)).toEqual(want));

test("accessOf names the package where there is one", () => {
  const access = (method: string, path: string) => accessOf(parseRoute(method, path)!);
  expect(access("GET", "/p2/isle/palm~dev.json")).toEqual({ action: "read", package: "isle/palm" });
  expect(access("GET", "/dists/isle/palm/1.0.0.0/aa.zip")).toEqual({
    action: "read",
    package: "isle/palm",
  });
  expect(access("GET", "/packages.json")).toEqual({ action: "read", package: null });
  expect(access("POST", "/downloads/")).toEqual({ action: "read", package: null });
  expect(access("PUT", "/p2/isle/palm.json")).toEqual({ action: "publish", package: null });
});

test("parseRoute never throws, and nothing that it gives leads out of its place", () => {
  const random = seeded(11);
  const parts = [
    "p2",
    "dists",
    "isle",
    "palm",
    ".json",
    "~dev",
    "..",
    ".",
    "%2e",
    "%2f",
    "%",
    "%00",
    "\\",
    "/",
    "//",
    "$",
    "aa.zip",
    "dev-x",
    "é",
    "%c3%28",
    "a",
    "-",
    "#",
    " ",
    "%7e",
  ];
  for (let round = 0; round < 20_000; round += 1) {
    const length = 1 + Math.floor(random() * 8);
    const path = `/${Array.from({ length }, () => parts[Math.floor(random() * parts.length)]).join(random() < 0.5 ? "/" : "")}`;
    const route = parseRoute(random() < 0.8 ? "GET" : "POST", path);
    for (const value of Object.values(route ?? {}))
      if (typeof value === "string" && route?.kind !== "unsupported")
        expect(
          value.split("/").every((part) => part !== "." && part !== ".." && !/[\\\0%]/.test(part)),
        ).toBe(true);
  }
});
