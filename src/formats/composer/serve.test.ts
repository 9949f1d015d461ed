import { beforeEach, expect, test } from "bun:test";
import { Problem } from "../../core/problem.ts";
import { serviceOf } from "../../core/testkit.ts";
import { commitIntegrity } from "./dist.ts";
import { rootRef } from "./documents.ts";
import { composer } from "./index.ts";
import { expand } from "./minify.ts";
import { BASE, bodyOf, FakeRepository, problemOf, request } from "./testdata/repository.ts";

const COMMIT = "1111111111111111111111111111111111111111";
const NEWER = "2222222222222222222222222222222222222222";
const ROOT = { packages: [], "metadata-url": "/p2/%package%.json" };

let repository: FakeRepository;
beforeEach(() => {
  repository = new FakeRepository();
  repository.claimed = ["acme/*"];
  repository.store("root", "packages.json", ROOT);
});

function get(path: string, method = "GET", text = "") {
  const [pathname = "", query = ""] = path.split("?");
  const route = composer.parse(method, pathname);
  if (!route) throw new Problem("notFound", "no route");
  return serviceOf(composer, repository).serve(
    route,
    request({ method, path: pathname, query, text }),
    repository,
  );
}

function versions(name: string, reference = COMMIT, version = "1.0.0") {
  const url = `https://code.example.test/${name}/zipball/${reference}`;
  return { packages: { [name]: [{ name, version, dist: { type: "zip", url, reference } }] } };
}

test("packages.json has our URLs and what the upstream has, and nothing else", async () => {
  expect(bodyOf(await get("/packages.json"))).toEqual({
    packages: [],
    "metadata-url": `${BASE}/p2/%package%.json`,
    mirrors: [
      { "dist-url": `${BASE}/dists/%package%/%version%/%reference%.%type%`, preferred: true },
    ],
    "notify-batch": `${BASE}/downloads/`,
  });
  repository.store("root", "packages.json", {
    ...ROOT,
    "available-packages": ["reef/coral", "acme/secret"],
    "available-package-patterns": ["harbour/*"],
    search: "/s?q=%query%",
    list: "/l",
    "providers-api": "/providers/%package%",
    "security-advisories": { metadata: true, "api-url": "https://api.example.test/" },
    filter: {
      metadata: true,
      lists: { malware: { enabled: true } },
      "summary-url": "/x",
      "api-url": "/y",
    },
    info: "Hello",
    "notify-batch": "https://composer.example.test/downloads/",
    mirrors: [{ "dist-url": "https://composer.example.test/%package%", preferred: true }],
  });
  const text = JSON.stringify(bodyOf(await get("/packages.json")));
  expect(text).not.toContain("composer.example.test");
  expect(JSON.parse(text)).toMatchObject({
    "available-packages": ["reef/coral"],
    "available-package-patterns": ["harbour/*"],
    search: `${BASE}/search.json?q=%query%&type=%type%`,
    list: `${BASE}/list.json`,
    "providers-api": `${BASE}/providers/%package%.json`,
    "security-advisories": { metadata: true, "api-url": `${BASE}/api/security-advisories/` },
    filter: {
      metadata: true,
      lists: { malware: { enabled: true } },
      "summary-url": `${BASE}/filter/summary.json`,
      "api-url": `${BASE}/filter`,
    },
    info: "Hello",
  });
});

test("packages.json is dated by its last visible change, claims included", async () => {
  repository.store("root", "packages.json", {
    ...ROOT,
    "available-packages": ["reef/coral", "isle/palm"],
  });
  const first = await get("/packages.json");
  repository.clock += 60_000;
  expect(await get("/packages.json")).toMatchObject({
    lastModified: first.lastModified!,
    etag: first.etag!,
  });
  repository.claimed = ["isle/palm"];
  const changed = await get("/packages.json");
  expect(changed.lastModified).toBe(repository.clock);
  expect(changed.etag).not.toBe(first.etag!);
});

test("packages.json lists all that stands in the upstream's own and its includes, but what is claimed", async () => {
  const include = { packages: versions("dock/winch").packages };
  repository.store("root", "packages.json", {
    packages: { ...versions("dock/crane").packages, ...versions("acme/secret").packages },
    includes: { "all.json": {} },
  });
  repository.store("include", "all.json", include);
  expect(bodyOf(await get("/packages.json"))["available-packages"]).toEqual([
    "dock/crane",
    "dock/winch",
  ]);
  repository.inStore.delete("include:all.json");
  expect(bodyOf(await get("/packages.json"))).not.toHaveProperty("available-packages");
});

