// Who made a file is found out behind, once, and what rules say of young releases follows it.
import { afterEach, expect, test } from "bun:test";
import type { AnyFormat } from "../core/format.ts";
import type { PolicyRule } from "../core/policy.ts";
import { theServer } from "../core/principal.ts";
import { Problem } from "../core/problem.ts";
import type { Provenance } from "../core/provenance.ts";
import { grantOf } from "../core/testkit.ts";
import type { Traits } from "../core/traits.ts";
import { readProvenance } from "../ledger/provenance.ts";
import type { Change } from "../store/changes.ts";
import {
  answer,
  artifact,
  bytesOf,
  index,
  openToy,
  toy as plain,
  request,
  sri,
} from "./testkit.ts";

const DAY = 86_400_000;
const BYTES = Buffer.from("some bytes");
let toy: Awaited<ReturnType<typeof openToy>>;
afterEach(() => toy.close());

const now = () => Date.now() + toy.clock.shift;
/** What the format finds out of each file, and which files it was asked of. */
let found: Record<string, Provenance | Problem | Error | null>;
let asked: string[];
/** Nothing is found out before it. */
let gate: Promise<void>;
const format: AnyFormat = {
  ...plain,
  popular: async () => ["things"],
  compareVersions: (a, b) => a.localeCompare(b, "en", { numeric: true }),
  mount: (repository) => ({
    ...plain.mount(repository),
    async provenance({ file }) {
      asked.push(file);
      await gate;
      const one = found[file] ?? null;
      if (one instanceof Error) throw one;
      return one;
    },
  }),
};

const by = (repository: string): Provenance => ({
  state: "verified",
  builder: {
    issuer: "https://ci.example.test",
    subject: `https://code.example.test/${repository}/release.yml`,
    repository: `https://code.example.test/${repository}`,
    workflow: "release.yml",
    ref: "v1",
    commit: "c0ffee",
  },
  signature: "registry",
  why: null,
});
const none: Provenance = { state: "none", builder: null, signature: null, why: null };
const bad: Provenance = { ...none, state: "false", why: "it is about other bytes" };

const rule = (changes: Partial<PolicyRule>): PolicyRule => ({
  name: "trust",
  packages: ["pkg:toy/*"],
  repositories: null,
  versions: null,
  ...changes,
});
const keep = rule({ provenance: 30 * DAY });

/** Files, with the days since they were published and what a document tells of them. */
async function open(files: Record<string, [age: number, traits: Traits]>, policy: PolicyRule[]) {
  found = {};
  asked = [];
  gate = Promise.resolve();
  toy = await openToy({ policy, format });
  names(files);
}

function names(files: Record<string, [age: number, traits: Traits]>): void {
  const entries = Object.entries(files).map(([file, [age, traits]]) => [
    file,
    {
      integrity: sri(BYTES),
      version: file.slice(2),
      publishedAt: new Date(now() - age * DAY).toISOString(),
      traits,
    },
  ]);
  toy.upstream.behave = ({ path }) =>
    path === "thing"
      ? answer(200, JSON.stringify({ files: Object.fromEntries(entries) }))
      : answer(200, BYTES);
}

async function shown(): Promise<string[]> {
  const { bytes } = await toy.repository.read(index, { variant: "all", base: "" });
  return JSON.parse(Buffer.from(bytes).toString()).files;
}
const get = (file: string) => toy.repository.artifact(artifact(file), request()).then(bytesOf);
const rows = () => readProvenance(toy.database.read, "toy", "thing");

test("a file that was stored is looked at, and what was found is kept", async () => {
  await open({ "a-1": [90, { attested: true }], "a-2": [80, {}], "a-3": [70, {}] }, []);
  found = { "a-1": by("reef/shell"), "a-2": none };
  for (const file of ["a-1", "a-2", "a-3"]) await get(file);
  await get("a-1");
  await toy.mounted.attested.idle();
  expect(asked).toEqual(["a-1", "a-2", "a-3"]);
  expect(await rows()).toMatchObject([
    { file: "a-1", version: "1", ...by("reef/shell") },
    { file: "a-2", version: "1", ...none },
  ]);
});

