import { beforeEach, expect, test } from "bun:test";
import type { ReleaseMetadata } from "./hosted.ts";
import { hostedRepository } from "./testdata/hosted.ts";
import { bodyOf, problemOf } from "./testdata/repository.ts";
import { publishDocument } from "./testdata/tarball.ts";

const URL = "/@reef%2fsix";
const TAGS = "/-/package/@reef%2fsix/dist-tags";
let here: ReturnType<typeof hostedRepository>;
beforeEach(async () => {
  here = hostedRepository();
  for (const version of ["1.0.0", "1.1.0", "2.0.0-rc.1"])
    await here.send(
      "PUT",
      URL,
      publishDocument({ version, tag: version.includes("rc") ? "next" : "latest" }),
    );
});
const kindOf = async (work: Promise<unknown>) => (await problemOf(work)).kind;
const versions = () => Object.keys(here.packument().versions);

test("a deprecation is all that is taken of a document without a tarball", async () => {
  const document = here.packument();
  document.versions["1.0.0"].deprecated = "use 2";
  document.versions["1.0.0"].dependencies = { evil: "1" };
  document.versions["9.0.0"] = { deprecated: "none such" };
  document.readme = "changed";
  await here.send("PUT", URL, document);
  expect(here.manifest()).toMatchObject({ deprecated: "use 2" });
  expect(here.manifest().dependencies).toBeUndefined();
  expect(here.manifest("@reef/six", "1.1.0").deprecated).toBeUndefined();
  expect([versions().length, here.packument().readme]).toEqual([3, ""]);

  document.versions["1.0.0"].deprecated = "";
  await here.send("PUT", URL, document);
  expect(here.manifest().deprecated).toBeUndefined();
});

test("a yanked version is a deprecated one, also when its document is sent back as it was shown", async () => {
  const release = here.packages.get("@reef/six")!.releases[0]!;
  release.yanked = "loses data";
  expect(here.manifest().deprecated).toBe("loses data");
  const document = here.packument();
  await here.send("PUT", URL, document);
  expect(release).toMatchObject({ yanked: "loses data", metadata: { manifest: {} } });
  expect((release.metadata as ReleaseMetadata).manifest.deprecated).toBeUndefined();
  release.yanked = "";
  expect(here.manifest().deprecated).toBe("yanked");
  document.versions["1.0.0"].deprecated = "";
  await here.send("PUT", URL, document);
  expect([release.yanked, here.manifest().deprecated]).toEqual([null, undefined]);
});

test("a deprecation is a text, and not a book", async () => {
  for (const deprecated of [true, "x".repeat(20_000)]) {
    const document = { ...here.packument(), versions: { "1.0.0": { deprecated } } };
    expect(await kindOf(here.send("PUT", URL, document))).toBe("badRequest");
  }
});

test("npm takes a version out of the document, and its tarball then", async () => {
  const before = here.packument();
  delete before.versions["1.1.0"];
  await here.send("PUT", `${URL}/-rev/${before._rev}`, before);
  expect(versions()).toEqual(["1.0.0", "2.0.0-rc.1"]);
  // The tag that named it names the newest one that is left.
  const after = here.packument();
  expect(after["dist-tags"]).toEqual({ latest: "1.0.0", next: "2.0.0-rc.1" });
  const tarball = `${URL}/-/six-1.1.0.tgz/-rev/${after._rev}`;
  expect((await here.send("DELETE", tarball)).status).toBe(201);
  expect(here.packument()).toEqual(after);
});

test("versions that are gone from a document are taken away at once, of the revision that was seen", async () => {
  const before = here.packument();
  const { "1.1.0": left } = before.versions;
  const document = { ...before, versions: { "1.1.0": left } };
  await here.send("PUT", `${URL}/-rev/${before._rev}`, document);
  expect(versions()).toEqual(["1.1.0"]);
  expect(here.calls.filter((call) => call.startsWith("remove"))).toEqual([
    "remove @reef/six 1.0.0 2.0.0-rc.1",
  ]);
  const late = here.send("PUT", `${URL}/-rev/${before._rev}`, { ...before, versions: {} });
  expect(await kindOf(late)).toBe("conflict");
  expect(versions()).toEqual(["1.1.0"]);
});

test("a tarball is taken away with its version, also by the name that has the scope", async () => {
  const { _rev } = here.packument();
  await here.send("DELETE", `/@reef/six/-/@reef/six-1.1.0.tgz/-rev/${_rev}`);
  expect(versions()).toEqual(["1.0.0", "2.0.0-rc.1"]);
});

test("all of a package is taken away, and shown as one that was unpublished", async () => {
  await here.send("DELETE", `${URL}/-rev/${here.packument()._rev}`);
  const { versions, time } = here.packument();
  expect([versions, time.unpublished.versions]).toEqual([{}, []]);
});

