// Who may what: every route of every format and of the site, asked by every kind of caller. The requests are those of the wire scripts and the ones below; a route
// that none of them reaches fails.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { openAuth } from "../src/auth/room.ts";
import type { TokenWish } from "../src/core/accounts.ts";
import type { Action } from "../src/core/grant.ts";
import { createLog } from "../src/core/log.ts";
import { theServer } from "../src/core/principal.ts";
import { formats } from "../src/formats/index.ts";
import { openCheckpoint } from "../src/proof/checkpoint.ts";
import { parseVerifierKey } from "../src/proof/verifier.ts";
import { createChanges } from "../src/store/changes.ts";
import { openDatabase } from "../src/store/database.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { startServer, type TestServer } from "./support/server.ts";
import { sitePaths } from "./support/site-paths.ts";
import { waitFor } from "./support/wait.ts";
import { parseWire } from "./support/wire-script.ts";

interface Asked {
  method: string;
  path: string;
}
/** What a route needs, worked out by the format itself. */
interface Route extends Asked {
  repository: string;
  kind: string;
  action: Action;
  package: string | null;
}

/** Routes that no wire script asks, since what they change is tried by unit tests and real clients. */
const more: Asked[] = [
  ["PUT", "/npm/@acme%2fgrotto"],
  ["PUT", "/npm/kelp"],
  ["PUT", "/npm/@acme%2fgrotto/-rev/1-x"],
  ["DELETE", "/npm/@acme%2fgrotto/-rev/1-x"],
  ["DELETE", "/npm/@acme/grotto/-/grotto-1.0.0.tgz/-rev/1-x"],
  ["PUT", "/npm/-/package/@acme%2fgrotto/dist-tags/next"],
  ["DELETE", "/npm/-/package/@acme%2fgrotto/dist-tags/next"],
  ["GET", "/npm/-/package/@acme%2fgrotto/visibility"],
  ["GET", "/npm/-/package/@acme%2fgrotto/collaborators"],
  ["POST", "/npm/-/package/@acme%2fgrotto/access"],
  ["POST", "/npm/-/npm/v1/oidc/token/exchange/package/@acme%2fgrotto"],
  ["POST", "/npm/-/v1/login"],
  ["GET", "/npm/-/v1/done/nothing"],
  ["PUT", "/npm/-/user/org.couchdb.user:ann"],
  ["GET", "/npm/-/user/org.couchdb.user:ann"],
  ["GET", "/npm/-/user/ann/package"],
  ["DELETE", "/npm/-/user/token/nothing"],
  ["DELETE", "/npm/-/npm/v1/tokens/token/nothing"],
  ["GET", "/npm/-/npm/v1/tokens"],
  ["GET", "/npm/-/npm/v1/user"],
  ["GET", "/npm/-/_view/starredByUser"],
  ["GET", "/npm/-/org/acme/team"],
  ["GET", "/npm/-/team/acme/web/user"],
  ["GET", "/npm/-/whoami"],
  ["PATCH", "/npm/kelp"],
  ["GET", "/composer/api/security-advisories"],
  ["POST", "/composer/api/security-advisories"],
  ["GET", "/composer/filter/summary.json"],
  ["POST", "/composer/filter"],
  ["POST", "/composer/downloads"],
  ["GET", "/composer/providers/reef/coral.json"],
  ["POST", "/pypi/legacy/"],
  ["POST", "/pypi/-/yank/acme-grotto/1.0"],
  ["DELETE", "/pypi/-/yank/acme-grotto/1.0"],
  ["DELETE", "/pypi/-/release/acme-grotto/1.0"],
  ["DELETE", "/pypi/-/release/acme-grotto"],
  ["DELETE", "/pypi/files/acme-grotto/acme_grotto-1.0.tar.gz"],
].map(([method, path]) => ({ method: method!, path: path! }));

/** Kinds of routes that a format's `parse` gives and that nothing here reaches: none. */
const allKinds: Record<string, string[]> = Object.fromEntries(
  formats.map((format) => [format.name, kindsOf(format.name)]),
);

