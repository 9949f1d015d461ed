import { afterEach, beforeEach, expect, test } from "bun:test";
import { createFetches } from "../advisories/fetches.ts";
import { knownAdvisories } from "../advisories/known.ts";
import {
  answer,
  artifact,
  bytesOf,
  index,
  openToy,
  request,
  sri,
  toy as toyFormat,
} from "../cache/testkit.ts";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import type { PolicyRule } from "../core/policy.ts";
import { type Principal, theServer } from "../core/principal.ts";
import { createEvents, listEvents } from "../ledger/events.ts";
import { ruledRepository } from "../policy/rules.ts";
import { listAffected, showAdvisory } from "./affected.ts";
import { sweep } from "./sweep.ts";

const BYTES = Buffer.from("some bytes");
const strict: PolicyRule = {
  name: "strict",
  packages: ["pkg:toy/*"],
  repositories: null,
  versions: null,
  advisories: { malicious: "block" },
};
const TOYS = { ecosystem: "Toys", purlType: "toy" };
const names = [{ purlType: "toy", name: "thing" }];
const policed = [
  { ...ruledRepository("toy", { ...toyFormat, advisories: TOYS }), rules: [strict] },
];
const told = (id: string, changes: Record<string, unknown> = {}) => ({
  id,
  summary: "steals",
  affected: [{ package: { ecosystem: "Toys", name: "thing" }, versions: ["2"] }],
  ...changes,
});

let toy: Awaited<ReturnType<typeof openToy>>;
beforeEach(async () => {
  toy = await openToy({ policy: [strict] });
  const files = {
    "a-1": { integrity: sri(BYTES), version: "1" },
    "a-2": { integrity: sri(BYTES), version: "2" },
  };
  toy.upstream.behave = ({ path }) =>
    path === "thing" ? answer(200, JSON.stringify({ files })) : answer(200, BYTES);
  await toy.repository.read(index, { variant: "all", base: "" });
  for (const file of Object.keys(files))
    await toy.repository.artifact(artifact(file), request()).then(bytesOf);
});
afterEach(() => toy.close());

const now = () => Date.now() + toy.clock.shift;
const log = createLog("json", () => {});
async function look(isFirst = false, some: typeof names | null = names) {
  const { database, waivers } = toy;
  const events = createEvents(database, log, createMetrics(), now);
  const advisories = knownAdvisories(database.read, [TOYS]);
  return sweep({ database, events, advisories, waivers, now }, policed, some, isFirst);
}
async function events() {
  return (await listEvents(toy.database.read, { limit: 100 }))
    .filter(({ kind }) => kind === "advisory" || kind === "revoked")
    .map(
      ({ kind, version, detail }) =>
        `${kind} ${version} ${detail?.["advisory"]} ${detail?.["fetchedBy"]}`,
    );
}

function fetches() {
  return createFetches(
    toy.database,
    createLog("json", () => {}),
    now,
  );
}
const user = (name: string, token: string | null): Principal => ({
  kind: "user",
  name,
  token: token === null ? null : { id: token, name: `${token}-name`, isWhole: true },
  address: "",
});
const release = { package: "thing", version: "2" };

test("a release that was fetched here is revoked once, and told of once by each advisory", async () => {
  await toy.advise(told("T-1"));
  expect(await look()).toBe(1);
  await toy.advise(told("MAL-1"));
  expect(await look()).toBe(1);
  expect(await look()).toBe(0);
  expect(await events()).toEqual(["advisory 2 T-1 0", "revoked 2 MAL-1 0"]);
});

test("of what a feed tells when it is first read only what is blocked is told", async () => {
  await toy.advise(told("T-1"));
  await toy.advise(told("MAL-1"));
  expect(await look(true, null)).toBe(1);
  expect(await look()).toBe(0);
  expect(await events()).toEqual(["revoked 2 MAL-1 0"]);
});

test("what was released and is blocked again is told again; what is waived is not", async () => {
  await toy.advise(told("MAL-1"));
  await look();
  await toy.advise(told("MAL-1", { withdrawn: "2026-01-01T00:00:00Z" }));
  await look();
  await toy.advise(told("MAL-1"));
  await look();
  expect(await events()).toHaveLength(2);
  const { waivers } = toy;
  const waiver = {
    repository: null,
    purlType: "toy",
    package: "thing",
    versions: "2",
    reason: "x",
    until: null,
  };
  await waivers.add(theServer, waiver);
  await look();
  expect((await events()).filter((one) => one.startsWith("revoked"))).toHaveLength(2);
});

test("what was not modified for long is no news", async () => {
  await toy.advise(told("T-1", { modified: new Date(now() - 40 * 86_400_000).toISOString() }));
  expect(await look()).toBe(0);
});