test("who saw another state than there is takes nothing away", async () => {
  const stale = here.packument();
  await here.send("PUT", `${TAGS}/stable`, "1.0.0");
  const without = { ...stale, versions: {} };
  for (const rev of [stale._rev, "undefined"]) {
    expect(await kindOf(here.send("PUT", `${URL}/-rev/${rev}`, without))).toBe("conflict");
    expect(await kindOf(here.send("DELETE", `${URL}/-rev/${rev}`))).toBe("conflict");
    const tarball = `${URL}/-/six-1.0.0.tgz/-rev/${rev}`;
    expect(await kindOf(here.send("DELETE", tarball))).toBe("conflict");
    const owners = { maintainers: [{ name: "ben" }] };
    expect(await kindOf(here.send("PUT", `${URL}/-rev/${rev}`, owners))).toBe("conflict");
  }
  expect(versions()).toHaveLength(3);
  expect(here.accounts.allowed).toEqual([]);
});

test("tags are added, listed, moved and removed", async () => {
  const answer = await here.send("PUT", `${TAGS}/stable`, "1.0.0");
  expect([answer.status, bodyOf(answer).stable]).toEqual([201, "1.0.0"]);
  await here.send("POST", `${TAGS}/latest`, "1.0.0");
  expect(here.packument()["dist-tags"]).toEqual({
    latest: "1.0.0",
    next: "2.0.0-rc.1",
    stable: "1.0.0",
  });
  await here.send("DELETE", `${TAGS}/stable`);
  expect(here.packument()["dist-tags"]).toEqual({ latest: "1.0.0", next: "2.0.0-rc.1" });
});

const wrongTags: [method: string, tag: string, body: unknown, kind: string][] = [
  ["PUT", "stable", "9.9.9", "notFound"],
  ["PUT", "stable", { version: "1.0.0" }, "badRequest"],
  ["PUT", "stable", "latest", "badRequest"],
  ["PUT", "1.x", "1.0.0", "badRequest"],
  ["DELETE", "latest", undefined, "forbidden"],
];
for (const [method, tag, body, kind] of wrongTags)
  test(`a tag is refused: ${method} ${tag} ${JSON.stringify(body)}`, async () => {
    expect(await kindOf(here.send(method, `${TAGS}/${tag}`, body))).toBe(kind as "notFound");
  });

test("owners are added and removed, with what they may", async () => {
  const rev = () => here.packument()._rev;
  const maintainers = [
    { name: "ann", email: "a" },
    { name: "ben", email: "b" },
  ];
  await here.send("PUT", `${URL}/-rev/${rev()}`, { _id: "@reef/six", _rev: rev(), maintainers });
  expect(here.packument().maintainers).toEqual(maintainers);
  await here.send("PUT", `${URL}/-rev/${rev()}`, { maintainers: [{ name: "ann", email: "a" }] });
  expect(here.packument().maintainers).toEqual([{ name: "ann", email: "a" }]);
  expect(here.accounts.allowed).toEqual(["user ben admin", "user ben"]);
});

test("a star is one's own", async () => {
  const { _id, _rev } = here.packument();
  await here.send("PUT", URL, { _id, _rev, users: { ann: true, eve: true } });
  expect(here.packument().users).toEqual({ ann: true });
  const { rows } = bodyOf(await here.send("GET", "/-/_view/starredByUser?key=%22ann%22"));
  expect(rows).toEqual([{ value: "@reef/six" }]);
  await here.send("PUT", URL, { _id, _rev, users: {} });
  expect(here.packument().users).toEqual({});
});

test("what an upstream has cannot be changed here, and its name is told", async () => {
  const asks: [string, string, unknown?][] = [
    ["PUT", "/kelp", { name: "kelp", versions: { "1.0.0": { deprecated: "x" } } }],
    ["PUT", "/kelp", { users: { ann: true } }],
    ["PUT", "/kelp/-rev/1", { versions: {} }],
    ["DELETE", "/kelp/-rev/1"],
    ["DELETE", "/kelp/-/kelp-1.0.0.tgz/-rev/1"],
    ["PUT", "/-/package/kelp/dist-tags/stable", "1.0.0"],
    ["DELETE", "/-/package/kelp/dist-tags/stable"],
  ];
  for (const [method, path, body] of asks) {
    const problem = await problemOf(here.send(method, path, body));
    expect([problem.kind, problem.message]).toEqual([
      "forbidden",
      expect.stringContaining("kelp is not published here: what an upstream has"),
    ]);
  }
  expect(here.repository.asked).toEqual([]);
});

test("a document that changes nothing is no change", async () => {
  expect(await kindOf(here.send("PUT", URL, { name: "@reef/six" }))).toBe("badRequest");
  expect(await kindOf(here.send("PUT", `${URL}/-rev/1`, []))).toBe("badRequest");
});
