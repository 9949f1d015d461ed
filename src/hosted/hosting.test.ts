import { afterEach, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import {
  answer,
  artifact,
  bytesOf,
  toy as format,
  index,
  openToy,
  request,
  sha256,
} from "../cache/testkit.ts";
import type { AnyFormat } from "../core/format.ts";
import { issueGrant } from "../core/grant.ts";
import type { NewFile, Publication } from "../core/hosting.ts";
import { Problem } from "../core/problem.ts";
import { grantOf } from "../core/testkit.ts";
import { readChanged } from "./changed.ts";

type Toy = Awaited<ReturnType<typeof openToy>>;
let toy: Toy;
afterEach(() => toy.close());

const ann = grantOf("ann", () => true);
const bob = grantOf("bob", () => true);
const nothing = grantOf("", () => false);
const view = { variant: "all", base: "" };

async function* pieces(text: string | Uint8Array): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
}

/** Publishes files, by name, as a version of `thing`. */
async function publish(
  files: Record<string, string>,
  changes: Partial<Publication> = {},
  grant = ann,
) {
  const hosting = toy.hosting(grant);
  const name = changes.package ?? "thing";
  await hosting.admit(name, null);
  const uploads = await Promise.all(
    Object.values(files).map((text) => hosting.receive(name, pieces(text), 100_000)),
  );
  const version = changes.version ?? "1";
  const newFiles = Object.keys(files).map(
    (file, at): NewFile => ({
      file,
      kind: "any",
      purl: `pkg:toy/${name}@${version}`,
      path: `/${name}/${file}`,
      upload: uploads[at]!,
      metadata: { of: file },
    }),
  );
  try {
    return await hosting.publish({
      package: name,
      version,
      metadata: { version },
      files: newFiles,
      ...changes,
    });
  } finally {
    for (const upload of uploads) await upload.discard();
  }
}

const failure = async (ask: () => unknown) => {
  try {
    await ask();
    return null;
  } catch (error) {
    return error instanceof Problem ? [error.kind, error.message] : error;
  }
};
const shown = async () =>
  JSON.parse(Buffer.from((await toy.repository.read(index, view)).bytes).toString()).files;
const read = async (file: string) =>
  Buffer.from(await bytesOf(await toy.repository.artifact(artifact(file), request()))).toString();

test("what was published is shown and read at once, after a restart as well, and no upstream is asked", async () => {
  toy = await openToy();
  expect(await publish({ "a.tgz": "one" })).toEqual({ isNew: true, revision: 1 });
  expect(await shown()).toEqual(["a.tgz"]);
  expect(await read("a.tgz")).toBe("one");
  await publish({ "b.tgz": "two" }, { version: "2", state: () => ({ latest: "2" }) }, bob);
  expect(await shown()).toEqual(["a.tgz", "b.tgz"]);
  await toy.restart();
  expect(await shown()).toEqual(["a.tgz", "b.tgz"]);
  expect(await read("b.tgz")).toBe("two");
  expect(await toy.hosting(ann).read("thing")).toMatchObject({
    name: "thing",
    revision: 2,
    createdBy: "ann",
    state: { latest: "2" },
    releases: [
      {
        version: "1",
        publishedBy: "ann",
        metadata: { version: "1" },
        yanked: null,
        files: [
          { file: "a.tgz", sha256: sha256(Buffer.from("one")), size: 3, metadata: { of: "a.tgz" } },
        ],
      },
      { version: "2", publishedBy: "bob" },
    ],
  });
  expect(toy.upstream.asked).toEqual([]);
  expect(
    toy.audited.map(({ action, principal, digest }) => [action, principal.name, digest]),
  ).toEqual([
    ["publish", "ann", sha256(Buffer.from("one"))],
    ["publish", "bob", sha256(Buffer.from("two"))],
  ]);
});

test("a document of a hosted package is a shared reply until something is published, and has another entity tag then", async () => {
  toy = await openToy();
  await publish({ "a.tgz": "one" });
  const first = await toy.repository.view(index, view, {});
  await toy.repository.view(index, view, {});
  const before = toy.database.commits;
  const again = await toy.repository.view(index, view, {});
  expect(again).toBe(await toy.repository.view(index, view, {}));
  expect(again.isShared).toBe(true);
  expect(again.isCurrent!()).toBe(true);
  expect(toy.database.commits).toBe(before);
  await publish({ "b.tgz": "two" }, { version: "2" });
  expect(again.isCurrent!()).toBe(false);
  expect((await toy.repository.view(index, view, {})).etag).not.toBe(first.etag);
  await toy.restart();
  const last = await toy.repository.view(index, view, {});
  await toy.restart();
  expect((await toy.repository.view(index, view, {})).etag).toBe(last.etag!);
});

