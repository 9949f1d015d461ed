import { expect, test } from "bun:test";
import { generateKeyPairSync, sign } from "node:crypto";
import { Problem } from "../../core/problem.ts";
import { serviceOf } from "../../core/testkit.ts";
import { packumentRef, versionRef } from "./documents.ts";
import { npm } from "./index.ts";
import { bodyOf, FakeRepository, problemOf, request } from "./testdata/repository.ts";

const CORGI = "application/vnd.npm.install-v1+json";
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const KEYS = {
  keys: [{ keyid: "k", key: publicKey.export({ format: "der", type: "spki" }).toString("base64") }],
};
const INTEGRITY = `sha512-${Buffer.alloc(64, 1).toString("base64")}`;

function manifest(version: string, signed = `@s/n@${version}:${INTEGRITY}`) {
  const sig = sign("sha256", Buffer.from(signed), privateKey).toString("base64");
  const tarball = `https://registry.example.test/@s/n/-/n-${version}.tgz`;
  const dist = { tarball, integrity: INTEGRITY, signatures: [{ keyid: "k", sig }] };
  return { name: "@s/n", version, dist };
}

function packument(...manifests: ReturnType<typeof manifest>[]) {
  const versions = Object.fromEntries(manifests.map((one) => [one.version, one]));
  return { name: "@s/n", "dist-tags": { latest: manifests[0]!.version }, versions };
}

async function get(repository: FakeRepository, path: string, headers: Record<string, string> = {}) {
  const route = npm.parse("GET", path);
  if (!route) throw new Error(`No route for ${path}`);
  return serviceOf(npm, repository).serve(route, request({ path, headers }), repository);
}

test("packuments are negotiated", async () => {
  const repository = new FakeRepository();
  repository.store(packumentRef("@s/n"), {
    ...packument(manifest("1.0.0")),
    time: { modified: "now" },
  });
  const full = await get(repository, "/@s%2fn", { accept: "application/json" });
  expect(full.headers).toEqual({ "content-type": "application/json", vary: "accept" });
  expect(bodyOf(full).time).toEqual({ modified: "now" });

  const npmAccept = { accept: `${CORGI}; q=1.0, application/json; q=0.8, */*` };
  const short = await get(repository, "/@s/n", npmAccept);
  expect(short.headers).toEqual({ "content-type": CORGI, vary: "accept" });
  expect(bodyOf(short).time).toEqual({ modified: "now" });
  repository.options = { abbreviatedTime: false };
  expect(bodyOf(await get(repository, "/@s/n", npmAccept)).time).toBeUndefined();
});

test("versions come from either document, tags from the packument", async () => {
  const repository = new FakeRepository();
  const tarball = "http://here.example.test/npm/@s/n/-/n-1.0.0.tgz";
  repository.store(versionRef("@s/n", "1.0.0"), manifest("1.0.0"));
  expect(bodyOf(await get(repository, "/@s/n/1.0.0")).dist.tarball).toBe(tarball);
  expect((await problemOf(get(repository, "/@s/n/latest"))).kind).toBe("offline");

  const other = new FakeRepository();
  other.store(packumentRef("@s/n"), packument(manifest("1.0.0")));
  expect(bodyOf(await get(other, "/@s/n/1.0.0")).dist.tarball).toBe(tarball);
  expect(bodyOf(await get(other, "/@s/n/latest")).dist.tarball).toBe(tarball);
  expect(bodyOf(await get(other, "/-/package/@s%2fn/dist-tags"))).toEqual({ latest: "1.0.0" });
});

test("a tarball is named by the small document first, unless the packument was just served", async () => {
  const repository = new FakeRepository();
  await get(repository, "/@s/n/-/n-1.0.0.tgz");
  const { integrity: _, ...artifact } = repository.artifacts[0]!;
  expect(artifact).toEqual({
    kind: "tarball",
    package: "@s/n",
    version: "1.0.0",
    file: "n-1.0.0.tgz",
    purl: "pkg:npm/%40s/n@1.0.0",
    contentType: "application/octet-stream",
    path: "@s/n/-/n-1.0.0.tgz",
    namedBy: [versionRef("@s/n", "1.0.0"), packumentRef("@s/n")],
  });
  repository.store(packumentRef("@s/n"), packument(manifest("1.0.0")));
  await get(repository, "/@s/n");
  await get(repository, "/@s/n/-/n-1.0.0.tgz");
  expect(repository.artifacts[1]!.namedBy).toEqual([
    packumentRef("@s/n"),
    versionRef("@s/n", "1.0.0"),
  ]);
});

test("a tarball that is not named after its version is found in the packument", async () => {
  const repository = new FakeRepository();
  const old = manifest("0.1.0");
  old.dist.tarball = "https://registry.example.test/@s/n/-/odd.tar.gz";
  repository.store(packumentRef("@s/n"), packument(old));
  await get(repository, "/@s/n/-/odd.tar.gz");
  const named = { version: "0.1.0", namedBy: [packumentRef("@s/n")] };
  expect(repository.artifacts[0]).toMatchObject(named);
  expect((await problemOf(get(repository, "/@s/n/-/none.tar.gz"))).kind).toBe("notFound");

  const known = {
    version: "0.2.0",
    integrity: null,
    sha256: null,
    digests: null,
    size: null,
    gone: true,
  };
  repository.knownFiles.set("@s/n/gone.tar.gz", { file: "gone.tar.gz", ...known });
  await get(repository, "/@s/n/-/gone.tar.gz");
  expect(repository.artifacts[1]?.version).toBe("0.2.0");
});

