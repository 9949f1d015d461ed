import { afterEach, expect, test } from "bun:test";
import type { Artifact } from "../core/artifact.ts";
import type { Upload } from "../core/hosting.ts";
import { Problem } from "../core/problem.ts";
import type { Repository } from "../core/repository.ts";
import { grantOf } from "../core/testkit.ts";
import type { HostedRoom } from "../hosted/hosting.ts";
import type { Standing } from "../hosted/promote.ts";
import { answer, artifact, everything, index, openToy, request } from "./testkit.ts";

let open: Awaited<ReturnType<typeof openToy>>;
afterEach(() => open.close());

const nothing = grantOf("", () => false);
const file: Artifact = artifact("a.tgz", { namedBy: [] });
const view = { variant: "all", base: "" };

/** Every function of a repository that tells or changes anything, with something to ask of it. */
const questions: { [name in keyof Repository]?: (of: Repository) => unknown } = {
  refuseClaimed: (of) => of.refuseClaimed("thing"),
  view: (of) => of.view(index, view, {}),
  withheld: (of) => of.withheld("thing", ""),
  read: (of) => of.read(index, view),
  model: (of) => of.model(index),
  artifact: (of) => of.artifact(file, request()),
  fetch: (of) => of.fetch(file),
  work: (of) => of.work("task", {}, []),
  derive: (of) => of.derive("task", {}, []),
  stored: (of) => of.stored("thing"),
  pinned: (of) => of.pinned("thing", "a.tgz"),
  remove: (of) => of.remove([{ package: "thing", file: "a.tgz" }]),
  known: (of) => of.known("thing", "a.tgz"),
  files: (of) => of.files("thing"),
  ask: (of) => of.ask({ path: "search", package: null }),
  explain: (of) => of.explain("key", new Problem("offline", "It is away")),
  keep: (of) => of.keep("key", new Uint8Array()),
  kept: (of) => of.kept("key"),
  swap: (of) => of.swap("key", new Uint8Array(), null),
  documents: (of) => of.documents("index", "", 10),
};
const standing: Standing = {
  repository: "other",
  format: "toy",
  package: { name: "thing", revision: 1, createdAt: 0, createdBy: "", changedAt: 0, state: {} },
  version: "1",
  metadata: null,
  files: [],
};
/** The same of `hosting`. */
const uploads = async function* (): AsyncGenerator<Uint8Array> {};
const publishing: { [name in keyof HostedRoom]?: (of: HostedRoom) => unknown } = {
  read: (of) => of.read("thing"),
  search: (of) => of.search("thing", 10),
  admit: (of) => of.admit("thing", 1),
  receive: (of) => of.receive("thing", uploads(), 10),
  setAside: async (of) => of.setAside("a.tgz", {} as Upload),
  aside: (of) => of.aside(),
  expireAside: (of) => of.expireAside(0),
  publish: (of) => of.publish({ package: "thing", version: "1", metadata: null, files: [] }),
  change: (of) => of.change("thing", { action: "change", name: "tag" }, () => ({})),
  yank: (of) => of.yank("thing", "1", "bad"),
  abandon: (of) => of.abandon("thing", true),
  remove: (of) => of.remove("thing", {}),
  restore: (of) => of.restore("thing", {}),
  trash: (of) => of.trash(),
  empty: (of) => of.empty("all"),
  all: (of) => of.all(),
  forget: (of) => of.forget("thing", { versions: [], files: ["a.tgz"] }),
  standing: (of) => of.standing("thing", "1"),
  promote: (of) => of.promote(standing),
};
/** Asks nobody: see core/hosting.ts. */
const freeOfHosting: (keyof HostedRoom)[] = ["owns", "turn"];
/** What tells nothing of any package. */
const free: (keyof Repository)[] = [
  "name",
  "options",
  "hasUpstreams",
  "mayBlock",
  "claims",
  "claimPatterns",
  "secret",
  "heard",
  "catchUp",
  "report",
  "now",
];
/** What asks in each of its own functions. */
const rooms: (keyof Repository)[] = ["accounts", "hosting", "sources", "advisories"];

const failure = async (ask: () => unknown) => {
  try {
    await ask();
    return null;
  } catch (error) {
    return error instanceof Problem ? error.kind : error;
  }
};

test("each function of a repository is either free or asks for a grant, before anything else is asked", async () => {
  open = await openToy();
  open.upstream.behave = () => answer(200, "bytes");
  await open.repository.fetch(file);
  const before = open.upstream.asked.length;
  const refused = open.unbound.for(nothing);
  const asking = Object.keys(refused).filter(
    (name) => ![...free, ...rooms].includes(name as keyof Repository),
  );
  expect(asking.sort()).toEqual(Object.keys(questions).sort());
  for (const [name, ask] of Object.entries(questions))
    expect([name, await failure(() => ask(refused))]).toEqual([name, "unauthenticated"]);
  expect(open.upstream.asked.length).toBe(before);
});