/** By the type of its routes, which is the only place where all of them stand. */
function kindsOf(format: string): string[] {
  const text = readFileSync(`src/formats/${format}/routes.ts`, "utf8");
  const types = text.match(/export type \w*Route\b[^=]*=[\s\S]*?;\n\n/g) ?? [];
  const kinds = types.join("").matchAll(/kind: ((?:"[\w-]+"(?:\s*\|\s*)?)+)/g);
  return [...kinds].flatMap(([, names]) =>
    [...names!.matchAll(/"([\w-]+)"/g)].map(([, name]) => name!),
  );
}

const formatOf = (repository: string) =>
  formats.find(({ name }) => repository.startsWith(name)) ??
  formats.find(({ name }) => name === (repository === "satis" ? "composer" : "apt"))!;

function routeOf({ method, path }: Asked): Route | null {
  const [, repository = "", rest = "/"] = /^\/([^/?]+)([^?]*)/.exec(path) ?? [];
  const format = formatOf(repository);
  const route = format.parse(method, rest || "/");
  if (!route) return null;
  const { action, package: name } = format.access(route);
  return { method, path, repository, kind: `${format.name} ${route.kind}`, action, package: name };
}

const routes = new Map<string, Route>();
for (const script of [...new Glob("src/formats/*/testdata/*.wire").scanSync(".")].sort())
  for (const step of parseWire(readFileSync(script, "utf8")))
    if (step.do === "request" && !/[{}]/.test(step.path)) more.push(step);
for (const asked of more) {
  const route = routeOf(asked);
  // One of each kind with and without a package, by each method, is as good as all.
  if (route)
    routes.set(`${route.method} ${route.kind} ${route.action} ${route.package === null}`, route);
}

/** Who sends something to log in with that is not good. */
const strangers = ["expired", "revoked", "wrong network", "another server's token"];

type Caller = { header: string | null; may(route: Route): boolean };
let upstream: FakeUpstream;
let server: TestServer;
const callers = new Map<string, Caller>();

const IMPLIES: Record<string, Action[]> = {
  read: ["read"],
  publish: ["read", "publish"],
  unpublish: ["read", "unpublish"],
  admin: ["read", "publish", "unpublish", "admin"],
};

beforeAll(async () => {
  upstream = await startUpstream();
  server = await startServer(upstream, {
    access: { anonymous: "none" },
    claims: { npm: ["@acme/*"], pypi: ["acme-*"] },
  });
  const database = await openDatabase(join(server.data, "holdfast.db"));
  const log = createLog("json", () => {});
  const { admin } = await openAuth({ database, changes: createChanges(), log, now: Date.now });
  const whole = { repositories: null, packages: null, actions: null };
  async function add(
    name: string,
    grant: { actions: Action[]; repository?: string; package?: string } | null,
    wish: Partial<TokenWish>,
    may: Caller["may"],
  ) {
    const user = name.replaceAll(" ", "-");
    await admin.addUser(theServer, { name: user, password: null });
    if (grant)
      await admin.grant(theServer, {
        holder: `user:${user}`,
        actions: grant.actions,
        repository: grant.repository ?? null,
        package: grant.package ?? null,
      });
    const token = await admin.issueToken(theServer, user, {
      name,
      scope: whole,
      cidrs: [],
      expiresAt: null,
      ...wish,
    });
    callers.set(name, { header: `Bearer ${token.secret}`, may });
    return token;
  }
  callers.set("anonymous", { header: null, may: () => false });
  await add("no grant", null, {}, () => false);
  for (const action of ["read", "publish", "unpublish", "admin"] as const)
    await add(action, { actions: [action] }, {}, (route) =>
      IMPLIES[action]!.includes(route.action),
    );
  for (const action of ["read", "publish"] as const)
    await add(
      `a token to ${action} of an admin`,
      { actions: ["admin"] },
      { scope: { ...whole, actions: [action] } },
      (route) => IMPLIES[action]!.includes(route.action),
    );
  await add("expired", { actions: ["admin"] }, { expiresAt: Date.now() + 60_000 }, () => false);
  const revoked = await add("revoked", { actions: ["admin"] }, {}, () => false);
  await admin.revokeToken(theServer, revoked.id);
  await add("wrong network", { actions: ["admin"] }, { cidrs: ["192.0.2.0/24"] }, () => false);
  callers.set("another server's token", { header: "Bearer eyJ.a.b", may: () => false });
  await add("other repository", { actions: ["admin"], repository: "nowhere" }, {}, () => false);
  // What belongs to no package is for everybody who may do that with any.
  const none = (route: Route) => route.package === null;
  await add("other pattern", { actions: ["admin"], package: "nothing-of-that-name" }, {}, none);
  await add(
    "a token for another pattern",
    { actions: ["admin"] },
    { scope: { ...whole, packages: ["nothing-of-that-name"] } },
    none,
  );
  await database.close();
  await server.restart();
  server.advance(120_000);
}, 60_000);
afterAll(async () => {
  await server.stop();
  await upstream.stop();
});