test("the same bytes again are no error and change nothing; others are refused, and it is said who was first", async () => {
  toy = await openToy();
  await publish({ "a.tgz": "one" });
  expect(await publish({ "a.tgz": "one" }, {}, bob)).toEqual({ isNew: false, revision: 1 });
  const [kind, message] = (await failure(() => publish({ "a.tgz": "two" }, {}, bob))) as string[];
  expect(kind).toBe("conflict");
  expect(message).toMatch(
    /^a\.tgz of thing was published here on \d{4}-\d\d-\d\d by ann, with other bytes/,
  );
  expect(await read("a.tgz")).toBe("one");
  expect(await Array.fromAsync(toy.blobs.list())).toEqual([sha256(Buffer.from("one"))]);
});

test("a version without files is published once, and the same again changes nothing", async () => {
  toy = await openToy();
  const first = await publish({}, { version: "7" });
  const again = await publish({}, { version: "7" });
  expect([first.isNew, again.isNew, again.revision]).toEqual([true, false, first.revision]);
});

test("a hundred publishers of versions of one package lose none, and two of one version have one winner", async () => {
  toy = await openToy();
  const names = Array.from({ length: 100 }, (_, at) => `v${String(at).padStart(3, "0")}.tgz`);
  await Promise.all(names.map((file, at) => publish({ [file]: file }, { version: `${at}` })));
  expect((await shown()).toSorted()).toEqual(names);
  const both = await Promise.all(
    ["left", "right"].map((text) => failure(() => publish({ "same.tgz": text }, { version: "x" }))),
  );
  expect(both.filter((one) => one === null)).toHaveLength(1);
  expect((both.find((one) => one !== null) as string[])[0]).toBe("conflict");
  expect((await toy.hosting(ann).read("thing"))!.revision).toBe(101);
});

test("a name that came from upstream before is not taken without a claim, nor is any of it shown with one", async () => {
  toy = await openToy();
  toy.upstream.behave = () => answer(200, JSON.stringify({ files: { "old.tgz": null } }));
  await toy.repository.read(index, view);
  const [kind, message] = (await failure(() => toy.hosting(ann).admit("thing", 1))) as string[];
  expect([kind, message]).toEqual(["conflict", expect.stringContaining("claims")]);
  await toy.close();
  toy = await openToy({ claims: ["thing"] });
  await publish({ "a.tgz": "one" });
  expect(await shown()).toEqual(["a.tgz"]);
  expect(toy.upstream.asked).toEqual([]);
});

test("an upstream is asked nothing about a hosted name, on any path", async () => {
  toy = await openToy();
  toy.upstream.behave = () => answer(200, "evil");
  await publish({ "a.tgz": "one" });
  const asks = [
    () => toy.repository.artifact(artifact("evil.tgz", { namedBy: [] }), request()),
    () => toy.repository.fetch(artifact("evil.tgz", { namedBy: [] })),
    () => toy.repository.ask({ path: "thing/extra", package: "thing" }),
    async () => toy.repository.refuseClaimed("thing"),
    () =>
      toy.repository.read(
        { ...index, kind: "index", key: "thing" },
        { variant: "missing", base: "" },
      ),
  ];
  for (const ask of asks) expect(((await failure(ask)) as string[])[0]).toBe("notFound");
  await toy.repository.model(index).catch(() => {});
  expect(toy.upstream.asked).toEqual([]);
  expect(await toy.database.read`SELECT * FROM absences`).toEqual([]);
});

test("lost bytes of a published file are told as lost, and never fetched", async () => {
  toy = await openToy();
  toy.upstream.behave = () => answer(200, "evil");
  await publish({ "a.tgz": "one" });
  await toy.blobs.remove(sha256(Buffer.from("one")));
  const [kind, message] = (await failure(() => read("a.tgz"))) as string[];
  expect([kind, message]).toEqual(["unreachable", expect.stringContaining("only a backup")]);
  expect(toy.upstream.asked).toEqual([]);
  await publish({ "a.tgz": "one" }, {}, bob); // whoever has the same bytes may bring them back
  expect(await read("a.tgz")).toBe("one");
});