test("what nobody fetched here is told to nobody", async () => {
  await toy.advise(
    told("MAL-1", {
      affected: [{ package: { ecosystem: "Toys", name: "thing" }, versions: ["9"] }],
    }),
  );
  expect(await look()).toBe(0);
});

test("who was sent a bad release is named, each once, and nobody else", async () => {
  const noted = fetches();
  const shared = { ...release };
  for (const [name, token, address] of [
    ["ann", "t1", "10.0.0.1"],
    ["ann", "t2", "10.0.0.2"],
    ["bob", null, "10.0.0.3"],
    ["ann", "t1", "10.0.0.9"],
  ] as const)
    noted.note(user(name, token), address, "toy", shared);
  noted.note(user("eve", "t3"), "10.0.0.4", "toy", { package: "thing", version: "1" });
  noted.note({ kind: "anonymous", name: "", token: null, address: "" }, "10.0.0.5", "toy", {
    ...release,
  });
  await noted.settled();
  toy.clock.shift += 86_400_000;
  noted.note(user("ann", "t1"), "10.0.0.7", "toy", { ...release });
  await noted.settled();
  await toy.advise(told("MAL-1", { aliases: ["CVE-1"] }));
  await look();
  expect(await events()).toEqual(["revoked 2 MAL-1 4"]);
  const rows = async (what: string) =>
    (await listAffected(toy.database.read, policed, what)).map(
      ({ principal, tokenName, address, files, repository }) =>
        [principal, tokenName, address, files, repository].join(" "),
    );
  const three = [
    " 10.0.0.5 1 toy",
    "ann t1-name 10.0.0.7 3 toy",
    "ann t2-name 10.0.0.2 1 toy",
    "bob  10.0.0.3 1 toy",
  ];
  const tidy = (all: string[]) => all.map((one) => one.replace(/^ +/, " ")).sort();
  expect(tidy(await rows("MAL-1"))).toEqual(three);
  expect(tidy(await rows("CVE-1"))).toEqual(three);
  expect(tidy(await rows("pkg:toy/thing@2"))).toEqual(three);
  expect(await rows("pkg:toy/thing")).toHaveLength(5);
  expect(await rows("pkg:toy/thing@7")).toEqual([]);
  await expect(rows("MAL-9")).rejects.toMatchObject({ kind: "notFound" });
  await expect(rows("pkg:other/thing@1")).rejects.toMatchObject({ kind: "notFound" });
  const [shown] = await showAdvisory(toy.database.read, policed, "CVE-1");
  expect(shown!.advisory).toMatchObject({ id: "MAL-1", purl: "pkg:toy/thing", kind: "malicious" });
});

test("rows go when they are old, and none is written where none is wanted", async () => {
  const noted = fetches();
  noted.note(user("ann", "t1"), "10.0.0.1", "toy", { ...release });
  await noted.settled();
  toy.clock.shift += 400 * 86_400_000;
  noted.note(user("bob", "t2"), "10.0.0.1", "toy", { ...release });
  await noted.settled();
  await noted.tidy();
  const left = await listAffected(toy.database.read, policed, "pkg:toy/thing@2");
  expect(left.map(({ principal }) => principal)).toEqual(["bob"]);
  noted.keepFor(0);
  noted.note(user("eve", "t3"), "10.0.0.1", "toy", { ...release });
  await noted.settled();
  expect(await listAffected(toy.database.read, policed, "pkg:toy/thing@2")).toHaveLength(1);
});

test("who has it in a lock file is named as well, of releases that anybody was sent, and is not counted as sent it", async () => {
  const noted = fetches();
  noted.note(user("ann", "t1"), "10.0.0.1", "toy", { ...release });
  noted.noteLocked(user("bob", "t2"), "10.0.0.2", "toy", [
    release,
    release,
    { package: "thing", version: "2.7-made-up" },
  ]);
  await noted.settled();
  toy.clock.shift += 86_400_000;
  noted.noteLocked(user("ann", "t1"), "10.0.0.1", "toy", [release]);
  const last = now();
  await noted.settled();
  await toy.advise(told("MAL-1"));
  await look();
  expect(await events()).toEqual(["revoked 2 MAL-1 1"]);
  const rows = await listAffected(toy.database.read, policed, "pkg:toy/thing");
  const shown = rows.map(({ principal, files, lockedAt }) => [principal, files, lockedAt !== null]);
  expect(shown.sort()).toEqual([
    ["ann", 1, true],
    ["bob", 0, true],
  ]);
  const ann = rows.find(({ principal }) => principal === "ann")!;
  expect(ann.lockedAt).toBeGreaterThan(last - 60_000);
});