async function ask({ method, path }: Asked, header: string | null) {
  const answer = await fetch(`${server.url}${path}`, {
    method,
    redirect: "manual",
    headers: header === null ? {} : { authorization: header },
    ...(method !== "GET" && method !== "HEAD" && { body: "{}" }),
  });
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
}

test("every kind of route of every format is asked", () => {
  const asked = new Set([...routes.values()].map(({ kind }) => kind));
  for (const [format, kinds] of Object.entries(allKinds)) {
    expect(kinds.length).toBeGreaterThan(2);
    expect(
      kinds.filter((kind) => !asked.has(`${format} ${kind}`)).map((kind) => `${format} ${kind}`),
    ).toEqual([]);
  }
});

test("each caller is let in where their grants say so, and nowhere else", async () => {
  const wrong: string[] = [];
  for (const [name, { header, may }] of callers)
    for (const route of routes.values()) {
      // apt asks again behind the path, for the suite that it leads to.
      if (name.includes("pattern") && route.kind.startsWith("apt ")) continue;
      // Asking for it may change it: one that is let in comes to the door alone.
      const isLetIn = may(route);
      if (route.action === "open" || (isLetIn && route.method !== "GET" && route.method !== "HEAD"))
        continue;
      const { status } = await ask(route, header);
      const isRefused = status === 401 || status === 403;
      const isKnown = header !== null && !strangers.includes(name);
      if (
        isLetIn
          ? isRefused && !/tarball/.test(route.kind)
          : status !== (isKnown ? 403 : 401) &&
            !(route.repository.match(/composer|satis/) && status === 424)
      )
        wrong.push(
          `${name}: ${route.method} ${route.path} (${route.kind}, ${route.action}): ${status}`,
        );
    }
  expect(wrong).toEqual([]);
  expect(routes.size).toBeGreaterThan(60);
}, 120_000);

test("where nobody is asked who they are, nobody is told of a package", async () => {
  for (const route of [...routes.values()].filter(({ action }) => action === "open"))
    for (const header of [null, callers.get("no grant")!.header, callers.get("revoked")!.header]) {
      const { status, text } = await ask(route, header);
      expect({ path: route.path, told: /kelp|grotto/.test(text), status: status < 500 }).toEqual({
        path: route.path,
        told: false,
        status: true,
      });
    }
}, 60_000);

