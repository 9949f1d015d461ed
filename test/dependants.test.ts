// Who needs a package, with a whole server: what clients fetched and what is published, in all formats, for readers who may see all of it and for others.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { grantOf } from "../src/core/testkit.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { npmPublication } from "./support/npm-package.ts";
import { startServer, type TestServer } from "./support/server.ts";
import { waitFor } from "./support/wait.ts";

let upstream: FakeUpstream;
let server: TestServer;
beforeEach(async () => {
  upstream = await startUpstream();
});
afterEach(async () => {
  await server.stop();
  await upstream.stop();
});

interface Listed {
  items: {
    repository: string;
    package: string;
    version: string;
    needs: { kind: string; range: string }[];
  }[];
  next: string | null;
  total: number;
  isMore: boolean;
}

async function get(path: string): Promise<void> {
  const answer = await fetch(`${server.url}${path}`);
  await answer.arrayBuffer();
  expect([path, answer.status]).toEqual([path, 200]);
}

async function asked(repository: string, name: string, query = ""): Promise<Listed> {
  const path = `/-/api/v1/catalog/${repository}/${encodeURIComponent(name)}/dependants${query}`;
  const answer = await fetch(`${server.url}${path}`);
  return answer.status === 200
    ? ((await answer.json()) as Listed)
    : { items: [], next: null, total: -answer.status, isMore: false };
}

/** "repository package@version range kind" */
async function who(repository: string, name: string): Promise<string[]> {
  const { items } = await asked(repository, name);
  return items.flatMap(({ needs, ...one }) =>
    needs.map(({ range, kind }) =>
      `${one.repository} ${one.package}@${one.version} ${range} ${kind}`.trim(),
    ),
  );
}

/** A job of the server writes them down. */
async function told(repository: string, name: string, want: string[]): Promise<void> {
  let found: string[] = [];
  const isThere = async () => {
    found = await who(repository, name);
    return Bun.deepEquals(found, want);
  };
  await waitFor(isThere, () => `${name}: ${JSON.stringify(found)}`, 60_000);
}

const text = async (path: string) =>
  (await (await fetch(`${server.url}${path}`, { headers: { accept: "text/html" } })).text())
    .replace(/<style>.*?<\/style>/s, "")
    .replace(/<[^>]+>/g, " ")
    .replace(/\s+/g, " ");

/** Of a Composer document, the archive of a release. */
async function archiveOf(repository: string, name: string): Promise<string> {
  const answer = await fetch(`${server.url}/${repository}/p2/${name}.json`);
  const { packages } = (await answer.json()) as {
    packages: Record<string, { dist: { url: string } }[]>;
  };
  return new URL(packages[name]![0]!.dist.url).pathname;
}

