import { expect, test } from "bun:test";
import { isFileName, isPackageName } from "./names.ts";
import { accessOf, type NpmRoute, parseRoute } from "./routes.ts";
import { seeded } from "./testdata/repository.ts";

const paths: [path: string, want: NpmRoute | null][] = [
  ["/lodash", { kind: "packument", name: "lodash" }],
  ["/@types%2fnode", { kind: "packument", name: "@types/node" }],
  ["/@types%2Fnode", { kind: "packument", name: "@types/node" }],
  ["/%40types%2fnode", { kind: "packument", name: "@types/node" }],
  ["/@types/node", { kind: "packument", name: "@types/node" }],
  ["/JSONStream", { kind: "packument", name: "JSONStream" }],
  ["/-", { kind: "packument", name: "-" }],
  ["/lodash/4.17.21", { kind: "version", name: "lodash", wanted: "4.17.21" }],
  ["/lodash/1.0.0%2Bb", { kind: "version", name: "lodash", wanted: "1.0.0+b" }],
  ["/lodash/latest", { kind: "version", name: "lodash", wanted: "latest" }],
  ["/@types%2fnode/latest", { kind: "version", name: "@types/node", wanted: "latest" }],
  ["/@types/node/20.0.0", { kind: "version", name: "@types/node", wanted: "20.0.0" }],
  ["/lodash/^4.0.0", null],
  ["/lodash/4.x", null],
  ["/a/-/a-1.0.0.tgz", { kind: "tarball", name: "a", file: "a-1.0.0.tgz" }],
  ["/-/-/--0.0.1.tgz", { kind: "tarball", name: "-", file: "--0.0.1.tgz" }],
  ["/@s/n/-/n-1.0.0.tgz", { kind: "tarball", name: "@s/n", file: "n-1.0.0.tgz" }],
  ["/@s%2fn/-/n-1.0.0.tgz", { kind: "tarball", name: "@s/n", file: "n-1.0.0.tgz" }],
  ["/@s/n/-/@s/n-1.0.0.tgz", { kind: "tarball", name: "@s/n", file: "n-1.0.0.tgz" }],
  ["/@s%2fn/-/@s/n-1.0.0.tgz", { kind: "tarball", name: "@s/n", file: "n-1.0.0.tgz" }],
  ["/@s/n/-/@t/n-1.0.0.tgz", null],
  // A lock file's address at another server, with that server's prefix.
  ["/npm/a/-/a-1.0.0.tgz", { kind: "tarball", name: "a", file: "a-1.0.0.tgz" }],
  ["/repository/group/@s/n/-/n-1.0.0.tgz", { kind: "tarball", name: "@s/n", file: "n-1.0.0.tgz" }],
  [
    "/repository/group/@s%2fn/-/n-1.0.0.tgz",
    { kind: "tarball", name: "@s/n", file: "n-1.0.0.tgz" },
  ],
  ["/repository/a/-/..%2fa-1.0.0.tgz", null],
  ["/a/-/b/a-1.0.0.tgz", null],
  ["/a/-/a-1.0.0.tgz/x", null],
  ["/a/-", null],
  ["/-/ping", { kind: "ping" }],
  ["/-/whoami", { kind: "whoami" }],
  ["/-/v1/search", { kind: "search" }],
  ["/-/npm/v1/keys", { kind: "keys" }],
  ["/-/package/a/dist-tags", { kind: "distTags", name: "a" }],
  ["/-/package/@s%2fn/dist-tags", { kind: "distTags", name: "@s/n" }],
  ["/-/package/@s/n/dist-tags", { kind: "distTags", name: "@s/n" }],
  ["/-/package/a/b/dist-tags", null],
  ["/-/npm/v1/attestations/a@1.0.0", { kind: "attestations", name: "a", version: "1.0.0" }],
  ["/-/npm/v1/attestations/@s%2fn@1.0.0", { kind: "attestations", name: "@s/n", version: "1.0.0" }],
  ["/-/npm/v1/attestations/@s/n@1.0.0", { kind: "attestations", name: "@s/n", version: "1.0.0" }],
  [
    "/-/npm/v1/attestations/%40s%2Fn%401.0.0",
    { kind: "attestations", name: "@s/n", version: "1.0.0" },
  ],
  ["/-/npm/v1/attestations/a", null],
  ["/-/npm/v1/attestations/@s/n", null],
  ["/-/npm/v1/security/advisories/bulk", null],
  ["/-/all", null],
  ["/", null],
  ["", null],
  ["lodash", null],
  ["/@types", null],
  ["/lodash/", null],
  ["//lodash", null],
  ["/a%2fb", null],
  ["/a/-/..%2f..%2fetc%2fpasswd", null],
  ["/%2e%2e/a", null],
  ["/@s%2f..", null],
  ["/@s%2f%2e%2e", null],
  ["/a%00b", null],
  ["/a%5cb", null],
  ["/a%252fb", null],
  ["/%E0%A4%A", null],
  ["/.npmrc", null],
  ["/node_modules", null],
];
for (const [path, want] of paths)
  test(`GET ${path}`, () => {
    expect(parseRoute("GET", path)).toEqual(want);
    expect(parseRoute("HEAD", path)).toEqual(want);
  });