test("what is false is an event; that it could not be asked is none, and it is tried again", async () => {
  await open({ "a-1": [90, { attested: true }], "a-2": [80, {}] }, []);
  found = { "a-1": bad, "a-2": new Problem("offline", "The cable is cut") };
  await get("a-1");
  await get("a-2");
  await toy.mounted.attested.idle();
  expect((await toy.events()).map(({ kind, message }) => [kind, message])).toEqual([
    ["unproven", expect.stringContaining("is false: it is about other bytes")],
  ]);
  found["a-2"] = none;
  toy.mounted.attested.stored({ package: "thing", version: "2", file: "a-2" });
  await toy.mounted.attested.idle();
  expect((await rows()).map(({ file }) => file)).toEqual(["a-1"]); // too soon
  toy.clock.shift += 61_000;
  toy.mounted.attested.stored({ package: "thing", version: "2", file: "a-2" });
  await toy.mounted.attested.idle();
  expect((await rows()).map(({ file }) => file)).toEqual(["a-1", "a-2"]);
});

test("what was stored before a restart and not looked at is looked at after it", async () => {
  await open({ "a-1": [90, {}], "a-2": [80, {}] }, []);
  found = { "a-1": new Problem("unreachable", "away"), "a-2": none };
  await get("a-1");
  await toy.mounted.attested.idle();
  await toy.restart();
  found["a-1"] = none;
  await get("a-2");
  await toy.mounted.attested.idle();
  expect((await rows()).map(({ file }) => file)).toEqual(["a-1", "a-2"]);
});

test("what could not be verified is looked at again a day after, by a server that starts", async () => {
  await open({ "a-1": [90, { attested: true }], "a-2": [80, {}], "a-3": [80, {}] }, []);
  found = { "a-1": { ...bad, state: "unverified" }, "a-2": none, "a-3": none };
  await get("a-1");
  await toy.mounted.attested.idle();
  found["a-1"] = by("reef/shell");
  await toy.restart();
  await get("a-2");
  await toy.mounted.attested.idle();
  expect((await rows())[0]!.state).toBe("unverified");
  toy.clock.shift += DAY + 1;
  await toy.restart();
  await get("a-3");
  await toy.mounted.attested.idle();
  expect((await rows())[0]!.state).toBe("verified");
});

test("a release that a rule wants verified, and that could not be asked of, is asked of again", async () => {
  const attested = { attested: true } as const;
  await open({ "a-1.0": [90, attested], "a-1.1": [2, attested] }, [keep]);
  found = { "a-1.0": by("reef/shell"), "a-1.1": new Problem("unreachable", "away") };
  await shown();
  await toy.mounted.attested.idle();
  expect(await shown()).toEqual(["a-1.0"]);
  found["a-1.1"] = by("reef/shell");
  await toy.mounted.attested.idle();
  toy.clock.shift += 66_000;
  await shown();
  await toy.mounted.attested.idle();
  expect(await shown()).toEqual(["a-1.0", "a-1.1"]);
});

test("a mistake of ours is told, and hurts nobody", async () => {
  await open({ "a-1": [90, {}], "a-2": [80, {}] }, []);
  found = { "a-1": new TypeError("oops"), "a-2": none };
  await get("a-1");
  await get("a-2");
  await toy.mounted.attested.idle();
  expect((await toy.events()).map(({ message }) => message)).toEqual([
    expect.stringContaining("because of a bug"),
  ]);
  expect((await rows()).map(({ file }) => file)).toEqual(["a-2"]);
});

test("what was verified is not taken back by a later look that finds less", async () => {
  await open({ "a-1": [90, { attested: true }] }, []);
  found = { "a-1": by("reef/shell") };
  await get("a-1");
  await toy.mounted.attested.idle();
  found = { "a-1": bad };
  toy.mounted.attested.stored({ package: "thing", version: "1", file: "a-1" });
  await toy.mounted.attested.idle();
  expect(await rows()).toMatchObject([{ state: "verified" }]);
});