test("in all formats who needs a package is told, in every repository of the format, with the cable cut", async () => {
  server = await startServer(upstream);
  for (const path of [
    "/npm/lantern",
    "/npm/lantern/-/lantern-1.0.0.tgz",
    "/pypi/simple/brine/",
    "/pypi/files/brine/brine-2.0.0-py3-none-any.whl.metadata",
    "/pypi/simple/inlet/",
    "/pypi/files/inlet/inlet-2.31.0.tar.gz",
    "/pypi/simple/fjord/",
    "/pypi/files/fjord/fjord-1.26.0-py3-none-any.whl",
    "/go/example.test/!capstan/!deck/@v/v1.0.0.mod",
    "/go/example.test/bell/@v/v0.3.0.mod",
    "/go/example.test/bell/@v/v0.3.0.zip",
    "/debian/dists/stable/InRelease",
    "/debian/dists/stable/main/binary-amd64/Packages.xz",
    "/debian/pool/main/h/hello/hello_2.10-3_amd64.deb",
    "/composer/packages.json",
    "/satis/packages.json",
  ])
    await get(path);
  await get(await archiveOf("composer", "reef/polyp"));
  await get(await archiveOf("satis", "dock/winch"));
  await upstream.off();
  const before = upstream.requests.length;
  await told("npm", "plankton", ["npm lantern@1.0.0 ^2.0.0"]);
  await told("pypi", "Abyss", ["pypi brine@2.0.0 >=1.0"]);
  await told("pypi", "glacier", ["pypi fjord@1.26.0", "pypi inlet@2.31.0 >=3"]);
  await told("pypi", "brine", ["pypi inlet@2.31.0 >=2"]);
  await told("go", "example.test/anchor", ["go example.test/bell@v0.3.0 v1.0.0"]);
  await told("go", "example.test/bell", ["go example.test/Capstan/Deck@v1.0.0 v0.3.0"]);
  await told("debian", "libtide0", ["debian hello@2.10-3 >= 1.4"]);
  await told("composer", "Reef/Coral", ["composer reef/polyp@2.0.0-beta1 ^1.0"]);
  // Asked for in either of the two repositories of Composer packages.
  await told("satis", "dock/crane", ["satis dock/winch@1.1.0 ^1.0"]);
  await told("composer", "dock/crane", ["satis dock/winch@1.1.0 ^1.0"]);
  // Not known but for that.
  expect(await text("/-/packages/npm/plankton/-/dependants")).toMatch(
    /Who needs plankton 1 package .* lantern 1\.0\.0 npm \^2\.0\.0 needed/,
  );
  expect(await text("/-/packages/pypi/brine")).toMatch(
    /Needed by 1 .* inlet 2\.31\.0 pypi &gt;=2 needed/,
  );
  expect(await text("/-/packages/go/example.test/bell/v/v0.3.0")).toMatch(
    /Needed by 1 .* example\.test\/Capstan\/Deck v1\.0\.0 go v0\.3\.0 needed/,
  );
  expect(await text("/-/packages/go/example.test/bell/-/dependants")).toContain(
    "Who needs example.test/bell",
  );
  expect(await text("/-/packages/npm/lantern")).toContain(
    "Needed by No package that is stored here says that it needs it.",
  );
  for (const path of [
    "/-/packages/npm/nothing/-/dependants",
    "/-/api/v1/catalog/npm/nothing/dependants",
    "/-/packages/npm//-/dependants",
  ])
    expect((await fetch(`${server.url}${path}`)).status).toBe(404);
  expect(
    (await fetch(`${server.url}/-/api/v1/catalog/npm/plankton/dependants?cursor=odd`)).status,
  ).toBe(400);
  // A NUL reaches no query: PostgreSQL would fail at it.
  for (const place of [
    ["npm", "a\0b"],
    ["n\0pm", "a"],
  ]) {
    const cursor = Buffer.from(`1${JSON.stringify(place)}`).toString("base64url");
    const path = `/-/api/v1/catalog/npm/plankton/dependants?cursor=${cursor}`;
    expect((await fetch(`${server.url}${path}`)).status).toBe(400);
    const after = encodeURIComponent(place.join("/"));
    await get(`/-/packages/npm/plankton/-/dependants?after=${after}`);
  }
  await get("/-/packages?q=a%00b");
  expect(upstream.requests.length).toBe(before);
}, 120_000);