test("what was removed is not shown, its name and its bytes stay bound, and it can be restored", async () => {
  toy = await openToy();
  await publish({ "a.tgz": "one" });
  await publish({ "b.tgz": "two" }, { version: "2" });
  expect(await read("a.tgz")).toBe("one");
  expect(await toy.hosting(bob).remove("thing", { version: "1" })).toEqual({ files: 1 });
  expect(await shown()).toEqual(["b.tgz"]);
  expect(((await failure(() => read("a.tgz"))) as string[])[0]).toBe("notFound");
  const [kind, message] = (await failure(() => publish({ "a.tgz": "other" }))) as string[];
  expect([kind, message]).toEqual([
    "conflict",
    expect.stringMatching(/by ann and removed on .* by bob/),
  ]);
  expect(await toy.hosting(ann).restore("thing", {})).toEqual({ files: 1 });
  expect(await shown()).toEqual(["a.tgz", "b.tgz"]);
  expect(await read("a.tgz")).toBe("one");
  await toy.hosting(ann).remove("thing", {});
  expect(await shown()).toEqual([]);
  expect(toy.hosting(ann).owns("thing")).toBe(true);
  expect(toy.upstream.asked).toEqual([]);
});

test("several parts are removed at once: all of them, or nothing when one is not there", async () => {
  toy = await openToy();
  for (const version of ["1", "2", "3"])
    await publish({ [`${version}.tgz`]: version }, { version });
  const [one, two, none] = ["1", "2", "9"].map((version) => ({ version }));
  expect(await failure(() => toy.hosting(ann).remove("thing", [one!, none!], 3))).toEqual([
    "notFound",
    "thing@9 is not published in toy",
  ]);
  expect(await shown()).toEqual(["1.tgz", "2.tgz", "3.tgz"]);
  expect(await toy.hosting(ann).remove("thing", [one!, two!], 3)).toEqual({ files: 2 });
  expect(await shown()).toEqual(["3.tgz"]);
  expect((await toy.hosting(ann).read("thing"))!.revision).toBe(4);
  expect(toy.audited.slice(3).map(({ action, detail }) => [action, detail!["file"]])).toEqual([
    ["unpublish", "1.tgz"],
    ["unpublish", "2.tgz"],
  ]);
});

test("who may no longer do what they began does not do it", async () => {
  toy = await openToy();
  const release = toy.also("release", toy.upstream);
  await publish({ "a.tgz": "one" });
  await publish({ "b.tgz": "two" }, { version: "2" });
  await toy.hosting(ann).remove("thing", { version: "2" });
  const before = await toy.hosting(ann).read("thing");
  const late = issueGrant({ ...ann, again: async () => nothing });
  const room = toy.hosting(late);
  const what = { action: "change", name: "tag" } as const;
  const standing = await room.standing("thing", "1");
  const begun: Record<string, () => unknown> = {
    publish: () => publish({ "c.tgz": "three" }, { version: "3" }, late),
    change: () => room.change("thing", what, () => ({ state: { late: true } })),
    yank: () => room.yank("thing", "1", "late"),
    remove: () => room.remove("thing", {}),
    restore: () => room.restore("thing", {}),
    empty: () => room.empty("all"),
    promote: () => release.hosting(late).promote(standing),
  };
  for (const [name, begin] of Object.entries(begun))
    expect([name, ((await failure(begin)) as string[])[0]]).toEqual([name, "unauthenticated"]);
  expect(await toy.hosting(ann).read("thing")).toEqual(before);
  expect(await toy.hosting(ann).trash()).toHaveLength(1);
  expect(release.hosting(ann).owns("thing")).toBe(false);
});

