import { beforeEach, expect, test } from "bun:test";
import { createAuthority, statementOf } from "../../proof/testdata/authority.ts";
import { hostedRepository } from "./testdata/hosted.ts";
import { bodyOf, problemOf } from "./testdata/repository.ts";
import { packed, publishDocument, type Wish } from "./testdata/tarball.ts";

const URL = "/@reef%2fsix";
const authority = createAuthority();
/** Of the tarball of a wish for nothing. */
const sha512 = Buffer.from(
  publishDocument().versions["1.0.0"]!.dist.integrity.slice("sha512-".length),
  "base64",
).toString("hex");
let here: ReturnType<typeof hostedRepository>;
beforeEach(() => {
  here = hostedRepository({ trustRoot: JSON.stringify(authority.trustRoot) });
});

const publish = (wish: Wish = {}) => here.send("PUT", URL, publishDocument(wish));
const refusal = async (wish: Wish) => {
  const problem = await problemOf(publish(wish));
  expect(here.open.size).toBe(0);
  expect(here.packages.size).toBe(0);
  return `${problem.kind}: ${problem.message}`;
};

test("a version is published, and its document is what its tarball says", async () => {
  const more = {
    description: "A coral",
    dependencies: { kelp: "^2.0.0" },
    optionalDependencies: { fsevents: "*" },
    bin: "./six.js",
    scripts: { postinstall: "node six.js" },
    _from: "somewhere",
  };
  const told = {
    gitHead: "abc",
    _nodeVersion: "26.0.0",
    _resolved: "/tmp/six.tgz",
    _integrity: "sha512-x",
    deprecated: "no",
    maintainers: [{ name: "eve" }],
    _npmUser: { name: "eve" },
    secret: true,
  };
  const answer = await publish({ more, told, files: { "README.md": "# Six\n" } });
  expect([answer.status, bodyOf(answer).ok]).toEqual([201, true]);
  expect(here.calls[0]).toStartWith("admit @reef/six ");
  expect(here.open.size).toBe(0);

  const { dist, ...manifest } = here.manifest();
  expect(manifest).toEqual({
    _id: "@reef/six@1.0.0",
    name: "@reef/six",
    version: "1.0.0",
    description: "A coral",
    dependencies: { kelp: "^2.0.0", fsevents: "*" },
    optionalDependencies: { fsevents: "*" },
    bin: { six: "six.js" },
    scripts: { postinstall: "node six.js" },
    gitHead: "abc",
    _nodeVersion: "26.0.0",
    _npmUser: { name: "ann", email: "ann@reef.example.test" },
    maintainers: [{ name: "ann", email: "ann@reef.example.test" }],
  });
  expect(dist).toMatchObject({ fileCount: 2, shasum: expect.stringMatching(/^[0-9a-f]{40}$/) });
  expect(dist.tarball).toBeUndefined(); // the views say it
  const packument = here.packument();
  expect(packument).toMatchObject({
    _id: "@reef/six",
    _rev: "1-holdfast",
    "dist-tags": { latest: "1.0.0" },
    readme: "# Six\n",
    description: "A coral",
    time: { created: "2026-11-26T12:00:00.000Z", "1.0.0": "2026-11-26T12:00:00.000Z" },
  });
});

test("what npm fills in is kept, for installers go by it", async () => {
  await publish({
    files: { "binding.gyp": "{}", "tools/deep/cut.js": "" },
    more: { directories: { bin: "tools" } },
  });
  expect(here.manifest()).toMatchObject({
    gypfile: true,
    scripts: { install: "node-gyp rebuild" },
    bin: { "cut.js": "tools/deep/cut.js" },
  });
});

test("the same bytes again are no error, other bytes are", async () => {
  await publish();
  expect(bodyOf(await publish())).toMatchObject({
    ok: true,
    reason: "published before, with the same bytes",
  });
  expect(here.packument()._rev).toBe("1-holdfast");
  const problem = await problemOf(publish({ files: { "more.js": "1" } }));
  expect(problem.kind).toBe("conflict");
  expect(problem.message).toStartWith("You cannot publish over the previously published versions");
  expect(here.open.size).toBe(0);
});

test("the first version is the latest one, and a tag moves only as the client says", async () => {
  await publish({ tag: "beta" });
  expect(here.packument()["dist-tags"]).toEqual({ latest: "1.0.0", beta: "1.0.0" });
  await publish({ version: "1.1.0", tag: "beta" });
  expect(here.packument()["dist-tags"]).toEqual({ latest: "1.0.0", beta: "1.1.0" });
  await publish({ version: "1.2.0" });
  expect(here.packument()["dist-tags"]).toEqual({ latest: "1.2.0", beta: "1.1.0" });
});

test("the tarball may be named without its scope", async () => {
  await publish({ file: "six-1.0.0.tgz" });
  expect(here.packages.get("@reef/six")!.releases[0]!.files[0]!.file).toBe("six-1.0.0.tgz");
});

test("a provenance bundle is kept, and given as attestations", async () => {
  const bundle = authority.attest(statementOf("pkg:npm/%40reef/six@1.0.0", { sha512 }));
  await publish({ bundle: JSON.stringify(bundle) });
  const statement = { predicateType: "https://slsa.dev/provenance/v1" };
  expect(here.manifest().dist.attestations).toEqual({
    url: expect.any(String),
    provenance: statement,
  });
  const answer = await here.send("GET", "/-/npm/v1/attestations/@reef%2fsix@1.0.0");
  expect(bodyOf(answer)).toEqual({ attestations: [{ ...statement, bundle }] });
  const none = here.send("GET", "/-/npm/v1/attestations/@reef%2fsix@1.0.1");
  expect((await problemOf(none)).kind).toBe("notFound");
  expect(here.repository.asked).toEqual([]);
});