test("what is published needs something too, until it is taken away; of private packages not even a number is told", async () => {
  server = await startServer(upstream, { claims: { npm: ["@harbour/*"] } });
  await server.account("user add", { name: "ann", password: "correct horse battery" });
  await server.account("grant add", { holder: "user:ann", actions: ["read", "publish"] });
  const scope = { actions: null, repositories: null, packages: null };
  const made = await server.account("token create", { user: "ann", name: "ci", scope });
  const token = /hf_\w+/.exec(made.join("\n"))![0];
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const publish = async (name: string, version: string, more: object) => {
    const { body } = npmPublication(name, version, "", more);
    const path = `${server.url}/npm/${name.replace("/", "%2f")}`;
    expect((await fetch(path, { method: "PUT", body, headers })).status).toBe(201);
  };
  await publish("@harbour/secret-plan", "1.0.0", { dependencies: { kelp: "^2.0.0" } });
  await publish("@harbour/buoy", "1.0.0", { peerDependencies: { kelp: "*" } });
  await get("/npm/kelp");
  await get("/npm/kelp/-/kelp-2.0.0.tgz");
  await told("npm", "kelp", [
    "npm @harbour/buoy@1.0.0 * peer",
    "npm @harbour/secret-plan@1.0.0 ^2.0.0",
  ]);
  const ben = grantOf("ben", (_, action, name) => action === "read" && !name?.includes("secret"));
  await server.restart({ gate: { identify: () => ben } });
  expect(await asked("npm", "kelp", "?limit=1")).toMatchObject({
    items: [{ package: "@harbour/buoy" }],
    next: null,
    total: 1,
  });
  for (const path of [
    "/-/packages/npm/kelp",
    "/-/packages/npm/kelp/v/2.0.0",
    "/-/packages/npm/kelp/-/dependants",
    "/-/api/v1/catalog/npm/kelp",
    "/-/api/v1/catalog/npm/kelp/versions/2.0.0",
    "/-/api/v1/catalog/npm/kelp/dependants",
  ]) {
    const answer = await fetch(`${server.url}${path}`);
    const said = await answer.text();
    expect([
      path,
      answer.status,
      said.includes("buoy"),
      /secret|Needed by .*2</.test(said),
    ]).toEqual([path, 200, true, false]);
  }
  // Of a package that they may not read nothing is told, whoever needs it.
  const other = grantOf("eve", (_, action, name) => action === "read" && name !== "kelp");
  await server.restart({ gate: { identify: () => other } });
  for (const path of ["/-/packages/npm/kelp/-/dependants", "/-/api/v1/catalog/npm/kelp/dependants"])
    expect((await fetch(`${server.url}${path}`)).status).toBe(403);
  const everything = grantOf("ann", () => true);
  await server.restart({ gate: { identify: () => everything } });
  const release = `${encodeURIComponent("@harbour/secret-plan")}/releases/1.0.0`;
  const gone = await fetch(`${server.url}/-/api/v1/repositories/npm/packages/${release}`, {
    method: "DELETE",
  });
  expect(gone.status).toBeLessThan(300);
  expect(await who("npm", "kelp")).toEqual(["npm @harbour/buoy@1.0.0 * peer"]);
}, 120_000);

test("page by page all of them are reached", async () => {
  server = await startServer(upstream);
  const names = Array.from(
    { length: 14 },
    (_, number) => `sprat-${String(number).padStart(3, "0")}`,
  );
  for (const name of names) {
    upstream.npm.publish({ name, version: "1.0.0", dependencies: { kelp: "^2.0.0" } });
    await get(`/npm/${name}/-/${name}-1.0.0.tgz`);
  }
  await get("/npm/kelp");
  await waitFor(
    async () => (await asked("npm", "kelp")).total === names.length,
    () => "not all of them are there",
    60_000,
  );
  const seen: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const part: Listed = await asked("npm", "kelp", `?limit=6${cursor && `&cursor=${cursor}`}`);
    seen.push(...part.items.map((one) => one.package));
    cursor = part.next;
  }
  expect(seen).toEqual(names);
  const page = await text("/-/packages/npm/kelp");
  expect(page).toMatch(/Needed by 14 .*sprat-009 1\.0\.0 .*All 14/);
  expect(page).not.toContain("sprat-010");
  const rest = await text("/-/packages/npm/kelp/-/dependants?after=npm/sprat-010");
  expect(rest).toMatch(/14 packages .* sprat-011 .* First .*These are the last/);
  expect(rest).not.toContain("sprat-010");
}, 120_000);