test("a true signature passes, with the version document alone", async () => {
  const repository = new FakeRepository();
  repository.upstream = () => ({ status: 200, body: KEYS });
  repository.store(versionRef("@s/n", "1.0.0"), manifest("1.0.0"));
  const reply = await get(repository, "/@s/n/-/n-1.0.0.tgz");
  expect(reply.status).toBe(200);
  expect(repository.reads).toEqual(["version:@s/n@1.0.0 file/n-1.0.0.tgz"]);
});

for (const kind of ["version", "packument"])
  test(`a false signature in a ${kind} document is refused and reported`, async () => {
    const repository = new FakeRepository();
    repository.upstream = () => ({ status: 200, body: KEYS });
    const lie = manifest("1.0.0", `@s/n@0.9.0:${INTEGRITY}`);
    if (kind === "version") repository.store(versionRef("@s/n", "1.0.0"), lie);
    else repository.store(packumentRef("@s/n"), packument(lie));
    const problem = await problemOf(get(repository, "/@s/n/-/n-1.0.0.tgz"));
    expect(problem.kind).toBe("tampered");
    expect(repository.events).toMatchObject([
      {
        kind: "unsigned",
        package: "@s/n",
        version: "1.0.0",
        file: "n-1.0.0.tgz",
        detail: { keyid: "k" },
      },
    ]);
  });

test("without keys no document is read for a signature", async () => {
  const repository = new FakeRepository();
  repository.upstream = () => ({ status: 404 });
  repository.store(versionRef("@s/n", "1.0.0"), manifest("1.0.0", "a lie"));
  expect((await get(repository, "/@s/n/-/n-1.0.0.tgz")).status).toBe(200);
  expect(repository.reads).toEqual([]);
});

test("private names end here", async () => {
  const repository = new FakeRepository();
  repository.claimed = ["@s/*"];
  for (const path of [
    "/@s/n",
    "/@s/n/1.0.0",
    "/@s/n/latest",
    "/-/package/@s/n/dist-tags",
    "/@s/n/-/odd.tgz",
  ])
    expect((await problemOf(get(repository, path))).kind).toBe("notFound");
  expect(repository.asked).toEqual([]);
});

test("ping, and what is no part of the protocol", async () => {
  const repository = new FakeRepository();
  expect(bodyOf(await get(repository, "/-/ping"))).toEqual({});
  const patch = npm.parse("PATCH", "/@s%2fn")!;
  const problem = await problemOf(
    serviceOf(npm, repository).serve(patch, request({ method: "PATCH" }), repository),
  );
  expect(problem.status).toBe(404);
});

test("a problem is told in the body's `error` and in one line of ASCII", () => {
  const reply = npm.problem(
    new Problem("tampered", "left-pad 1.3.0 is not what it was\r\nX-Evil: ü"),
  );
  expect(reply.status).toBe(424);
  expect(bodyOf(reply)).toEqual({
    error: "holdfast: tampered: left-pad 1.3.0 is not what it was\r\nX-Evil: ü",
    message: "holdfast: tampered: left-pad 1.3.0 is not what it was\r\nX-Evil: ü",
  });
  expect(reply.headers["npm-notice"]).toBe(
    "holdfast: tampered: left-pad 1.3.0 is not what it was?X-Evil: ?",
  );
});

test("a 404 has no notice: npm would print it for every optional question", () => {
  const reply = npm.problem(new Problem("notFound", "The upstream has no audit endpoint"));
  expect(reply.headers).toEqual({ "content-type": "application/json" });
});

test("options have defaults and nothing unknown", () => {
  expect(npm.options.parse({})).toEqual({ abbreviatedTime: true });
  expect(() => npm.options.parse({ abbreviated: true })).toThrow();
});

test("each client's lines", () => {
  const lines = (url: string) =>
    npm
      .setup(url, { abbreviatedTime: true })
      .map(({ client, file, text }) => `${client} ${file} ${text}`);
  expect(lines("http://here.example.test:4653/npm")).toEqual([
    "npm ~/.npmrc registry=http://here.example.test:4653/npm/\n",
    "pnpm ~/.npmrc registry=http://here.example.test:4653/npm/\n",
    'yarn ~/.yarnrc registry "http://here.example.test:4653/npm/"\n',
    'yarn-berry ~/.yarnrc.yml npmRegistryServer: "http://here.example.test:4653/npm"\nunsafeHttpWhitelist:\n  - "here.example.test"\n',
    'bun ~/.bunfig.toml [install]\nregistry = "http://here.example.test:4653/npm/"\n',
  ]);
  expect(lines("https://here.example.test/npm")[3]).not.toContain("unsafe");
});