test("changes are made on what is there now, and refused for who saw another revision", async () => {
  toy = await openToy();
  await publish({ "a.tgz": "one" });
  const what = { action: "change" as const, name: "dist-tag" };
  const add = (tag: string, expected?: number) =>
    toy
      .hosting(ann)
      .change("thing", what, ({ state }) => ({ state: { ...state, [tag]: "1" } }), expected);
  await Promise.all(["a", "b", "c"].map((tag) => add(tag)));
  expect((await add("d", 4)).state).toEqual({ a: "1", b: "1", c: "1", d: "1" });
  expect(((await failure(() => add("e", 4))) as string[])[0]).toBe("conflict");
  await toy.hosting(ann).change("thing", { action: "yank", name: "yank" }, () => ({
    releases: [{ version: "1", yanked: "broken", metadata: { more: true } }],
  }));
  const { releases } = (await toy.hosting(ann).read("thing"))!;
  expect(releases[0]).toMatchObject({ yanked: "broken", metadata: { more: true } });
});

test("no byte over a file's limit or a quota is kept, announced or not, in parallel or not", async () => {
  toy = await openToy({ hosted: { fileLimit: 100, quota: 240, quotaPerUser: 150 } });
  const hosting = toy.hosting(ann);
  const kindOf = async (ask: () => unknown) =>
    ((await failure(ask)) as string[] | null)?.[0] ?? null;
  expect(await kindOf(() => hosting.admit("thing", 101))).toBe("tooLarge");
  expect(await kindOf(() => hosting.receive("thing", pieces("x".repeat(101)), 1000))).toBe(
    "tooLarge",
  );
  const held = await hosting.receive("thing", pieces("x".repeat(90)), 1000);
  expect(await kindOf(() => hosting.admit("thing", 70))).toBe("full");
  expect(await kindOf(() => hosting.receive("thing", pieces("y".repeat(70)), 1000))).toBe("full");
  await held.discard();
  await publish({ "a.tgz": "x".repeat(100) });
  expect(await kindOf(() => publish({ "b.tgz": "y".repeat(30) }, { version: "2" }))).toBe("full");
  await publish({ "b.tgz": "y".repeat(30) }, { version: "2" }, bob);
  expect(await kindOf(() => publish({ "c.tgz": "z".repeat(80) }, { version: "3" }, bob))).toBe(
    "full",
  );
  expect(await Array.fromAsync(new Bun.Glob("*").scan(toy.layout.incoming))).toEqual([]);
});

test("what is said of releases and files counts in quotas, until it is off the disk", async () => {
  toy = await openToy({ hosted: { quota: 1000, trashMs: 1 } });
  const room = toy.hosting(ann);
  const usage = async () => {
    const rows = await toy.database.read`SELECT account, files, bytes FROM hosted_usage`;
    return rows.map((row: Record<string, unknown>) => [row["files"], row["bytes"]].map(Number));
  };
  const kindOf = async (ask: () => unknown) =>
    ((await failure(ask)) as string[] | null)?.[0] ?? null;
  const long = { note: "é".repeat(500) };
  expect(await kindOf(() => publish({ "a.tgz": "one" }, { metadata: long }))).toBe("full");
  await publish({ "a.tgz": "one" }); // {"of":"a.tgz"} and {"version":"1"}
  expect(await usage()).toEqual([[1, 3 + 14 + 15]]);
  await publish({ "b.tgz": "two" }); // to a release that is there
  expect(await usage()).toEqual([[2, 6 + 28 + 15]]);

  const what = { action: "change", name: "note" } as const;
  const say = (text: string) =>
    room.change("thing", what, () => ({ releases: [{ version: "1", metadata: { note: text } }] }));
  await say("x".repeat(500));
  expect(await usage()).toEqual([[2, 6 + 28 + 511]]);
  expect(await kindOf(() => say("x".repeat(990)))).toBe("full");
  expect((await room.read("thing"))!.releases[0]!.metadata).toEqual({ note: "x".repeat(500) });
  await say("");
  expect(await usage()).toEqual([[2, 6 + 28 + 11]]);

  // Also what came again while it was in the trash is counted once.
  await room.remove("thing", {});
  await publish({ "a.tgz": "one" }, { metadata: { version: "one" } });
  expect(await usage()).toEqual([[2, 6 + 28 + 17]]);
  await room.remove("thing", {});
  await room.empty("all");
  expect(await usage()).toEqual([[0, 0]]);
});