test("a release that lost its provenance is held on every path until it is waived, old ones stay", async () => {
  await open({ "a-1.0": [90, { attested: true }], "a-1.1": [1, {}] }, [keep]);
  expect(await shown()).toEqual(["a-1.0"]);
  await expect(get("a-1.1")).rejects.toMatchObject({
    kind: "blocked",
    rule: "trust",
    message: expect.stringContaining("it comes without provenance, which 1.0 had"),
  });
  await expect(toy.repository.fetch(artifact("a-1.1"))).rejects.toMatchObject({ kind: "blocked" });
  toy.clock.shift += 30 * DAY;
  expect(await shown()).toEqual(["a-1.0", "a-1.1"]);
  await get("a-1.1");
});

test("a release is held until it is verified, and then shown or held by where it was built", async () => {
  const attested = { attested: true } as const;
  await open({ "a-1.0": [90, attested], "a-1.1": [2, attested], "a-1.2": [1, attested] }, [keep]);
  found = { "a-1.0": by("reef/shell"), "a-1.1": by("reef/shell"), "a-1.2": by("mallory/shell") };
  const { promise, resolve: lookNow } = Promise.withResolvers<void>();
  gate = promise;
  expect(await shown()).toEqual(["a-1.0"]); // nothing is verified yet
  const reply = await toy.repository.view(index, { variant: "all", base: "" }, {});
  expect(reply.isCurrent?.()).toBe(true);
  lookNow();
  await toy.mounted.attested.idle();
  expect(reply.isCurrent?.()).toBe(false);
  await shown();
  await toy.mounted.attested.idle();
  expect(asked.toSorted()).toEqual(["a-1.0", "a-1.1", "a-1.2"]);
  expect(await shown()).toEqual(["a-1.0", "a-1.1"]);
  await expect(get("a-1.2")).rejects.toThrow(
    /it was built from https:\/\/code.example.test\/mallory\/shell/,
  );
  await get("a-1.1");
});

test("a new script at installation is held, one that was always there is not", async () => {
  const scripts = { scripts: true } as const;
  await open({ "a-1.0": [90, {}], "a-1.1": [1, scripts] }, [rule({ newInstallScript: 14 * DAY })]);
  expect(await shown()).toEqual(["a-1.0"]);
  await expect(get("a-1.1")).rejects.toThrow(/which 1.0 did not/);
  toy.clock.shift += 14 * DAY;
  expect(await shown()).toEqual(["a-1.0", "a-1.1"]);
});

test("a licence that is not fine is refused, also where no document was read before, and where it is stored", async () => {
  const files = {
    "a-1.0": [90, { licence: "MIT" }],
    "a-1.1": [90, { licence: "AGPL-3.0-only" }],
  } as Record<string, [number, Traits]>;
  const deny = rule({ licence: { allow: null, deny: ["AGPL-*"], unknown: "allow" } });
  await open(files, [deny]);
  await expect(get("a-1.1")).rejects.toThrow(/its licence is AGPL-3.0-only/);
  expect(toy.upstream.asked).toEqual(["thing"]);
  expect(await shown()).toEqual(["a-1.0"]);
  await get("a-1.0");
  // Let through once, it is here; and refused again.
  const waiver = await toy.waivers.add(theServer, {
    repository: null,
    purlType: "toy",
    package: "thing",
    versions: "1.1",
    reason: "needed",
    until: now() + 1_000,
  });
  await get("a-1.1");
  expect(waiver.versions).toBe("1.1");
  toy.clock.shift += 2_000;
  await expect(get("a-1.1")).rejects.toThrow(/its licence is AGPL-3.0-only/);
});