const lies: [what: string, bundle: unknown, words: RegExp][] = [
  [
    "other bytes",
    authority.attest(statementOf("pkg:npm/%40reef/six@1.0.0", { sha512: "00" })),
    /other bytes/,
  ],
  [
    "another version",
    authority.attest(statementOf("pkg:npm/%40reef/six@1.0.1", { sha512 })),
    /not about/,
  ],
  [
    "nobody whom the trust root knows",
    createAuthority().attest(statementOf("pkg:npm/%40reef/six@1.0.0", { sha512 })),
    /not given out by an authority/,
  ],
  ["nothing at all", { mediaType: "x" }, /./],
];
for (const [what, bundle, words] of lies)
  test(`provenance of ${what} is refused, and nothing is published`, async () => {
    const said = await refusal({ bundle: JSON.stringify(bundle) });
    expect(said).toStartWith("badRequest: The provenance of @reef/six@1.0.0 is refused: ");
    expect(said).toMatch(words);
  });

const tower = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
const wrong: [what: string, wish: Wish, words: string][] = [
  ["another digest", { dist: { integrity: `sha512-${"A".repeat(86)}==` } }, "another integrity"],
  ["another SHA-1", { dist: { shasum: "0".repeat(40) } }, "another shasum"],
  ["another length", { attachment: { length: 7 } }, "another length"],
  ["no base64", { attachment: { data: "$$$$" } }, "not base64"],
  ["half a base64", { attachment: { data: "YWJ" } }, "not base64"],
  ["no archive", { bytes: Buffer.from("tarball") }, "cannot be read"],
  ["no package.json", { bytes: packed({ "package/index.js": "" }) }, "no package.json"],
  ["a broken package.json", { bytes: packed({ "package/package.json": "{" }) }, "not JSON"],
  [
    "two of them",
    {
      files: { "../package/package.json": "{}" },
      bytes: packed({ "package/package.json": "{}", "x/package.json": "{}" }),
    },
    "more than one package.json",
  ],
  [
    "another name within",
    { more: {}, told: { name: "@reef/seven" } },
    "another package or version",
  ],
  ["another dependency", { told: { dependencies: { evil: "1" } } }, '"dependencies"'],
  [
    "a script that is not told",
    { more: { scripts: { postinstall: "x" } }, told: { scripts: {} } },
    '"scripts.postinstall"',
  ],
  ["a version that is none", { version: "1.0" }, "no version to publish"],
  ["build metadata", { version: "1.0.0+a" }, "no version to publish"],
  ["a range for a tag", { tag: "1.x" }, "no name for a tag"],
  ["two tags", { root: { "dist-tags": { latest: "1.0.0", beta: "1.0.0" } } }, "under one tag"],
  ["a tag of another version", { root: { "dist-tags": { latest: "2.0.0" } } }, "under one tag"],
  ["two versions", { root: { versions: { "1.0.0": {}, "2.0.0": {} } } }, "has one version"],
  ["another package", { root: { name: "@reef/seven" } }, "another package than its address"],
  ["another file name", { file: "@reef/seven-1.0.0.tgz" }, "is to be named six-1.0.0.tgz"],
  ["a bundle that is none", { bundle: "no" }, "is not JSON"],
  ["a bundle that is a tower", { bundle: `{"a":${tower(100)}}` }, "is not JSON that can be read"],
  [
    "a package.json that is a tower",
    { more: { x: JSON.parse(tower(100)) }, told: { x: 1 } },
    "nested deeper than 100",
  ],
  ["a bundle without end", { bundle: JSON.stringify("x".repeat(600_000)) }, "too large"],
];
for (const [what, wish, words] of wrong)
  test(`nothing is published with ${what}`, async () => {
    const kind = what === "a bundle without end" ? "tooLarge" : "badRequest";
    const said = await refusal(wish);
    expect(said).toStartWith(kind);
    expect(said).toContain(words);
  });

test("a body that is no JSON publishes nothing", async () => {
  const problem = await problemOf(here.send("PUT", URL, "text"));
  expect(problem.kind).toBe("badRequest");
});

test("of two tarballs none is published", async () => {
  const document = publishDocument();
  const attachments = Object.values(document._attachments);
  Object.assign(document._attachments, { "b.tgz": attachments[0] });
  expect((await problemOf(here.send("PUT", URL, document))).message).toContain(
    "more than one tarball",
  );
  expect(here.open.size).toBe(0);
});

test("what is published is signed with a key that is shown, once there is something", async () => {
  here.repository.upstream = () => ({ status: 404 });
  expect((await problemOf(here.send("GET", "/-/npm/v1/keys"))).kind).toBe("notFound");
  await publish();
  const { keys } = bodyOf(await here.send("GET", "/-/npm/v1/keys"));
  const { integrity, signatures } = here.manifest().dist;
  const { checkSignatures } = await import("./signatures.ts");
  const file = { version: "1.0.0", integrity, signatures, time: null };
  expect(checkSignatures("@reef/six", file, keys)).toEqual({ verdict: "good" });
  expect(checkSignatures("@reef/seven", file, keys)).toMatchObject({ verdict: "bad" });
  expect(keys[0]).toMatchObject({
    keytype: "ecdsa-sha2-nistp256",
    scheme: "ecdsa-sha2-nistp256",
    expires: null,
  });
});