test("what is kept of a package beside its releases has a bound", async () => {
  toy = await openToy();
  await publish({ "a.tgz": "one" });
  const tag = (name: string, length: number) =>
    toy.hosting(ann).change("thing", { action: "change", name: "tag" }, ({ state }) => ({
      state: { ...state, [name]: "x".repeat(length) },
    }));
  await tag("first", 1024 * 1024 - 100);
  expect(await failure(() => tag("second", 200))).toEqual([
    "full",
    expect.stringContaining("may take 1.0 MiB"),
  ]);
  await tag("first", 10);
  await tag("second", 200);
});

test("where it is allowed other bytes take the place of the first, with an event, and the old ones go", async () => {
  toy = await openToy({ hosted: { replace: true } });
  await publish({ "a.tgz": "one" });
  expect(await read("a.tgz")).toBe("one");
  expect(await publish({ "a.tgz": "two" })).toEqual({ isNew: true, revision: 2 });
  expect(await read("a.tgz")).toBe("two");
  expect(await toy.eventKinds()).toEqual(["replaced"]);
  expect(await Array.fromAsync(toy.blobs.list())).toEqual([sha256(Buffer.from("two"))]);
  expect(await toy.database.read`SELECT sha256 FROM unpinned`).toEqual([
    { sha256: sha256(Buffer.from("one")) },
  ]);
});

test("each digest that is asked for is that of the bytes", async () => {
  toy = await openToy();
  const upload = await toy
    .hosting(ann)
    .receive("thing", pieces("holdfast"), 1000, ["sha512", "md5", "blake2b256"]);
  expect(
    Object.fromEntries(
      Object.entries(upload.digests).map(([name, text]) => [
        name,
        Buffer.from(text, "base64").toString("hex"),
      ]),
    ),
  ).toMatchObject({
    md5: new Bun.CryptoHasher("md5").update("holdfast").digest("hex"),
    blake2b256: "185cfb65629cd7a101c56caafbba9ae8777c8da53433ddfdce2a2afad1691202",
  });
  const file = await upload.open();
  expect(Buffer.from(await file.read(0, 100)).toString()).toBe("holdfast");
  await file.close();
  await upload.discard();
});

test("that a private package is read is told with the reply, and not of one that everybody may read", async () => {
  toy = await openToy({ isPublic: (_repository, name) => name !== "thing" });
  await publish({ "a.tgz": "one" });
  const reply = await toy.repository.artifact(artifact("a.tgz"), request());
  expect(reply.privateRead).toEqual({
    package: "thing",
    purl: "pkg:toy/thing@1",
    digest: sha256(Buffer.from("one")),
  });
  await toy.close();
  toy = await openToy();
  await publish({ "a.tgz": "one" });
  expect((await toy.repository.artifact(artifact("a.tgz"), request())).privateRead).toBeUndefined();
});

test("lists hold what is published here", async () => {
  toy = await openToy();
  await publish({ "a.tgz": "one" });
  expect(await toy.repository.documents("index", "hin", 10)).toEqual(["thing"]);
  expect(await toy.hosting(ann).search("hin", 10)).toEqual(["thing"]);
  expect(
    await toy
      .hosting(nothing)
      .search("hin", 10)
      .catch((error) => error.kind),
  ).toBe("unauthenticated");
});

const viewFiles = () =>
  Array.fromAsync(new Bun.Glob("**/*").scan({ cwd: toy.layout.views, absolute: true }));

test("a large document is composed into a file, from which the worker renders", async () => {
  toy = await openToy();
  const note = "x".repeat(500_000);
  await publish({ a: "a" }, { metadata: { note }, state: () => ({ note }) });
  expect(await shown()).toEqual(["a"]);
  expect(toy.jobs).toEqual(["compose", "render"]);
  // Nothing is left of how it was made, and what was made is there after a restart.
  const views = await viewFiles();
  expect(views.filter((path) => !path.endsWith(".gz"))).toEqual([]);
  await toy.restart();
  expect(await shown()).toEqual(["a"]);
  expect(toy.jobs).toEqual(["compose", "render"]);
  for (const path of views) rmSync(path);
  await toy.restart();
  expect(await shown()).toEqual(["a"]);
  await publish({ more: "more" }, { version: "2" });
  expect(await shown()).toEqual(["a", "more"]);
  await toy.hosting(ann).remove("thing", { version: "1" });
  expect(await shown()).toEqual(["more"]);
  // What is left says little, and is composed at once.
  expect(toy.jobs).toEqual([
    "compose",
    "render",
    "compose",
    "render",
    "compose",
    "render",
    "render",
  ]);
});

