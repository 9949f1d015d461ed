import { expect, test } from "bun:test";
import { isFileName, isName, normalizeName } from "./names.ts";
import { type PypiRoute, parseRoute } from "./routes.ts";

const redirect = (location: string, project: string | null = null): PypiRoute => ({
  kind: "redirect",
  project,
  location,
});

const paths: [path: string, want: PypiRoute | null][] = [
  ["/", redirect("simple/")],
  ["/simple", redirect("simple/")],
  ["/simple/", { kind: "projects" }],
  ["/simple/six/", { kind: "project", project: "six", devpi: false }],
  ["/simple/six", redirect("six/", "six")],
  ["/simple/Zope.Interface/", redirect("../zope-interface/", "zope-interface")],
  ["/simple/Zope__Interface", redirect("zope-interface/", "zope-interface")],
  ["/simple/%73ix/", { kind: "project", project: "six", devpi: false }],
  ["/simple/six/six-1.0.whl", null],
  ["/simple//six/", null],
  ["/simple/six//", null],
  ["/simple/-six/", null],
  ["/simple/a%2fb/", null],
  ["/simple/a%00b/", null],
  ["/simple/%2e%2e/", null],
  ["/simple/%zz/", null],
  ["/files/six/six-1.0.tar.gz", { kind: "file", project: "six", file: "six-1.0.tar.gz" }],
  [
    "/files/Six/torch-2.0%2Bcu118.whl.metadata",
    { kind: "file", project: "six", file: "torch-2.0+cu118.whl.metadata" },
  ],
  ["/files/six/", null],
  ["/files/six/..%2f..%2fetc", null],
  ["/files/six/%5c", null],
  ["/files/six/a/b", null],
  ["/files/six", null],
  [
    "/integrity/Six/1.0/six-1.0.whl/provenance",
    { kind: "provenance", project: "six", version: "1.0", file: "six-1.0.whl" },
  ],
  ["/integrity/six/1.0/six-1.0.whl", null],
  ["/integrity/six/..%2f/six-1.0.whl/provenance", null],
  ["/integrity/six/1.0/six-1.0.whl/provenance/", null],
  ["/pypi/Six/json", { kind: "release", project: "six", version: null }],
  ["/pypi/six/1!2.0+x/json", { kind: "release", project: "six", version: "1!2.0+x" }],
  ["/pypi/six/json/", null],
  ["/pypi/six/", null],
  ["/pypi/six/a%20b/json", null],
  ["/root/pypi", redirect("pypi/+simple/")],
  ["/root/pypi/", redirect("+simple/")],
  ["/root/pypi/+simple", redirect("+simple/")],
  ["/root/pypi/+simple/", { kind: "projects" }],
  ["/root/pypi/%2Bsimple/six/", { kind: "project", project: "six", devpi: true }],
  ["/root/pypi/+simple/Six/", redirect("../six/", "six")],
  ["/root/pypi/simple/six/", { kind: "project", project: "six", devpi: true }],
  ["/root/pypi/Six", redirect("+simple/six/", "six")],
  ["/root/pypi/six/", redirect("../+simple/six/", "six")],
  [
    "/root/pypi/+f/abc/0123456789def/Flask_Login-1.0-py3-none-any.whl",
    { kind: "file", project: "flask-login", file: "Flask_Login-1.0-py3-none-any.whl" },
  ],
  [
    "/root/pypi/+f/abc/0123456789def/python-dateutil-2.8.2.tar.gz.metadata",
    { kind: "file", project: "python-dateutil", file: "python-dateutil-2.8.2.tar.gz.metadata" },
  ],
  ["/root/pypi/+f/abc/0123456789def/notes.txt", null],
  ["/root/pypi/+f/ABC/0123456789def/six-1.0.zip", null],
  ["/root/pypi/+api", null],
  ["/root/other/+simple/six/", null],
  ["/nothing/here", null],
  ["", null],
  ["simple/", null],
];
for (const [path, want] of paths)
  test(`parseRoute(GET ${path})`, () => {
    expect(parseRoute("GET", path)).toEqual(want);
    expect(parseRoute("HEAD", path)).toEqual(want);
  });

test("whatever is not read is a write", () => {
  for (const method of ["POST", "PUT", "DELETE", "PATCH"])
    expect(parseRoute(method, "/legacy/")).toEqual({ kind: "write" });
});

test("a redirect leads to a path that needs none", () => {
  for (const [path, want] of paths) {
    if (want?.kind !== "redirect" || path === "/" || !path.includes("six")) continue;
    const target = new URL(want.location, `http://x.test${path}`).pathname;
    expect(parseRoute("GET", target)).toMatchObject({ kind: "project", project: want.project! });
  }
});

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

test("the grammar never throws and never lets a coordinate escape", () => {
  const next = random(691);
  const pieces = [
    ..."/%.+-_aZ0\\",
    "/simple/",
    "/files/",
    "/root/pypi/",
    "+f/abc/0123456789abc/",
    "/integrity/",
    "/pypi/",
    "/json",
    "/provenance",
    "six",
    "-1.0.whl",
    "%2f",
    "%2e%2e",
    "%00",
    "%",
    "..",
    "\0",
    "é",
    "%c3%a9",
    "%ff",
  ];
  for (let round = 0; round < 30_000; round += 1) {
    let path = next() < 0.9 ? "/" : "";
    for (let length = next() * 8; length > 0; length -= 1)
      path += pieces[Math.floor(next() * pieces.length)];
    const route = parseRoute("GET", path);
    if (!route || !("project" in route) || route.project === null) continue;
    expect(isName(route.project) && normalizeName(route.project) === route.project).toBe(true);
    if ("file" in route) expect(isFileName(route.file)).toBe(true);
    if (route.kind === "redirect") expect(route.location).toMatch(/^[a-z0-9./+-]+\/$/);
  }
});