test("a package is read where it stands: on its own, in packages.json, or in an include", async () => {
  repository.store("package", "reef/coral", versions("reef/coral"));
  repository.store("dev", "reef/coral", { packages: { "reef/coral": [] } });
  await get("/p2/reef/coral.json");
  await get("/p2/Reef/Coral~dev.json");
  repository.store("root", "packages.json", {
    ...ROOT,
    packages: { ...versions("dock/crane").packages },
  });
  await get("/p2/dock/crane.json");
  repository.store("root", "packages.json", {
    packages: {},
    includes: { "a.json": {}, "b.json": {} },
  });
  repository.store("include", "a.json", versions("isle/palm"));
  repository.store("include", "b.json", versions("dock/winch"));
  await get("/p2/dock/winch~dev.json");
  expect(
    repository.views.map(({ ref, view }) => [ref.kind, ref.key, view.variant, view.base]),
  ).toEqual([
    ["package", "reef/coral", "package", BASE],
    ["dev", "reef/coral", "package", BASE],
    ["root", "packages.json", "package/dock/crane", BASE],
    ["include", "b.json", "dev/dock/winch", BASE],
  ]);
});

test("sources are left out where the configuration says so, but of what can be had from there alone", async () => {
  const source = { type: "git", url: "https://code.example.test/x.git", reference: COMMIT };
  const dist = { type: "zip", url: "https://code.example.test/x.zip", reference: COMMIT };
  const both = [
    { name: "reef/coral", version: "2.0.0", source, dist },
    { name: "reef/coral", version: "1.0.0", source },
  ];
  const shown = async (path: string) =>
    expand(bodyOf(await get(path)).packages["reef/coral"]).map((version) => "source" in version);
  repository.store("package", "reef/coral", { packages: { "reef/coral": both } });
  expect(await shown("/p2/reef/coral.json")).toEqual([true, true]);
  repository.options.checkouts = false;
  expect(await shown("/p2/reef/coral.json")).toEqual([false, true]);
  repository.store("root", "packages.json", { packages: { "reef/coral": both } });
  expect(await shown("/p2/reef/coral.json")).toEqual([false, true]);
});

test("a package that the upstream does not list is not asked for", async () => {
  repository.store("root", "packages.json", { ...ROOT, "available-package-patterns": ["reef/*"] });
  expect(await problemOf(get("/p2/isle/palm.json"))).toMatchObject({ kind: "notFound" });
  repository.store("root", "packages.json", versions("reef/coral"));
  expect(await problemOf(get("/p2/isle/palm.json"))).toMatchObject({ kind: "notFound" });
  expect(repository.views).toEqual([]);
});

test("claimed names are asked for nowhere", async () => {
  for (const path of [
    "/p2/acme/secret.json",
    "/p2/acme/secret~dev.json",
    "/p2/ACME/Secret.json",
    "/providers/acme/secret.json",
    `/dists/acme/secret/1.0.0.0/${COMMIT}.zip`,
    `/dists/acme/secret/dev-main/${COMMIT}.zip`,
  ])
    expect(await problemOf(get(path))).toMatchObject({ kind: "notFound", rule: "claims" });
  expect([...repository.asked, ...repository.views, ...repository.artifacts]).toEqual([]);
});

test("a dist follows from its path, and the catalog has it under the author's version", async () => {
  repository.know("reef/coral", `1.0.0.0/${COMMIT}.zip`, "v1.0.0");
  repository.know("reef/coral", "1.0.0.0", "v1.0.0", commitIntegrity(COMMIT));
  const reply = await get(`/dists/Reef/coral/1.0.0.0/${COMMIT}.zip`);
  expect(reply.headers["content-type"]).toBe("application/zip");
  const [artifact] = repository.artifacts;
  expect(artifact).toMatchObject({
    package: "reef/coral",
    version: "v1.0.0",
    file: `1.0.0.0/${COMMIT}.zip`,
    purl: "pkg:composer/reef/coral@v1.0.0",
    path: null,
  });
  expect(artifact?.namedBy.map(({ path }) => path)).toEqual([
    "/p2/reef/coral.json",
    "/p2/reef/coral~dev.json",
  ]);
  expect(artifact?.namedAs).toBeUndefined();
});