test("a document that a package with much to say has none of is a no, and its worker's failure is told", async () => {
  const compose = format.documents["index"]!.compose!;
  const picky: AnyFormat["documents"][string] = {
    ...format.documents["index"]!,
    compose: (hosted, ref) => (hosted.releases.length > 1 ? null : compose(hosted, ref)),
  };
  toy = await openToy({ format: { ...format, documents: { index: picky } } });
  const metadata = { note: "x".repeat(500_000) };
  await publish({ a: "a" }, { metadata });
  toy.worker.fails = ({ op }) => (op === "compose" ? new Problem("busy", "Too much waits") : null);
  expect(await failure(shown)).toEqual(["busy", "Too much waits"]);
  toy.worker.fails = () => null;
  expect(await shown()).toEqual(["a"]);
  await publish({ b: "b" }, { version: "2" });
  expect(await failure(shown)).toEqual(["notFound", expect.stringContaining("has no index thing")]);
  const views = await viewFiles();
  expect(views.filter((path) => !path.endsWith(".gz"))).toEqual([]);
});

test("hooks are told of what is published, and no more of what is made of it", async () => {
  toy = await openToy();
  await publish({ "a.tgz": "one" });
  await publish({ "b.tgz": "two" }, { version: "2", isDerived: true });
  expect(toy.told.map(({ type, version }) => [type, version])).toEqual([["publish", "1"]]);
  expect(toy.audited).toHaveLength(2);
});

test("the server itself is told of all files, and takes what it made off the disk at once", async () => {
  toy = await openToy();
  const room = toy.hosting(ann);
  const turn = room.turn();
  await publish({ "a.tgz": "one" });
  await publish({ "b.tgz": "two", "c.tgz": "one" }, { version: "2" });
  expect(room.turn()).not.toBe(turn);
  const files = async () =>
    (await room.all()).map(({ package: name, file }) => [name, file]).sort();
  expect(await files()).toEqual([
    ["thing", "a.tgz"],
    ["thing", "b.tgz"],
    ["thing", "c.tgz"],
  ]);
  await room.forget("thing", { versions: ["2"], files: ["b.tgz", "c.tgz"] });
  expect(await files()).toEqual([["thing", "a.tgz"]]);
  expect((await room.read("thing"))!.releases.map(({ version }) => version)).toEqual(["1"]);
  // The bytes of others stay, and pins do.
  expect(await read("a.tgz")).toBe("one");
  expect(await toy.blobs.stat(sha256(Buffer.from("two")))).toBeNull();
  expect(await failure(() => publish({ "b.tgz": "another" }, { version: "2" }))).toEqual([
    "conflict",
    expect.stringContaining("removed since, with other bytes"),
  ]);
  await publish({ "b.tgz": "two" }, { version: "2" });
  expect(await read("b.tgz")).toBe("two");
  const nobody = toy.hosting(nothing);
  expect(await nobody.all().catch((error) => error.kind)).toBe("unauthenticated");
  const what = { versions: [], files: ["a.tgz"] };
  expect(await nobody.forget("thing", what).catch((error) => error.kind)).toBe("unauthenticated");
});

test("what was published or changed is told after a cursor, with what is there now", async () => {
  toy = await openToy();
  const told = async (cursor: string) => {
    const { items, cursor: next } = await readChanged(toy.database.read, cursor, Date.now());
    return [items.map((one) => `${one.package} ${one.revision} ${one.files}`), next] as const;
  };
  expect(await told("")).toEqual([[], "-1.-1."]);
  await publish({ a: "x" });
  await publish({ b: "y" }, { version: "2" });
  const [first, cursor] = await told("");
  expect(first).toEqual(["thing 2 a,b"]);
  expect(await told(cursor)).toEqual([[], cursor]);
  await toy.hosting(ann).remove("thing", { version: "1" });
  const [second, later] = await told(cursor);
  expect(second).toEqual(["thing 3 b"]);
  expect(await told(later)).toEqual([[], later]);
  expect((await told("what is this"))[0]).toEqual(["thing 3 b"]);
});

