import { expect, test } from "bun:test";
import { advisoryOf, toldOf } from "../../core/testkit.ts";
import { serveAdvisories, serveAudit } from "./audit.ts";
import { bodyOf, FakeRepository, problemOf, request } from "./testdata/repository.ts";

const FLAW = { id: 1, title: "flaw", severity: "high", vulnerable_versions: "<1.2.0" };
const LATER = { id: 2, title: "another", severity: "low", vulnerable_versions: ">=2.0.0 <3.0.0" };
const bulk = (repository: FakeRepository, json: unknown) =>
  serveAdvisories(request({ method: "POST", json }), repository);
const sent = (repository: FakeRepository) => JSON.parse(String(repository.asked.at(-1)?.body));

test("private names are removed before an audit is forwarded, and never answered", async () => {
  const repository = new FakeRepository();
  repository.claimed = ["@acme/*", "inside"];
  repository.upstream = () => ({
    status: 200,
    body: { a: [FLAW], "@acme/x": [FLAW], other: [FLAW] },
  });
  const json = {
    a: ["1.0.0"],
    "@acme/x": ["1.0.0"],
    inside: ["2.0.0"],
    b: ["1.0.0"],
    "../c": ["1"],
  };
  expect(bodyOf(await bulk(repository, json))).toEqual({ a: [FLAW] });
  expect(sent(repository)).toEqual({ a: ["1.0.0"], b: ["1.0.0"] });
  expect(repository.asked[0]).toMatchObject({
    method: "POST",
    path: "-/npm/v1/security/advisories/bulk",
    package: null,
  });
});

test("nothing is asked when nothing public is left", async () => {
  const repository = new FakeRepository();
  repository.claimed = ["@acme/*"];
  expect(bodyOf(await bulk(repository, { "@acme/x": ["1.0.0"] }))).toEqual({});
  expect(repository.asked).toEqual([]);
});

test("the last known advisories answer while the upstream is away", async () => {
  const repository = new FakeRepository();
  repository.upstream = () => ({ status: 200, body: { a: [FLAW] } });
  await bulk(repository, { a: ["1.0.0"], b: ["1.0.0"] });
  repository.upstream = () => ({ status: 200, body: { a: [LATER] } });
  await bulk(repository, { a: ["2.0.0"] });
  repository.upstream = null;
  repository.clock += 3 * 86_400_000;

  const both = await bulk(repository, { a: ["1.0.0", "2.0.0"], b: ["1.0.0"] });
  expect(bodyOf(both)).toEqual({ a: [LATER, FLAW] });
  expect(both.cache).toMatchObject({ hit: true, detail: "unreachable", age: 3 * 86_400 });
  expect(both.headers["npm-notice"]).toContain("advisories as of 2026-11-23");
  expect(both.headers["npm-notice"]).not.toContain("never asked");
  expect(bodyOf(await bulk(repository, { a: ["1.0.0"] }))).toEqual({ a: [FLAW] });
  expect(bodyOf(await bulk(repository, { a: ["1.5.0"] }))).toEqual({});

  const partly = await bulk(repository, { a: ["1.0.0"], unseen: ["1.0.0"], b: ["7.0.0"] });
  expect(partly.headers["npm-notice"]).toContain("2 of 3 packages were never asked for");
});

test("what the upstream takes back is no longer told", async () => {
  const repository = new FakeRepository();
  repository.upstream = () => ({ status: 200, body: { a: [FLAW] } });
  await bulk(repository, { a: ["1.0.0"] });
  repository.upstream = () => ({ status: 200, body: {} });
  await bulk(repository, { a: ["1.0.0"] });
  repository.upstream = null;
  expect(bodyOf(await bulk(repository, { a: ["1.0.0"] }))).toEqual({});
});

test("an answer that says nothing new is not written again", async () => {
  const repository = new FakeRepository();
  repository.upstream = () => ({ status: 200, body: { a: [FLAW] } });
  await bulk(repository, { a: ["1.0.0"] });
  const before = repository.values.get("advisory/a");
  repository.clock += 1000;
  await bulk(repository, { a: ["1.0.0"] });
  expect(repository.values.get("advisory/a")).toBe(before!);
});

