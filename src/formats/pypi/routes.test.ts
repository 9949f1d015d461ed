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
  ["/+simple/six/", { kind: "project", project: "six", devpi: false }],
  ["/%2Bsimple/Six", { kind: "redirect", project: "six", location: "six/" }],
  ["/legacy/%2Bsimple/six/", { kind: "project", project: "six", devpi: false, legacy: true }],
  ["/legacy/+simple", null],
  ["/legacy/", null],
  ["/legacy/six/", null],
  ["/+simple/", { kind: "projects" }],
  ["/-/yank/six/1.0", null],
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

const changes: [method: string, path: string, want: PypiRoute][] = [
  ...["/", "/legacy/", "/legacy", "/root/pypi/", "/root/pypi"].map(
    (path) => ["POST", path, { kind: "upload" }] as [string, string, PypiRoute],
  ),
  ["POST", "/-/yank/Sea_Shell/1.0", { kind: "yank", project: "sea-shell", version: "1.0" }],
  ["DELETE", "/-/yank/six/1.0/", { kind: "unyank", project: "six", version: "1.0" }],
  ["PUT", "/-/yank/six/1.0", { kind: "write" }],
  ["POST", "/-/yank/six", { kind: "write" }],
  ["POST", "/-/yank/six/1.0/2", { kind: "write" }],
  ["POST", "/-/yank/../1.0", { kind: "write" }],
  ["DELETE", "/-/release/six", { kind: "remove", project: "six", version: null, file: null }],
  ["DELETE", "/-/release/Six/1.0", { kind: "remove", project: "six", version: "1.0", file: null }],
  ["DELETE", "/root/pypi/six/1.0", { kind: "remove", project: "six", version: "1.0", file: null }],
  ["DELETE", "/root/pypi/six/", { kind: "remove", project: "six", version: null, file: null }],
  [
    "DELETE",
    "/files/six/six-1.0.tar.gz",
    { kind: "remove", project: "six", version: null, file: "six-1.0.tar.gz" },
  ],
  [
    "DELETE",
    "/root/pypi/+f/abc/0123456789def/six-1.0.tar.gz",
    { kind: "remove", project: "six", version: null, file: "six-1.0.tar.gz" },
  ],
  ["DELETE", "/root/pypi/", { kind: "write" }],
  ["DELETE", "/simple/six/", { kind: "write" }],
  ["DELETE", "/files/six/a/b", { kind: "write" }],
  ["DELETE", "/files/six/..%2fb", { kind: "write" }],
  ["PUT", "/legacy/", { kind: "write" }],
  ["PATCH", "/", { kind: "write" }],
  ["POST", "/simple/", { kind: "write" }],
  ["POST", "legacy/", { kind: "write" }],
];
for (const [method, path, want] of changes)
  test(`parseRoute(${method} ${path})`, () => expect(parseRoute(method, path)).toEqual(want));

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
    "/-/yank/",
    "/-/release/",
    "/+simple/",
    "/legacy/",
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
    const route = parseRoute(["GET", "POST", "DELETE"][round % 3]!, path);
    if (!route || !("project" in route) || route.project === null) continue;
    expect(isName(route.project) && normalizeName(route.project) === route.project).toBe(true);
    if ("file" in route && route.file !== null) expect(isFileName(route.file)).toBe(true);
    if (route.kind === "redirect") expect(route.location).toMatch(/^[a-z0-9./+-]+\/$/);
  }
});
