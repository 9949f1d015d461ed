import { expect, test } from "bun:test";
import type { Artifact } from "../../core/artifact.ts";
import type { DocumentRef, ViewRequest } from "../../core/document.ts";
import { Problem } from "../../core/problem.ts";
import type { Answer, Question } from "../../core/question.ts";
import { reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import { bodyParts, serviceOf, unexpectedParts } from "../../core/testkit.ts";
import { pypi } from "./index.ts";
import { PypiOptions } from "./options.ts";
import { createFakeHosting, type FakeHosting } from "./testdata/hosting.ts";

const base = "https://packages.example.test/pypi";
const json = "application/vnd.pypi.simple.v1+json";
const wheel = "six-1.16.0-py2.py3-none-any.whl";
const provenancePage = `/integrity/six/1.16.0/${wheel}/provenance`;
const object = JSON.stringify({ version: 1, attestation_bundles: [{ publisher: {} }] });

interface Views {
  ref: DocumentRef;
  view: ViewRequest;
  headers: Record<string, string>;
}

/** A repository that remembers what it was asked; `answers` by path, a Problem is thrown. */
function fake(answers: Record<string, { status: number; body?: string } | Problem> = {}) {
  const seen = { views: [] as Views[], artifacts: [] as Artifact[], questions: [] as Question[] };
  const stored = new Map<string, { bytes: Uint8Array; at: number }>();
  const state = {
    now: 1_800_000_000_000,
    advertised: null as string | null | Problem,
    unlisted: [] as string[] | Problem,
    claimed: new Set<string>(),
    options: PypiOptions.parse({}),
  };
  const repository: Repository<PypiOptions> & { hosting: FakeHosting } = {
    name: "pypi",
    get options() {
      return state.options;
    },
    claims: (name) => state.claimed.has(name),
    refuseClaimed(name) {
      if (state.claimed.has(name)) throw new Problem("notFound", "It is claimed");
    },
    async view(ref, view, headers) {
      seen.views.push({ ref, view, headers });
      return { status: 200, headers, body: "page" };
    },
    async read(ref, view) {
      if (ref.kind === "projects") {
        seen.views.push({ ref, view, headers: {} });
        if (state.unlisted instanceof Problem) throw state.unlisted;
        return { bytes: Buffer.from(JSON.stringify(state.unlisted)), cache: { hit: true } };
      }
      if (state.advertised instanceof Problem) throw state.advertised;
      const bytes = Buffer.from(JSON.stringify({ provenance: state.advertised }));
      return { bytes, cache: { hit: true } };
    },
    async artifact(artifact) {
      seen.artifacts.push(artifact);
      return reply(200, artifact.contentType, "bytes");
    },
    known: async () => null,
    files: async () => [],
    async ask(question): Promise<Answer> {
      seen.questions.push(question);
      const answer = answers[question.path] ?? { status: 404 };
      if (answer instanceof Problem) throw answer;
      const bytes = Buffer.from(answer.body ?? "");
      return { status: answer.status, headers: new Headers(), bytes, upstream: "index" };
    },
    async keep(key, bytes) {
      stored.set(key, { bytes, at: state.now });
    },
    explain: async (_key, error) => error,
    kept: async (key) => stored.get(key) ?? null,
    documents: async () => ["brine", "six"],
    report: () => undefined,
    now: () => state.now,
    ...unexpectedParts,
    hosting: createFakeHosting(),
  };
  return { repository, seen, state, stored };
}

function get(path: string, headers: Record<string, string> = {}, query = ""): Request {
  return {
    id: "1",
    method: "GET",
    path,
    query,
    base,
    client: "127.0.0.1:1",
    address: "127.0.0.1",
    header: (name) => headers[name] ?? null,
    ...bodyParts(),
  };
}

async function ask(
  repository: Repository<PypiOptions>,
  path: string,
  headers: Record<string, string> = {},
  query = "",
) {
  const route = pypi.parse("GET", path);
  if (!route) throw new Error(`no route for ${path}`);
  return serviceOf(pypi, repository).serve(route, get(path, headers, query), repository);
}

const pages: [path: string, accept: string | null, variant: string, type: string][] = [
  ["/simple/six/", json, "json", json],
  ["/simple/six/", null, "html", "text/html; charset=utf-8"],
  [
    "/simple/six/",
    "application/vnd.pypi.simple.latest+html",
    "html",
    "application/vnd.pypi.simple.v1+html",
  ],
  ["/root/pypi/+simple/six/", json, "json-devpi", json],
  ["/root/pypi/+simple/six/", "text/html", "html-devpi", "text/html; charset=utf-8"],
  ["/legacy/%2Bsimple/six/", "*/*", "html-legacy", "text/html; charset=utf-8"],
  ["/%2Bsimple/six/", "*/*", "html", "text/html; charset=utf-8"],
];
for (const [path, accept, variant, type] of pages)
  test(`${path} for ${accept} is the view ${variant}`, async () => {
    const { repository, seen } = fake();
    await ask(repository, path, accept === null ? {} : { accept });
    expect(seen.views).toEqual([
      {
        ref: {
          kind: "project",
          key: "six",
          package: "six",
          path: "simple/six/",
          accept: `${json}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1`,
        },
        view: { variant, base },
        headers: { "content-type": type, vary: "accept", "cache-control": "no-cache" },
      },
    ]);
  });

test("?format= names a type as the Accept header does", async () => {
  const { repository, seen } = fake();
  await ask(
    repository,
    "/simple/six/",
    { accept: "text/html" },
    `format=${encodeURIComponent(json)}`,
  );
  expect(seen.views[0]?.view.variant).toBe("json");
});

test("a client that takes none of the types gets 406, and no page is fetched", async () => {
  const { repository, seen } = fake();
  for (const path of ["/simple/", "/simple/six/"]) {
    const answer = await ask(repository, path, { accept: "image/png" });
    expect(answer.status).toBe(406);
    expect(answer.headers["vary"]).toBe("accept");
  }
  expect(seen.views).toEqual([]);
});

test("simplePath says where the pages lie upstream", async () => {
  const { repository, seen, state } = fake();
  state.options = PypiOptions.parse({ simplePath: "+simple/" });
  await ask(repository, "/simple/six/");
  await ask(repository, `/files/six/${wheel}`);
  expect(seen.views[0]?.ref.path).toBe("+simple/six/");
  expect(seen.artifacts[0]?.namedBy[0]?.path).toBe("+simple/six/");
});

test("the list of projects is the upstream's, without claimed names and with what is only here", async () => {
  const { repository, seen, state } = fake();
  state.unlisted = ["brine"];
  await ask(repository, "/root/pypi/+simple/", { accept: json });
  const path = "simple/";
  expect(seen.views.map(({ ref, view }) => [ref.kind, ref.package, ref.path, view])).toEqual([
    ["projects", "", path, { variant: "unlisted", base: "", data: ["brine", "six"] }],
    [
      "projects",
      "",
      path,
      { variant: "json", base: "", data: { claims: [], unlisted: ["brine"] } },
    ],
  ]);
});

test("a name that is published here is listed, also where it is claimed and the upstream lists it", async () => {
  const { repository, seen, state } = fake();
  for (const name of ["six", "conch"]) {
    const hosted = { name, revision: 1, createdAt: 0, createdBy: "ann", changedAt: 0 };
    repository.hosting.packages.set(name, { ...hosted, state: {}, releases: [] });
  }
  state.claimed.add("six");
  state.unlisted = ["conch"];
  await ask(repository, "/simple/", { accept: json });
  expect(seen.views.map(({ view }) => view.data)).toEqual([
    ["brine", "conch", "six"],
    { claims: [], unlisted: ["conch", "six"] },
  ]);
});

for (const [kind, isStored] of [
  ["notFound", true],
  ["refused", true],
  ["offline", true],
  ["unreachable", false],
  ["malformed", false],
] as const)
  test(`the list of projects when the upstream's is ${kind}`, async () => {
    const { repository, state } = fake();
    state.unlisted = new Problem(kind, "No list");
    const answer = await ask(repository, "/simple/", { accept: json }).catch((error) => error);
    if (isStored) expect(JSON.parse(answer.body).projects).toHaveLength(2);
    else expect(answer.kind).toBe(kind);
  });

test("the list of projects is what is known here, without claimed names, with an entity tag", async () => {
  const { repository, state } = fake();
  state.options = PypiOptions.parse({ projects: "stored" });
  const first = await ask(repository, "/simple/", { accept: json });
  expect(JSON.parse(String(first.body)).projects).toEqual([{ name: "brine" }, { name: "six" }]);
  state.claimed.add("six");
  const second = await ask(repository, "/simple/", { accept: json });
  expect(JSON.parse(String(second.body)).projects).toEqual([{ name: "brine" }]);
  expect(second.etag).not.toBe(first.etag!);
  const html = await ask(repository, "/root/pypi/+simple/", {});
  expect(html.headers["content-type"]).toBe("text/html; charset=utf-8");
  expect(String(html.body)).toContain('<a href="brine/">brine</a>');
});

test("other spellings are redirected", async () => {
  const { repository } = fake();
  const answer = await ask(repository, "/simple/Zope.Interface/");
  expect(answer.status).toBe(301);
  expect(answer.headers["location"]).toBe("../zope-interface/");
});

test("a file is what its project's page names", async () => {
  const { repository, seen } = fake();
  await ask(repository, "/files/six/torch%2Bx-1.0.zip");
  await ask(repository, `/files/six/${wheel}`);
  await ask(repository, `/files/six/${wheel}.metadata`);
  expect(
    seen.artifacts.map(({ file, version, purl, contentType, path }) => [
      file,
      version,
      purl,
      contentType,
      path,
    ]),
  ).toEqual([
    ["torch+x-1.0.zip", "", "pkg:pypi/six", "application/octet-stream", null],
    [wheel, "1.16.0", "pkg:pypi/six@1.16.0", "application/octet-stream", null],
    [`${wheel}.metadata`, "1.16.0", "pkg:pypi/six@1.16.0", "text/plain; charset=utf-8", null],
  ]);
  for (const artifact of seen.artifacts) {
    expect(artifact.package).toBe("six");
    expect(artifact.namedBy.map(({ kind, key }) => [kind, key])).toEqual([["project", "six"]]);
  }
  expect(seen.artifacts[2]?.limit).toBe(16 * 1024 * 1024);
});

test("the JSON API is a document for each project and each version", async () => {
  const { repository, seen } = fake();
  await ask(repository, "/pypi/Six/json");
  await ask(repository, "/pypi/six/1!2.0+x/json");
  expect(
    seen.views.map(({ ref, view }) => [ref.kind, ref.key, ref.package, ref.path, view]),
  ).toEqual([
    ["release", "six", "six", "pypi/six/json", { variant: "json", base }],
    ["release", "six/1!2.0+x", "six", "pypi/six/1!2.0%2Bx/json", { variant: "json", base }],
  ]);
});

test("what no client does is refused in words", async () => {
  const { repository } = fake();
  const route = pypi.parse("PUT", "/legacy/");
  expect(route).not.toBeNull();
  expect(pypi.access(route!)).toEqual({ action: "publish", package: null });
  const error = await serviceOf(pypi, repository)
    .serve(route!, get("/legacy/"), repository)
    .catch((it) => it);
  expect(error).toBeInstanceOf(Problem);
  const answer = pypi.problem(error);
  expect(answer.status).toBe(405);
  expect(answer.headers["allow"]).toBe("GET, HEAD, POST, DELETE");
});

test("reading needs access to the project", () => {
  for (const path of [
    "/simple/Six",
    "/simple/six/",
    `/files/Six/${wheel}`,
    "/pypi/six/json",
    provenancePage,
  ])
    expect(pypi.access(pypi.parse("GET", path)!)).toEqual({ action: "read", package: "six" });
  for (const path of ["/", "/simple/", "/root/pypi"])
    expect(pypi.access(pypi.parse("GET", path)!)).toEqual({ action: "read", package: null });
});

const given = "https://index.example.test/provenance/six";
const usual = provenancePage.slice(1);

test("provenance is asked for where the page says, and kept", async () => {
  const { repository, seen, state, stored } = fake({ [given]: { status: 200, body: object } });
  state.advertised = given;
  const first = await ask(repository, provenancePage);
  expect([first.status, first.headers["content-type"], String(first.body)]).toEqual([
    200,
    "application/vnd.pypi.integrity.v1+json",
    object,
  ]);
  expect(seen.questions).toEqual([
    { path: given, package: "six", headers: { accept: "application/vnd.pypi.integrity.v1+json" } },
  ]);
  expect([...stored.keys()]).toEqual([`provenance/six/${wheel}`]);
  const second = await ask(repository, provenancePage);
  expect(second.cache?.hit).toBe(true);
  expect(seen.questions).toHaveLength(1);
  state.now += 6 * 60_000;
  await ask(repository, provenancePage);
  expect(seen.questions).toHaveLength(2);
});

test("provenance on a host that is not allowed, or not given at all, is asked for in the usual place", async () => {
  for (const advertised of [given, null, "/relative"]) {
    const { repository, seen, state } = fake({
      [given]: new Problem("unreachable", "not an allowed host"),
      [usual]: { status: 200, body: object },
    });
    state.advertised = advertised;
    expect(String((await ask(repository, provenancePage)).body)).toBe(object);
    expect(seen.questions.at(-1)?.path).toBe(usual);
    expect(seen.questions).toHaveLength(advertised === given ? 2 : 1);
  }
});

test("no provenance is told as the public index tells it", async () => {
  const { repository, state, seen } = fake();
  const want = { message: `No provenance available for ${wheel}` };
  const isNone = async (path: string) => {
    const answer = await ask(repository, path);
    expect(answer.status).toBe(404);
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(JSON.parse(String(answer.body))).toEqual(want);
  };
  await isNone(provenancePage);
  expect(seen.questions).toHaveLength(1);
  state.advertised = new Problem("notFound", "no such file");
  await isNone(provenancePage);
  await isNone(`/integrity/six/9.9/${wheel}/provenance`);
  expect(seen.questions).toHaveLength(1);
});

test("provenance of a claimed project is asked for nowhere, nor is a claimed file's under another project", async () => {
  const { repository, state, seen, stored } = fake();
  stored.set(`provenance/six/${wheel}`, { bytes: Buffer.from(object), at: state.now });
  state.claimed.add("six");
  const another = "/integrity/six/1.16.0/brine-1.16.0-py3-none-any.whl/provenance";
  for (const path of [provenancePage, `/integrity/brine/1.16.0/${wheel}/provenance`, another])
    await expect(ask(repository, path)).rejects.toMatchObject({ kind: "notFound" });
  expect(seen.questions).toEqual([]);
});

const failures: [
  name: string,
  answer: { status: number; body?: string } | Problem,
  kind: string,
][] = [
  ["offline", new Problem("offline", "offline"), "offline"],
  ["unreachable", new Problem("unreachable", "refused"), "unreachable"],
  ["forbidden", { status: 403 }, "refused"],
  ["a login page", { status: 200, body: "<form>" }, "refused"],
  ["other JSON", { status: 200, body: "{}" }, "refused"],
];
for (const [name, answer, kind] of failures)
  test(`provenance outlives an upstream that is ${name}, and is no 404 without a copy`, async () => {
    const answers: Record<string, typeof answer> = { [usual]: { status: 200, body: object } };
    const { repository, state, stored } = fake(answers);
    await ask(repository, provenancePage);
    answers[usual] = answer;
    state.now += 3_600_000;
    const kept = await ask(repository, provenancePage);
    expect(String(kept.body)).toBe(object);
    expect(kept.cache).toEqual({ hit: true, detail: kind as "offline", age: 3600 });
    stored.clear();
    const error = await ask(repository, provenancePage).catch((it) => it);
    expect([error.name, error.kind]).toEqual(["Problem", kind]);
  });

test("provenance that the upstream has dropped stays for those who hold the file", async () => {
  const answers: Record<string, { status: number; body?: string }> = {
    [usual]: { status: 200, body: object },
  };
  const { repository, state } = fake(answers);
  await ask(repository, provenancePage);
  answers[usual] = { status: 404 };
  state.now += 3_600_000;
  const kept = await ask(repository, provenancePage);
  expect([kept.status, String(kept.body), kept.cache?.fwdStatus]).toEqual([200, object, 404]);
});

test("a bug inside is not hidden behind a kept answer", async () => {
  const { repository, stored, state } = fake();
  stored.set(`provenance/six/${wheel}`, { bytes: Buffer.from(object), at: 0 });
  repository.ask = async () => {
    throw new TypeError("bug");
  };
  state.advertised = null;
  await expect(ask(repository, provenancePage)).rejects.toThrow(TypeError);
});
