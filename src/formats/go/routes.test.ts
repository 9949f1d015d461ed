// The path grammar, as a table and fuzzed.
import { expect, test } from "bun:test";
import { accessOf, type GoRoute, parseRoute } from "./routes.ts";

const DB = "sums.example.test";
const paths: [path: string, want: GoRoute | null][] = [
  ["/rsc.io/quote/@v/list", { kind: "list", module: "rsc.io/quote" }],
  ["/rsc.io/quote/@latest", { kind: "latest", module: "rsc.io/quote" }],
  ["/rsc.io/quote/@v/v1.5.2.zip", { kind: "zip", module: "rsc.io/quote", version: "v1.5.2" }],
  ["/rsc.io/quote/@v/v1.5.2.mod", { kind: "mod", module: "rsc.io/quote", version: "v1.5.2" }],
  ["/rsc.io/quote/@v/v1.5.2.info", { kind: "info", module: "rsc.io/quote", version: "v1.5.2" }],
  [
    "/golang.org/toolchain/@v/v0.0.1-go1.22.0.linux-amd64.zip",
    { kind: "zip", module: "golang.org/toolchain", version: "v0.0.1-go1.22.0.linux-amd64" },
  ],
  // Upper case travels as !lower, and the go command sends the "!" as %21.
  [
    "/github.com/!burnt!sushi/toml/@latest",
    { kind: "latest", module: "github.com/BurntSushi/toml" },
  ],
  [
    "/github.com/%21burnt%21sushi/toml/@v/list",
    { kind: "list", module: "github.com/BurntSushi/toml" },
  ],
  ["/x.y/z/@v/v1.0.0-!r!c1.info", { kind: "info", module: "x.y/z", version: "v1.0.0-RC1" }],
  [
    "/x.y/z/@v/v2.0.0%2Bincompatible.zip",
    { kind: "zip", module: "x.y/z", version: "v2.0.0+incompatible" },
  ],
  // What is no canonical version is a question whose answer may change.
  ["/rsc.io/quote/@v/master.info", { kind: "query", module: "rsc.io/quote", query: "master" }],
  ["/rsc.io/quote/@v/v1.info", { kind: "query", module: "rsc.io/quote", query: "v1" }],
  ["/rsc.io/quote/@v/v2.0.0.info", { kind: "query", module: "rsc.io/quote", query: "v2.0.0" }],
  ["/rsc.io/quote/@v/master.zip", null],
  ["/rsc.io/quote/@v/v2.0.0.mod", null],
  ["/github.com/BurntSushi/toml/@latest", null],
  ["/../etc/passwd/@v/list", null],
  ["/x.y/%2e%2e/z/@v/list", null],
  ["/x.y%2Fz/@v/list", null],
  ["/x.y/z/@v/%00.info", null],
  ["/x.y/z/@v/a%2Fb.info", null],
  ["/x.y//z/@v/list", null],
  ["/x.y/z/@v/%zz.info", null],
  ["/rsc.io/quote/@v/v1.5.2.exe", null],
  ["/rsc.io/quote", null],
  ["/@v/list", null],
  ["/", null],
  ["", null],
  [`/sumdb/${DB}/supported`, { kind: "sumdb-supported", database: DB }],
  [`/sumdb/${DB}/latest`, { kind: "sumdb-latest", database: DB }],
  ["/sumdb/host.test/path/latest", { kind: "sumdb-latest", database: "host.test/path" }],
  [
    `/sumdb/${DB}/lookup/github.com/!burnt!sushi/toml@v1.0.0`,
    { kind: "sumdb-lookup", database: DB, module: "github.com/BurntSushi/toml", version: "v1.0.0" },
  ],
  [`/sumdb/${DB}/lookup/rsc.io/quote@master`, null],
  [`/sumdb/${DB}/lookup/rsc.io/quote@v2.0.0`, null],
  [`/sumdb/${DB}/lookup/rsc.io/quote`, null],
  [
    `/sumdb/${DB}/tile/8/0/x001/x234/067.p/17`,
    { kind: "sumdb-tile", database: DB, tile: { level: 0, index: 1234067, width: 17 } },
  ],
  [
    `/sumdb/${DB}/tile/8/data/005`,
    { kind: "sumdb-tile", database: DB, tile: { level: -1, index: 5, width: 256 } },
  ],
  [`/sumdb/${DB}/tile/4/0/001`, null],
  [`/sumdb/${DB}/tile/8/0/001.p/256`, null],
  [`/sumdb/${DB}/tile/8/0/001.p/0`, null],
  [`/sumdb/${DB}/tile/8/0/x000/001`, null],
  [`/sumdb/${DB}/tile/8/0/1`, null],
  [`/sumdb/${DB}/tile/8/00/001`, null],
  ["/sumdb/a%2Fb/latest", null],
];

for (const [path, want] of paths)
  test(`parseRoute(${path})`, () => expect(parseRoute("GET", path)).toEqual(want));

test("only reading methods have routes", () => {
  expect(parseRoute("HEAD", "/rsc.io/quote/@latest")).not.toBeNull();
  for (const method of ["POST", "PUT", "DELETE"])
    expect(parseRoute(method, "/rsc.io/quote/@latest")).toBeNull();
});

test("a lookup is access to its module", () => {
  const route = parseRoute("GET", `/sumdb/${DB}/lookup/rsc.io/quote@v1.5.2`)!;
  expect(accessOf(route)).toEqual({ action: "read", package: "rsc.io/quote" });
  expect(accessOf(parseRoute("GET", `/sumdb/${DB}/latest`)!).package).toBeNull();
});

test("random paths never throw and never give a name with a separator in it", () => {
  let state = 42;
  const next = (bound: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
  const parts = [
    ..."/.!%@+-\\\0é",
    ...[
      "/@v/",
      "/@latest",
      "list",
      ".info",
      ".zip",
      "v1.0.0",
      "x.y",
      "%2f",
      "%2e%2e",
      "..",
      "sumdb/",
      "lookup/",
      "tile/8/0/001",
      "a",
      "A",
    ],
  ];
  let parsed = 0;
  for (let round = 0; round < 50_000; round += 1) {
    const path = `/${Array.from({ length: next(9) }, () => parts[next(parts.length)]).join("")}`;
    const route = parseRoute("GET", path);
    if (!route) continue;
    parsed += 1;
    if ("version" in route) expect(route.version).not.toMatch(/[/\\\0]/);
    if ("query" in route) expect(route.query).not.toMatch(/[/\\\0]/);
    if ("module" in route) expect(route.module.split("/")).not.toContain("..");
  }
  expect(parsed).toBeGreaterThan(20);
});