test("each function of the code hosts asks for a grant, and who may read asks no code host for all", async () => {
  open = await openToy();
  const { sources } = open.unbound.for(nothing);
  const call = { say() {}, progress() {}, signal: new AbortController().signal };
  const asking: {
    [name in Exclude<keyof typeof sources, "patterns">]: (of: typeof sources) => unknown;
  } = {
    for: (of) => of.for("thing"),
    roots: (of) => of.roots(),
    refresh: (of) => of.refresh(call),
  };
  // What the configuration says tells nothing of any package.
  expect(Object.keys(sources).sort()).toEqual([...Object.keys(asking), "patterns"].sort());
  for (const [name, ask] of Object.entries(asking))
    expect([name, await failure(() => ask(sources))]).toEqual([name, "unauthenticated"]);
  const reader = open.unbound.for(grantOf("ann", (_repository, action) => action === "read"));
  expect(await failure(() => reader.sources.refresh(call))).toBe("forbidden");
});

test("each function of advisories asks for a grant, and tells nothing of a package that the caller may not read", async () => {
  open = await openToy();
  const all = async (of: Repository["advisories"]) => {
    const ids: string[] = [];
    for await (const { id } of of.all()) ids.push(id);
    return ids;
  };
  const asking: {
    [name in keyof Repository["advisories"]]: (of: Repository["advisories"]) => unknown;
  } = {
    state: (of) => of.state(),
    about: (of) => of.about("thing"),
    aboutAll: (of) => of.aboutAll(["thing", "secret"]),
    byId: (of) => of.byId("GHSA-2"),
    all,
  };
  const refused = open.unbound.for(nothing).advisories;
  expect(Object.keys(refused).sort()).toEqual(Object.keys(asking).sort());
  for (const [name, ask] of Object.entries(asking))
    expect([name, await failure(() => ask(refused))]).toEqual([name, "unauthenticated"]);

  expect(await open.unbound.for(everything).advisories.state()).toBeNull();
  for (const [id, name] of [
    ["GHSA-1", "thing"],
    ["GHSA-2", "secret"],
  ])
    await open.advise({
      id,
      affected: [{ package: { ecosystem: "Toys", name }, versions: ["1"] }],
    });
  const reader = open.unbound.for(
    grantOf("ann", (_of, action, name) => action === "read" && name !== "secret"),
  ).advisories;
  expect(await failure(() => reader.about("secret"))).toBe("forbidden");
  expect([...(await reader.aboutAll(["thing", "secret"])).keys()]).toEqual(["thing"]);
  expect(await reader.byId("GHSA-2")).toEqual([]);
  expect(await all(reader)).toEqual(["GHSA-1"]);
  const own = open.unbound.for(everything).advisories;
  expect((await own.byId("GHSA-2")).map((one) => one.package)).toEqual(["secret"]);
  expect(await all(own)).toEqual(["GHSA-2", "GHSA-1"]);
});

test("each function of publishing asks for a grant, and who may read may change nothing", async () => {
  open = await openToy();
  const refused = open.hosting(nothing);
  const asking = Object.keys(refused).filter(
    (name) => !freeOfHosting.includes(name as keyof HostedRoom),
  );
  expect(asking.sort()).toEqual(Object.keys(publishing).sort());
  const reader = open.hosting(grantOf("ann", (_repository, action) => action === "read"));
  for (const [name, ask] of Object.entries(publishing)) {
    expect([name, await failure(() => ask(refused))]).toEqual([name, "unauthenticated"]);
    const allowed: Record<string, string | null> = {
      read: null,
      search: null,
      all: null,
      standing: "notFound",
    };
    const expected = name in allowed ? allowed[name]! : "forbidden";
    expect([name, await failure(() => ask(reader))]).toEqual([name, expected]);
  }
  expect(await open.blobs.list().next()).toEqual({ done: true, value: undefined });
  expect(open.audited).toEqual([]);
});

test("lists hold only what the caller may read", async () => {
  open = await openToy();
  open.upstream.behave = () => answer(200, "bytes");
  for (const name of ["mine", "theirs"])
    await open.repository.fetch({ ...file, package: name, path: `${name}/a.tgz` });
  open.upstream.behave = () => answer(200, JSON.stringify({ files: {} }));
  for (const name of ["mine", "theirs"])
    await open.repository.read({ ...index, key: name, package: name }, view);
  const some = grantOf(
    "ann",
    (_repository, action, name) => action === "read" && (name === null || name === "mine"),
  );
  const repository = open.unbound.for(some);
  expect((await repository.stored()).map((row) => row.package)).toEqual(["mine"]);
  expect(await repository.documents("index", "", 10)).toEqual(["mine"]);
  expect(await open.repository.documents("index", "", 10)).toEqual(["mine", "theirs"]);
  expect(await open.repository.documents("index", "", 1)).toEqual(["mine"]);
  expect(await failure(() => repository.pinned("theirs", "a.tgz"))).toBe("forbidden");
  expect(await failure(() => repository.remove([{ package: "mine", file: "a.tgz" }]))).toBe(
    "forbidden",
  );
});

test("the same grant gets the same repository", async () => {
  open = await openToy();
  expect(open.unbound.for(everything)).toBe(open.unbound.for(everything));
});

test("a claimed name is refused to those who may read it, and no name is told apart by those who may not", async () => {
  open = await openToy({ claims: ["thing"] });
  expect(await failure(() => open.unbound.for(everything).read(index, view))).toBe("notFound");
  expect(await failure(() => open.unbound.for(nothing).read(index, view))).toBe("unauthenticated");
});