test("what may not be read looks like what is not there: in status, text and headers", async () => {
  const shapes = ({ status, text, headers }: Awaited<ReturnType<typeof ask>>, name: string) => ({
    status,
    text: text.replaceAll(name, "NAME").replaceAll(name.replace("/", "%2f"), "NAME"),
    headers: [...headers.keys()].filter((key) => key !== "content-length").sort(),
  });
  const pairs: [path: string, there: string, missing: string][] = [
    ["/npm/NAME", "kelp", "kelq"],
    ["/npm/NAME/latest", "kelp", "kelq"],
    ["/npm/NAME/-/NAME-1.0.0.tgz", "kelp", "kelq"],
    ["/npm/-/package/NAME/dist-tags", "kelp", "kelq"],
    ["/npm/-/npm/v1/attestations/NAME@1.0.0", "kelp", "kelq"],
    ["/pypi/simple/NAME/", "brine", "brinf"],
    ["/pypi/pypi/NAME/json", "brine", "brinf"],
  ];
  const admin = callers.get("admin")!.header;
  for (const [path, there] of pairs)
    await ask({ method: "GET", path: path.replaceAll("NAME", there) }, admin);
  for (const caller of ["anonymous", "no grant", "revoked", "other pattern"])
    for (const [path, there, missing] of pairs)
      for (const method of ["GET", "HEAD"]) {
        const { header } = callers.get(caller)!;
        const one = shapes(
          await ask({ method, path: path.replaceAll("NAME", there) }, header),
          there,
        );
        const other = shapes(
          await ask({ method, path: path.replaceAll("NAME", missing) }, header),
          missing,
        );
        expect({ caller, path, ...one }).toEqual({ caller, path, ...other });
      }
}, 60_000);

test("a code host's hook is for whoever knows the secret for that, and for no grant", async () => {
  for (const repository of ["npm", "go", "composer", "debian"])
    for (const { header } of callers.values()) {
      const asked = { method: "POST", path: `/${repository}/-/hooks/git` };
      const { status, text } = await ask(asked, header);
      expect([status, text]).toEqual([404, "holdfast: No hook is taken here\n"]);
    }
}, 60_000);

/** What a page asks of who wants to see it; `people`: each asks for itself, and shows nothing of a package; `operator`: who administers all. */
const pages: Record<string, "all" | "something" | "everything" | "people" | "operator"> = {
  "/": "something",
  "/-/metrics": "everything",
  "/-/packages": "something",
  "/-/help": "all",
  "/-/health/enforcing": "all",
  "/-/health/live": "all",
  "/-/health/ready": "all",
  "/-/login": "people",
  "/-/login/oidc": "people",
  "/-/login/oidc/done": "people",
  "/-/logout": "people",
  "/-/setup": "people",
  "/-/invitation": "people",
  "/-/account": "people",
  "/-/oidc/exchange": "people",
  "/_/oidc/audience": "people",
  "/_/oidc/mint-token": "people",
  "/_/oidc/github/mint-token": "people",
  "/-/operator": "operator",
  "/-/operator/withheld": "operator",
  "/-/operator/withheld/decide": "operator",
  "/-/operator/withheld/back": "operator",
  "/-/operator/events": "operator",
  "/-/operator/events/{event}": "operator",
  "/-/operator/fetches": "operator",
  "/-/operator/fetches.csv": "operator",
  "/-/operator/affected": "operator",
  "/-/operator/operations/{operation}": "operator",
  "/-/operator/alarms": "operator",
  "/-/operator/disk": "operator",
  "/-/operator/feeds": "operator",
  "/-/operator/canaries": "operator",
  "/-/operator/trash": "operator",
  "/-/operator/jobs": "operator",
  "/-/operator/hooks": "operator",
  "/-/operator/hooks/{hook}": "operator",
  "/-/operator/accounts": "operator",
  "/-/operator/accounts/users/{user}": "operator",
  "/-/operator/accounts/teams": "operator",
  "/-/operator/accounts/teams/{team}": "operator",
  "/-/operator/accounts/grants": "operator",
  "/-/operator/accounts/tokens": "operator",
  "/-/operator/accounts/take": "operator",
  "/-/operator/repositories": "operator",
  "/-/operator/repositories/{repository}": "operator",
  "/-/operator/settings": "operator",
  "/-/operator/audit": "operator",
  "/-/readiness": "something",
};

/** What is shown with another status than 200: no canary proves anything of this server. */
const shown: Record<string, number> = { "/-/health/enforcing": 503 };