test("many of one moment are told in portions, none twice and none never", async () => {
  toy = await openToy();
  await toy.database.write(async (sql) => {
    for (let at = 0; at < 500; at += 1)
      await sql`INSERT INTO hosted_packages (repository, package, revision, created_at, created_by, changed_at, state)
        VALUES ('toy', ${`p${at}`}, 1, 1, 'ann', ${Math.floor(at / 150)}, '{}')`;
  });
  const seen: string[] = [];
  for (let cursor = ""; ; ) {
    const { items, cursor: next } = await readChanged(toy.database.read, cursor, Date.now());
    if (items.length === 0) break;
    seen.push(...items.map((one) => one.package));
    cursor = next;
  }
  expect([seen.length, new Set(seen).size]).toEqual([500, 500]);
});

/** A row of a package that was changed at a time, in place of the one before. */
function changedAt(name: string, revision: number, at: number): Promise<unknown> {
  return toy.database.write(async (sql) => {
    await sql`DELETE FROM hosted_packages WHERE package = ${name}`;
    await sql`INSERT INTO hosted_packages (repository, package, revision, created_at, created_by, changed_at, state)
      VALUES ('toy', ${name}, ${revision}, 1, 'ann', ${at}, '{}')`;
  });
}

test("what changes after a package whose time is far ahead is told all the same", async () => {
  toy = await openToy();
  for (let at = 0; at < 30; at += 1) await publish({ [`a${at}`]: "x" }, { version: `${at}` });
  const { cursor } = await readChanged(toy.database.read, "", Date.now());
  await changedAt("other", 1, Date.now());
  const { items, cursor: next } = await readChanged(toy.database.read, cursor, Date.now());
  expect(items.map((one) => one.package)).toContain("other");
  expect(await readChanged(toy.database.read, next, Date.now())).toEqual({
    items: [],
    cursor: next,
  });
});

test("a server whose clock is behind is heard as well, and what is settled is not told again", async () => {
  toy = await openToy();
  const now = 10_000_000;
  const names = async (cursor: string, at: number) => {
    const { items, cursor: next } = await readChanged(toy.database.read, cursor, at);
    return [items.map((one) => `${one.package} ${one.revision}`), next] as const;
  };
  await changedAt("old", 1, 5);
  await changedAt("ahead", 1, now);
  const [, cursor] = await names("", now);
  await changedAt("behind", 1, now - 120_000);
  const [again, next] = await names(cursor, now);
  expect(again).toEqual(["behind 1", "ahead 1"]);
  expect(await names(next, now)).toEqual([[], next]);
  await changedAt("behind", 2, now - 119_000);
  const [changed, later] = await names(next, now);
  expect(changed).toEqual(["behind 2", "ahead 1"]);
  const [none, settled] = await names(later, now + 3_600_000);
  expect([none, settled]).toEqual([[], `${now}.${now}.`]);
  expect(await names(settled, now + 3_600_000)).toEqual([[], settled]);
});

test("while more than a portion is told what changed behind it waits, and is told in the end", async () => {
  toy = await openToy();
  const now = 10_000_000;
  await toy.database.write(async (sql) => {
    for (let at = 0; at < 500; at += 1)
      await sql`INSERT INTO hosted_packages (repository, package, revision, created_at, created_by, changed_at, state)
        VALUES ('toy', ${`p${at}`}, 1, 1, 'ann', ${now + at}, '{}')`;
  });
  const seen = new Map<string, number>();
  let portions = 0;
  for (let cursor = ""; ; portions += 1) {
    const { items, cursor: next } = await readChanged(toy.database.read, cursor, now);
    if (items.length === 0) break;
    for (const one of items) seen.set(one.package, one.revision);
    if (portions < 3) await changedAt(`behind${portions}`, 1, now + portions);
    cursor = next;
  }
  expect(seen.size).toBe(503);
  expect(portions).toBeLessThanOrEqual(9);
});

test("where the house is closed nothing is published, changed or taken back", async () => {
  toy = await openToy({ following: { closed: "go elsewhere" } });
  const hosting = toy.hosting(ann);
  for (const refused of [
    () => publish({ a: "x" }),
    () => hosting.remove("thing", { version: "1" }),
    () => hosting.yank("thing", "1", "bad"),
    () => hosting.abandon("thing", true),
  ])
    expect(await failure(refused)).toEqual(["forbidden", "go elsewhere"]);
  await hosting.empty("expired");
});