const others: [method: string, path: string, want: NpmRoute | null][] = [
  ["POST", "/-/npm/v1/security/advisories/bulk", { kind: "advisories" }],
  ["POST", "/-/npm/v1/security/audits", { kind: "audit", form: "audits" }],
  ["POST", "/-/npm/v1/security/audits/quick", { kind: "audit", form: "audits/quick" }],
  ["PUT", "/lodash", { kind: "publish", name: "lodash" }],
  ["PUT", "/@s%2fn", { kind: "publish", name: "@s/n" }],
  ["PUT", "/@s%2fn/-rev/3-x", { kind: "rewrite", name: "@s/n", rev: "3-x" }],
  ["DELETE", "/@s%2fn/-rev/3-x", { kind: "unpublish", name: "@s/n", file: null, rev: "3-x" }],
  [
    "DELETE",
    "/a/-/a-1.0.0.tgz/-rev/1-x",
    { kind: "unpublish", name: "a", file: "a-1.0.0.tgz", rev: "1-x" },
  ],
  [
    "DELETE",
    "/@s/n/-/n-1.0.0.tgz/-rev/1-x",
    { kind: "unpublish", name: "@s/n", file: "n-1.0.0.tgz", rev: "1-x" },
  ],
  ["DELETE", "/a/b/-rev/1-x", { kind: "unsupported", method: "DELETE" }],
  ["POST", "/lodash", { kind: "unsupported", method: "POST" }],
  [
    "PUT",
    "/-/package/@s%2fn/dist-tags/next",
    { kind: "tag", name: "@s/n", tag: "next", method: "PUT" },
  ],
  [
    "DELETE",
    "/-/package/a/dist-tags/next",
    { kind: "tag", name: "a", tag: "next", method: "DELETE" },
  ],
  ["GET", "/-/package/@s%2fn/visibility", { kind: "visibility", name: "@s/n" }],
  ["GET", "/-/package/@s%2fn/collaborators", { kind: "collaborators", name: "@s/n" }],
  ["POST", "/-/package/@s%2fn/access", { kind: "setAccess", name: "@s/n" }],
  ["POST", "/-/npm/v1/oidc/token/exchange/package/@s%2fn", { kind: "exchange", name: "@s/n" }],
  ["PUT", "/-/user/org.couchdb.user:me", { kind: "userLogin", user: "me" }],
  ["PUT", "/-/user/org.couchdb.user:me/-rev/1", { kind: "userLogin", user: "me" }],
  ["GET", "/-/user/org.couchdb.user:me", { kind: "user", user: "me" }],
  ["DELETE", "/-/user/token/hf_x", { kind: "logout", token: "hf_x" }],
  ["GET", "/-/user/me/package", { kind: "userPackages", user: "me" }],
  ["POST", "/-/v1/login", { kind: "webLogin" }],
  ["GET", "/-/v1/done/x", { kind: "loginDone", id: "x" }],
  ["GET", "/-/npm/v1/user", { kind: "profile", method: "GET" }],
  ["POST", "/-/npm/v1/user", { kind: "profile", method: "POST" }],
  ["GET", "/-/npm/v1/tokens", { kind: "tokens", method: "GET" }],
  ["POST", "/-/npm/v1/tokens", { kind: "tokens", method: "POST" }],
  ["DELETE", "/-/npm/v1/tokens/token/x", { kind: "revokeToken", token: "x" }],
  ["GET", "/-/_view/starredByUser", { kind: "starred" }],
  ["GET", "/-/org/acme/team", { kind: "teams", scope: "acme" }],
  ["GET", "/-/team/acme/web/user", { kind: "team", scope: "acme", team: "web" }],
  ["POST", "/-/stage/package/a", { kind: "unsupported", method: "POST" }],
  ["PUT", "/a%2f..", null],
];
for (const [method, path, want] of others)
  test(`${method} ${path}`, () => expect(parseRoute(method, path)).toEqual(want));

test("access names the package where there is one", () => {
  expect(accessOf({ kind: "packument", name: "@s/n" })).toEqual({
    action: "read",
    package: "@s/n",
  });
  expect(accessOf({ kind: "search" })).toEqual({ action: "read", package: null });
  expect(accessOf({ kind: "unsupported", method: "PUT" })).toEqual({
    action: "publish",
    package: null,
  });
});

test("any path: never throws, and what it names is a name", () => {
  const random = seeded(2);
  const pieces = [
    "/",
    "/",
    "-",
    "@s",
    "a",
    "..",
    ".",
    "%2f",
    "%2F",
    "%40",
    "%00",
    "%",
    "%25",
    "\\",
    "1.0.0",
    "~",
    "*",
    "é",
    "?",
  ];
  for (let round = 0; round < 50_000; round++) {
    let path = "/";
    for (let part = random() * 9; part > 0; part--)
      path += pieces[Math.floor(random() * pieces.length)];
    const route = parseRoute("GET", path);
    if (route && "name" in route) expect(isPackageName(route.name)).toBe(true);
    if (route?.kind === "tarball") expect(isFileName(route.file)).toBe(true);
    if (route) expect(path).not.toMatch(/%00|%25|\\|\/\//);
  }
});