test("a dist is named by either document of its package, the likelier first; one in many by its package too", async () => {
  await get(`/dists/reef/coral/dev-main/${COMMIT}.zip`);
  await get(`/dists/reef/coral/3a109dbd947915bda93476ade747480e/${COMMIT}.zip`);
  repository.store("root", "packages.json", versions("dock/crane"));
  await get(`/dists/dock/crane/1.0.0.0/${COMMIT}.zip`);
  expect(
    repository.artifacts.map(({ namedBy, namedAs }) => [namedBy.map(({ kind }) => kind), namedAs]),
  ).toEqual([
    [["dev", "package"], undefined],
    [["dev", "package"], undefined],
    [["root"], `dock/crane/1.0.0.0/${COMMIT}.zip`],
  ]);
});

test("a branch without a commit is asked for as the newest one", async () => {
  const dist = { type: "zip", url: "https://code.example.test/x.zip", shasum: COMMIT };
  const versions = [{ name: "reef/coral", version: "dev-main", dist }];
  repository.store("dev", "reef/coral", { packages: { "reef/coral": versions } });
  await get("/dists/reef/coral/dev-main/.zip");
  await get("/dists/reef/coral/dev-other/.zip");
  await get("/dists/reef/coral/1.0.0.0/.zip");
  expect(repository.artifacts.map(({ file }) => file)).toEqual([
    `dev-main/${COMMIT}.zip`,
    "dev-other/.zip",
    "1.0.0.0/.zip",
  ]);
});

test("a dist that is stored needs no packages.json", async () => {
  repository.inStore.clear();
  expect((await get(`/dists/reef/coral/1.0.0.0/${COMMIT}.zip`)).status).toBe(200);
});

test("the upstream's own mirrors are asked where it wants them to be", async () => {
  repository.store("root", "packages.json", {
    ...ROOT,
    mirrors: [
      { "dist-url": "/dists/%package%/%version%/r%reference%.%type%", preferred: true },
      { "dist-url": "https://second.example.test/%package%-%reference%.%type%" },
      { "dist-url": "https://third.example.test/%prettyVersion%" },
    ],
  });
  await get(`/dists/reef/coral/1.0.0.0/${COMMIT}.zip`);
  expect(repository.artifacts[0]).toMatchObject({
    path: `/dists/reef/coral/1.0.0.0/r${COMMIT}.zip`,
    otherPaths: [`https://second.example.test/reef/coral-${COMMIT}.zip`],
  });
});

test("what a moved tag stands at now is not given out as the release", async () => {
  repository.know("reef/coral", "1.0.0.0", "1.0.0", commitIntegrity(COMMIT));
  repository.know("reef/coral", `1.0.0.0/${NEWER}.zip`, "1.0.0");
  expect(await problemOf(get(`/dists/reef/coral/1.0.0.0/${NEWER}.zip`))).toMatchObject({
    kind: "tampered",
    message: expect.stringContaining(NEWER),
  });
  expect((await get(`/dists/reef/coral/1.0.0.0/${COMMIT}.zip`)).status).toBe(200);
});

test("a release that was fetched is no other archive, of whatever type or without a commit", async () => {
  const known = { version: "1.0.0", integrity: null, digests: null, size: 1, gone: false };
  const stored = `1.0.0.0/${COMMIT}.zip`;
  repository.knownFiles.set("stored", { ...known, file: stored, sha256: "ab" });
  for (const file of [`1.0.0.0/${COMMIT}.tar`, "1.0.0.0/.zip", `1.0.0.0/${NEWER}.zip`]) {
    repository.know("reef/coral", file, "1.0.0");
    expect((await problemOf(get(`/dists/reef/coral/${file}`))).kind).toBe("tampered");
  }
  expect((await get(`/dists/reef/coral/${stored}`)).status).toBe(200);
  repository.know("reef/coral", `1.0.0.1/${COMMIT}.tar`, "1.0.0.1");
  expect((await get(`/dists/reef/coral/1.0.0.1/${COMMIT}.tar`)).status).toBe(200);
});

test("an earlier commit of a branch is fetched from where the newest one is", async () => {
  repository.store("dev", "reef/coral", versions("reef/coral", NEWER, "dev-main"));
  repository.unnamed.add(`dev-main/${COMMIT}.zip`);
  expect((await get(`/dists/reef/coral/dev-main/${COMMIT}.zip`)).status).toBe(200);
  expect(repository.artifacts.at(-1)).toMatchObject({
    path: `https://code.example.test/reef/coral/zipball/${COMMIT}`,
    namedBy: [],
    file: `dev-main/${COMMIT}.zip`,
  });
});