test("without any knowledge, an audit fails instead of finding nothing", async () => {
  const repository = new FakeRepository();
  expect((await problemOf(bulk(repository, { a: ["1.0.0"] }))).kind).toBe("unreachable");
  for (const status of [404, 405]) {
    repository.upstream = () => ({ status });
    expect((await problemOf(bulk(repository, { a: ["1.0.0"] }))).kind).toBe("notFound");
  }
  repository.upstream = () => ({ status: 403 });
  expect((await problemOf(bulk(repository, { a: ["1.0.0"] }))).kind).toBe("refused");
  repository.upstream = () => ({ status: 200, body: "<html>" });
  expect((await problemOf(bulk(repository, { a: ["1.0.0"] }))).kind).toBe("malformed");
});

test("a body that is no object is the client's mistake", async () => {
  const repository = new FakeRepository();
  for (const json of [[], "x", null])
    expect((await problemOf(bulk(repository, json))).kind).toBe("badRequest");
});

const TREE = {
  name: "our-project",
  version: "1.0.0",
  requires: { a: "^1.0.0", "@acme/x": "1", alias: "npm:@acme/y@1" },
  dependencies: {
    a: { version: "1.0.0", requires: { "@acme/x": "1" } },
    "@acme/x": {
      version: "1.0.0",
      dependencies: { a: { version: "9.0.0" }, c: { version: "3.0.0" } },
    },
    alias: { version: "npm:@acme/y@1.0.0" },
    b: { version: "2.0.0", dependencies: { "@acme/z": { version: "1.0.0" } } },
  },
  install: ["a@1.0.0", "@acme/x@1.0.0", "@acme/x"],
  remove: [],
  metadata: { node_version: "v20.0.0" },
};

for (const form of ["audits", "audits/quick"] as const)
  test(`${form}: no private name is in what is forwarded`, async () => {
    const repository = new FakeRepository();
    repository.claimed = ["@acme/*"];
    repository.upstream = () => ({ status: 200, body: { actions: [], advisories: {} } });
    const audit = () => serveAudit(form, request({ method: "POST", json: TREE }), repository);
    expect(bodyOf(await audit())).toEqual({ actions: [], advisories: {} });
    expect(repository.asked[0]?.path).toBe(`-/npm/v1/security/${form}`);
    expect(sent(repository)).toEqual({
      version: "1.0.0",
      requires: { a: "^1.0.0" },
      dependencies: {
        a: { version: "1.0.0", requires: {} },
        b: { version: "2.0.0", dependencies: {} },
        c: { version: "3.0.0" },
      },
      install: ["a@1.0.0"],
      remove: [],
      metadata: { node_version: "v20.0.0" },
    });
    repository.upstream = null;
    const kept = await audit();
    expect(bodyOf(kept)).toEqual({ actions: [], advisories: {} });
    expect(kept.cache?.detail).toBe("unreachable");

    const other = { ...TREE, dependencies: { a: { version: "1.0.1" } } };
    const unseen = serveAudit(form, request({ method: "POST", json: other }), repository);
    expect((await problemOf(unseen)).kind).toBe("unreachable");
  });

test("nothing of a dependency but what an advisory needs is told: no place, no peer, no alias", async () => {
  const repository = new FakeRepository();
  repository.claimed = ["@sekrit/*", "acme-*"];
  repository.upstream = () => ({ status: 200, body: { actions: [], advisories: {} } });
  const leaks = {
    resolved: "http://packages.example.test/@sekrit/app/-/app-1.0.0.tgz",
    from: "@sekrit/app@^1.0.0",
    peerDependencies: { "@sekrit/app": "*" },
    optionalDependencies: { "@sekrit/app": "*" },
    peerDependenciesMeta: { "acme-thing": {} },
  };
  const json = {
    name: "acme-thing",
    ...leaks,
    requires: {
      ok: "^1.0.0 || 2.x",
      app: "npm:@sekrit/app@1",
      far: "git+ssh://git@host/acme-thing",
    },
    dependencies: {
      ok: { version: "1.0.0", integrity: "sha512-AAAA", dev: true, ...leaks },
      far: {
        version: "git+ssh://git@host/acme-thing#1",
        dependencies: { below: { version: "3.0.0" } },
      },
      near: { version: "file:../acme-thing" },
    },
    install: ["ok@1.0.0", "ok@npm:@sekrit/app@1"],
    metadata: { node_version: "v20.0.0", project: "acme-thing" },
  };
  await serveAudit("audits", request({ method: "POST", json }), repository);
  const body = String(repository.asked.at(-1)?.body);
  expect(body).not.toMatch(/sekrit|acme|packages\.example/);
  expect(sent(repository)).toEqual({
    requires: { ok: "^1.0.0 || 2.x" },
    dependencies: {
      ok: { version: "1.0.0", integrity: "sha512-AAAA", dev: true },
      below: { version: "3.0.0" },
    },
    install: ["ok@1.0.0"],
    metadata: { node_version: "v20.0.0" },
  });
});