test("a licence that is learned when a file is asked for leaves the release out of the listings of other servers too", async () => {
  const noted: Change[] = [];
  const news = {
    ...{
      isShared: true,
      behind: () => null,
      isHearing: () => true,
      everywhere: async () => {},
      catchUp: async () => {},
    },
    note: async (_: unknown, change: Change) => void noted.push(change),
  };
  const { index: listing } = plain.documents;
  const documents = { ...plain.documents, release: { ...listing!, complete: false } };
  const policy = [rule({ licence: { allow: null, deny: ["AGPL-*"], unknown: "allow" } })];
  toy = await openToy({ news, policy, format: { ...plain, documents } });
  const beside = { layout: toy.layout, upstream: toy.upstream };
  const other = await openToy({ news, policy, format: { ...plain, documents }, beside });
  const file = { integrity: sri(BYTES), version: "1.1", publishedAt: "2026-01-01T00:00:00Z" };
  toy.upstream.behave = ({ path }) => {
    const traits = path === "thing/1.1" ? { licence: "AGPL-3.0-only" } : {};
    return path.endsWith("a-1.1")
      ? answer(200, BYTES)
      : answer(200, JSON.stringify({ files: { "a-1.1": { ...file, traits } } }));
  };
  const shownBy = async ({ repository }: typeof toy) => {
    const { bytes } = await repository.read(index, { variant: "all", base: "" });
    return JSON.parse(Buffer.from(bytes).toString()).files;
  };
  expect([await shownBy(toy), await shownBy(other)]).toEqual([["a-1.1"], ["a-1.1"]]);
  const toldBy = () => [{ kind: "release", key: "thing/1.1", package: "thing", path: "thing/1.1" }];
  const asked = toy.repository.artifact(artifact("a-1.1", { toldBy }), request());
  await expect(asked).rejects.toThrow(/its licence is AGPL-3.0-only/);
  expect(await shownBy(toy)).toEqual([]);
  await other.changes.hear(noted.filter(({ kind }) => kind === "learned"));
  expect(await shownBy(other)).toEqual([]);
  await other.close();
});

test("what an earlier version of this program stored is decided on anew once its document was read again", async () => {
  await open({ "a-1.0": [90, { licence: "AGPL-3.0-only" }] }, [
    rule({ licence: { allow: null, deny: ["AGPL-*"], unknown: "allow" } }),
  ]);
  await shown().catch(() => {});
  await toy.database.write(async (sql) => {
    await sql`UPDATE facts SET traits = NULL`;
    await sql`UPDATE documents SET received = NULL, etag = NULL, last_modified = NULL`;
  });
  await toy.restart();
  toy.upstream.away = "unreachable";
  toy.clock.shift += DAY;
  expect(await shown()).toEqual(["a-1.0"]); // it may be anything
  toy.upstream.away = null;
  toy.clock.shift += DAY;
  await shown();
  expect(await shown()).toEqual([]);
});

test("what is published here is looked at when it is there", async () => {
  found = {};
  asked = [];
  gate = Promise.resolve();
  toy = await openToy({ format, claims: ["thing"] });
  found = { "a-1": by("reef/shell") };
  const room = toy.hosting(grantOf("ann", () => true));
  async function* bytes() {
    yield BYTES;
  }
  const upload = await room.receive("thing", bytes(), 1_000);
  const purl = "pkg:toy/thing@1";
  const file = { file: "a-1", kind: "any", purl, path: "/thing/a-1", upload, metadata: {} };
  await room.publish({ package: "thing", version: "1", metadata: {}, files: [file] });
  await toy.mounted.attested.idle();
  expect(asked).toEqual(["a-1"]);
  expect(await rows()).toMatchObject([{ file: "a-1", state: "verified" }]);
});

test("a name that is close to a popular one is told of once, and nothing is held", async () => {
  await open({ "a-1": [90, {}] }, [rule({ similarName: "tell" })]);
  expect(await shown()).toEqual(["a-1"]);
  names({ "a-1": [90, {}], "a-2": [1, {}] });
  toy.clock.shift += DAY;
  expect(await shown()).toEqual(["a-1", "a-2"]);
  await toy.restart();
  toy.clock.shift += DAY;
  await shown();
  expect((await toy.events()).map(({ kind, message }) => [kind, message])).toEqual([
    ["similar", expect.stringContaining("its name is close to that of things")],
  ]);
});

test("without such a rule nobody is told of names", async () => {
  await open({ "a-1": [90, {}] }, [keep]);
  await shown();
  expect(await toy.eventKinds()).toEqual([]);
});