test("a dist is fetched where the configuration says, and where the document says after it", async () => {
  const place = (owner: string) => `https://${owner}.example.test/{a}/{b}/zipball/{c}`;
  repository.options.instead = [{ of: place("code"), fetch: "https://files.example.test/{b}/{c}" }];
  repository.store("package", "reef/coral", versions("reef/coral"));
  repository.store("dev", "reef/coral", versions("reef/coral", NEWER, "dev-main"));
  repository.unnamed.add(`dev-main/${COMMIT}.zip`);
  await get(`/dists/reef/coral/1.0.0.0/${COMMIT}.zip`);
  await get(`/dists/reef/coral/dev-main/${COMMIT}.zip`);
  await get(`/dists/reef/coral/1.0.0.0/${NEWER}.zip`);
  expect(repository.artifacts.map(({ path, otherPaths }) => [path, otherPaths])).toEqual([
    [`https://files.example.test/coral/${COMMIT}`, []],
    [null, []],
    [
      `https://files.example.test/coral/${COMMIT}`,
      [`https://code.example.test/reef/coral/zipball/${COMMIT}`],
    ],
    [null, []],
  ]);
});

test("nothing is made up of releases, of other types, or of what is no commit", async () => {
  repository.store("dev", "reef/coral", versions("reef/coral", NEWER, "dev-main"));
  for (const end of [
    `1.0.0.0/${COMMIT}.zip`,
    `dev-main/${COMMIT}.tar`,
    "dev-main/aa.zip",
    `dev-x/${COMMIT}.zip`,
  ]) {
    repository.unnamed.add(end);
    expect((await problemOf(get(`/dists/reef/coral/${end}`))).kind).toBe("notFound");
  }
});

test("what is no file is refused by what it is, which is no 404", async () => {
  for (const [end, what] of [
    ["path", "a folder"],
    ["git", "a checkout"],
    ["git/info/refs", "a checkout"],
    ["unknown", "not read here"],
  ]) {
    const problem = await problemOf(get(`/dists/reef/coral/1.0.0.0/${COMMIT}.${end}`));
    expect(problem).toMatchObject({ status: 424, message: expect.stringContaining(what!) });
  }
  expect(repository.artifacts).toEqual([]);
});

test("the name that a single file has with the client is none of its identity", async () => {
  for (const end of ["", "/tool.phar", "/other.phar"])
    await get(`/dists/reef/coral/1.0.0.0/${COMMIT}.file${end}`);
  expect(new Set(repository.artifacts.map(({ file }) => file))).toEqual(
    new Set([`1.0.0.0/${COMMIT}.file`]),
  );
});

test("who installs what is taken and told to nobody", async () => {
  const reply = await get(
    "/downloads/",
    "POST",
    '{"downloads":[{"name":"reef/coral","version":"1.0.0.0"}]}',
  );
  expect(bodyOf(reply)).toEqual({ status: "success" });
  expect(repository.asked).toEqual([]);
});

test("nothing can be changed but by an upload", async () => {
  expect((await problemOf(get("/packages.json", "PUT"))).kind).toBe("methodNotAllowed");
});

test("providers of a virtual package are kept, and private ones not shown", async () => {
  repository.store("root", "packages.json", {
    ...ROOT,
    "providers-api": "/providers/%package%.json",
  });
  const providers = [{ name: "harbour/rope" }, { name: "acme/secret" }];
  repository.upstream = () => ({ status: 200, body: { providers } });
  const want = { providers: [{ name: "harbour/rope" }] };
  expect(bodyOf(await get("/providers/harbour/line.json"))).toEqual(want);
  expect(repository.asked[0]?.path).toBe("/providers/harbour/line.json");
  repository.upstream = null;
  expect(bodyOf(await get("/providers/harbour/line.json"))).toEqual(want);
  expect((await problemOf(get("/providers/harbour/other.json"))).kind).toBe("unreachable");
});

test("packages.json is put together once for each copy of the upstream's and each address", async () => {
  const model = await repository.model(rootRef);
  repository.model = async () => model as never;
  const first = await get("/packages.json");
  expect(await get("/packages.json")).toBe(first);
  const other = await serviceOf(composer, repository).serve(
    { kind: "root" },
    request({ base: "http://other.test" }),
    repository,
  );
  expect(bodyOf(other)["notify-batch"]).toBe("http://other.test/downloads/");
});