test("a tree without end is refused", async () => {
  let tree: unknown = { version: "1.0.0" };
  for (let depth = 0; depth < 2_000; depth++)
    tree = { version: "1.0.0", dependencies: { a: tree } };
  const repository = new FakeRepository();
  const audit = serveAudit("audits", request({ method: "POST", json: tree }), repository);
  expect((await problemOf(audit)).kind).toBe("tooLarge");
});

test("an audit of more packages than any project has is refused before anything is asked or kept", async () => {
  const many = (length: number) =>
    Object.fromEntries(Array.from({ length }, (_, at) => [`p${at}`, ["1.0.0"]]));
  const repository = new FakeRepository();
  repository.upstream = () => ({ status: 200, body: {} });
  for (const length of [10_001, 100_000])
    expect((await problemOf(bulk(repository, many(length)))).kind).toBe("tooLarge");
  const dependencies = Object.fromEntries(
    Array.from({ length: 100_001 }, (_, at) => [`p${at}`, { version: "1.0.0" }]),
  );
  const audit = serveAudit(
    "audits",
    request({ method: "POST", json: { dependencies } }),
    repository,
  );
  expect((await problemOf(audit)).kind).toBe("tooLarge");
  expect([repository.asked.length, repository.values.size]).toEqual([0, 0]);
});

test("the bodies of audits are asked for with the limits that they have", async () => {
  const limits: number[] = [];
  const repository = new FakeRepository();
  const body = async (limit: number) => {
    limits.push(limit);
    return Buffer.from("[".repeat(5000));
  };
  const asked = request({ method: "POST", body });
  for (const one of [serveAdvisories(asked, repository), serveAudit("audits", asked, repository)])
    expect((await problemOf(one)).message).toContain("nested deeper");
  expect(Math.max(...limits)).toBeLessThanOrEqual(16 * 1024 * 1024);
});

test("what stands beneath private packages moves up once, however deep they stand: a tree of them is no work", async () => {
  const repository = new FakeRepository();
  repository.claimed = ["@acme/*"];
  repository.upstream = () => ({ status: 200, body: { actions: [], advisories: {} } });
  const many = Array.from({ length: 40_000 }, (_, at) => [`p${at}`, { version: "1.0.0" }]);
  let tree: Record<string, unknown> = { dependencies: Object.fromEntries(many) };
  for (let depth = 0; depth < 250; depth++) {
    const near = { "@acme/x": tree, [`q${depth}`]: { version: "2.0.0" }, p7: { version: "9.0.0" } };
    tree = { dependencies: near };
  }
  for (let time = 0; time < 3; time++)
    await serveAudit("audits", request({ method: "POST", json: tree }), repository);
  const { dependencies } = sent(repository);
  expect(Object.keys(dependencies)).toHaveLength(40_250);
  expect(dependencies).toMatchObject({ p7: { version: "9.0.0" }, p8: { version: "1.0.0" } });
});

const MALWARE = advisoryOf({
  id: "MAL-2026-1",
  package: "@acme/x",
  kind: "malicious",
  summary: "",
  severity: null,
  versions: ["1.0.0"],
  ranges: [{ introduced: "0", fixed: null, lastAffected: null }],
});