test("the site: each page is for whom it is meant", async () => {
  expect(sitePaths().sort()).toEqual(Object.keys(pages).sort());
  const nobodies = ["anonymous", "no grant", ...strangers];
  for (const [path, who] of Object.entries(pages))
    for (const [name, { header }] of callers) {
      const { status, text } = await ask({ method: "GET", path }, header);
      if (who === "operator") {
        const { status: sent } = await ask({ method: "POST", path }, header);
        const want = name === "admin" ? [200, 404] : [401, 403];
        expect([name, path, want.includes(status)]).toEqual([name, path, true]);
        // A form of no page of ours changes nothing, whoever sends it.
        expect([name, path, [401, 403, 404].includes(sent)]).toEqual([name, path, true]);
        continue;
      }
      const isShown =
        who === "all" ||
        (who === "something" && !nobodies.includes(name)) ||
        (who === "everything" && ![...nobodies, "other repository"].includes(name));
      if (who === "people")
        expect([name, path, status < 500, /kelp|grotto/.test(text)]).toEqual([
          name,
          path,
          true,
          false,
        ]);
      else if (isShown) expect([name, path, status]).toEqual([name, path, shown[path] ?? 200]);
      else expect([name, path, [401, 403].includes(status)]).toEqual([name, path, true]);
    }
}, 60_000);

test("the log, which names every package, is for who administers all of the server", async () => {
  const admin = callers.get("admin")!.header;
  const get = (path: string) => ask({ method: "GET", path }, admin);
  await get("/npm/kelp"); // becomes leaves
  let note = await get("/-/log/checkpoint");
  await waitFor(
    async () => {
      note = await get("/-/log/checkpoint");
      return note.status === 200;
    },
    () => `No checkpoint: ${note.status} ${note.text}`,
  );
  expect(note.headers.get("cache-control")).toBe("private, no-cache");
  const key = parseVerifierKey((await get("/-/log/key")).text.trim())!;
  const { size } = openCheckpoint(note.text, key);
  const width = Math.min(size, 256);
  const tile = `/-/log/tile/0/000${width === 256 ? "" : `.p/${width}`}`;
  for (const path of ["/-/log/checkpoint", "/-/log/key", tile])
    for (const method of ["GET", "HEAD"])
      for (const [name, { header }] of callers) {
        const { status, headers } = await ask({ method, path }, header);
        if (name !== "admin")
          expect([name, path, [401, 403].includes(status)]).toEqual([name, path, true]);
        else expect([path, status]).toEqual([path, 200]);
        if (name === "admin" && path === tile)
          expect(headers.get("cache-control")).toBe("private, max-age=31536000, immutable");
      }
  for (const none of ["key.part", "tile/0/999", "tile/0/000.p/0", ""])
    expect([none, (await get(`/-/log/${none}`)).status]).toEqual([none, 404]);
}, 60_000);

test("the API: whoever has no grant is refused on every operation that is not for everybody", async () => {
  const document = JSON.parse(
    (await ask({ method: "GET", path: "/-/api/openapi.json" }, null)).text,
  );
  const operations = Object.entries(document.paths as Record<string, object>).flatMap(
    ([path, methods]) =>
      Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
  );
  expect(operations.length).toBeGreaterThan(30);
  const open: string[] = [];
  for (const { method, path } of operations) {
    const asked = { method, path: `/-/api/v1${path.replace(/\{\w+\}/g, "npm")}` };
    const { status } = await ask(asked, null);
    if (status !== 401) open.push(`${method} ${path}`);
    else
      for (const [name, want] of [
        ["no grant", 403],
        ["other repository", 403],
        ["expired", 401],
        ["revoked", 401],
        ["wrong network", 401],
        ["another server's token", 401],
      ] as const) {
        const answer = await ask(asked, callers.get(name)!.header);
        // Who may administer something may ask for lists, which then hold nothing of what they may not, and is told that what they may not read is not there.
        if (name === "other repository" && method === "GET" && [200, 404].includes(answer.status))
          continue;
        expect([name, method, path, answer.status]).toEqual([name, method, path, want]);
      }
  }
  expect(open).toEqual(["GET /me"]);
}, 60_000);