test("what feeds know is told beside the upstream's answer, each once, and of private names", async () => {
  const repository = new FakeRepository();
  repository.claimed = ["@acme/*"];
  repository.advisories = toldOf([
    advisoryOf({ package: "a", aliases: ["CVE-2026-1"] }),
    advisoryOf({ package: "a", id: "CVE-2026-1" }),
    advisoryOf({ package: "b", id: "GHSA-1111-2222-3333", cvss: "CVSS:3.1/AV:N", score: 7.5 }),
    MALWARE,
  ]);
  const theirs = { ...FLAW, url: "https://github.com/advisories/GHSA-aaaa-bbbb-cccc" };
  repository.upstream = () => ({ status: 200, body: { a: [theirs] } });
  const json = { a: ["1.0.0"], b: ["1.0.0", "1.3.0"], c: ["1.0.0"], "@acme/x": ["1.0.0"] };
  const told = bodyOf(await bulk(repository, json));
  expect(Object.keys(told).sort()).toEqual(["@acme/x", "a", "b"]);
  expect(told.a).toEqual([theirs]);
  expect(told.b).toEqual([
    {
      id: expect.any(Number),
      url: "https://github.com/advisories/GHSA-1111-2222-3333",
      title: "It leaks",
      severity: "high",
      vulnerable_versions: "<1.2.0",
      cwe: [],
      cvss: { score: 7.5, vectorString: "CVSS:3.1/AV:N" },
    },
  ]);
  // The widened range does not count.
  expect(told["@acme/x"]).toMatchObject([
    { severity: "critical", vulnerable_versions: "1.0.0", title: "Malware: MAL-2026-1" },
  ]);
  expect(Object.keys(sent(repository)).sort()).toEqual(["a", "b", "c"]);
  expect(bodyOf(await bulk(repository, { "@acme/x": ["2.0.0"], b: ["1.2.0"] }))).toEqual({});
});

test("feeds answer in place of an upstream that is away, has no audits, or is not there at all", async () => {
  const repository = new FakeRepository();
  repository.advisories = toldOf([advisoryOf({ package: "a" })]);
  for (const upstream of [null, () => ({ status: 404 }), () => ({ status: 200, body: "<html>" })]) {
    repository.upstream = upstream;
    const reply = await bulk(repository, { a: ["1.0.0"] });
    expect(bodyOf(reply).a).toMatchObject([{ vulnerable_versions: "<1.2.0" }]);
    expect(reply.headers["npm-notice"]).toContain("advisories of feeds as of 2026-11-20");
  }
  const before = repository.asked.length;
  Object.assign(repository, { hasUpstreams: false });
  expect(bodyOf(await bulk(repository, { a: ["1.0.0"] })).a).toHaveLength(1);
  expect(repository.asked.length).toBe(before);
});

test("the older form reports what feeds know, with who brings it along", async () => {
  const repository = new FakeRepository();
  repository.claimed = ["@acme/*"];
  repository.advisories = toldOf([advisoryOf({ package: "a" }), MALWARE]);
  const tree = {
    requires: { "@acme/x": "1", b: "^1.0.0" },
    dependencies: {
      "@acme/x": { version: "1.0.0" },
      b: { version: "1.0.0", requires: { a: "^1.0.0" } },
      a: { version: "1.0.0", dev: true },
    },
  };
  const ask = () =>
    serveAudit("audits", request({ method: "POST", json: tree }), repository).then(bodyOf);
  const report = await ask();
  expect(Object.values(report.advisories)).toMatchObject([
    {
      module_name: "@acme/x",
      severity: "critical",
      findings: [{ version: "1.0.0", paths: ["@acme/x"] }],
    },
    { module_name: "a", patched_versions: ">=1.2.0", findings: [{ paths: ["b>a"] }] },
  ]);
  expect(report.actions[1].resolves).toMatchObject([{ path: "b>a", dev: true }]);
  expect(report.metadata.vulnerabilities).toMatchObject({ high: 1, critical: 1 });
  // The upstream's own findings stay, and are not told twice.
  repository.upstream = () => ({
    status: 200,
    body: {
      actions: [],
      advisories: { 7: { id: 7, module_name: "a", github_advisory_id: "GHSA-aaaa-bbbb-cccc" } },
      metadata: { vulnerabilities: { high: 1 }, totalDependencies: 9 },
    },
  });
  const both = await ask();
  expect(Object.keys(both.advisories)).toHaveLength(2);
  expect(both.metadata).toMatchObject({
    vulnerabilities: { high: 1, critical: 1 },
    totalDependencies: 9,
  });
});

test("an audit of more versions of one package than any project has is refused", async () => {
  const versions = Array.from({ length: 1001 }, (_, at) => `1.0.${at}`);
  const repository = new FakeRepository();
  expect((await problemOf(bulk(repository, { a: versions }))).kind).toBe("tooLarge");
  expect(repository.asked).toEqual([]);
  repository.advisories = toldOf([]);
  const nested = versions.map((version, at) => [
    `p${at}`,
    { version: "1.0.0", dependencies: { a: { version } } },
  ]);
  const json = { dependencies: Object.fromEntries(nested) };
  const older = serveAudit("audits", request({ method: "POST", json }), repository);
  expect((await problemOf(older)).message).toContain("1001 versions of a");
});
