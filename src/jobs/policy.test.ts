import { afterEach, expect, test } from "bun:test";
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
import type { PolicyRule } from "../core/policy.ts";
import { theServer } from "../core/principal.ts";
import type { Traits } from "../core/traits.ts";
import { ruledRepository } from "../policy/rules.ts";
import { explain, listHeld, readPurl, replay } from "./policy.ts";

const HOUR = 3_600_000;
const BYTES = Buffer.from("some bytes");
let toy: Awaited<ReturnType<typeof openToy>>;
afterEach(() => toy.close());

const rules: PolicyRule[] = [
  { name: "bad", packages: ["pkg:toy/thing"], repositories: null, versions: "3", block: "malware" },
  {
    name: "cooldown",
    packages: ["pkg:toy/*"],
    repositories: null,
    versions: null,
    minimumAge: 24 * HOUR,
  },
];
const policed = (some = rules) => [{ ...ruledRepository("toy", toyFormat), rules: some }];
const now = () => Date.now() + toy.clock.shift;

async function open(): Promise<void> {
  toy = await openToy();
  const files = Object.fromEntries(
    [
      ["a-1", "1", 100],
      ["a-2", "2", 1],
      ["b-2", "2", 1],
      ["a-3", "3", 100],
    ].map(([file, version, age]) => [
      file,
      {
        integrity: sri(BYTES),
        version,
        publishedAt: new Date(now() - Number(age) * HOUR).toISOString(),
      },
    ]),
  );
  toy.upstream.behave = ({ path }) =>
    path === "thing" ? answer(200, JSON.stringify({ files })) : answer(200, BYTES);
  await toy.repository.read(index, { variant: "all", base: "" });
}

const held = async (at = now()) =>
  (await Array.fromAsync(listHeld(toy.database.read, policed(), toy.waivers.all(), at))).map(
    ({ purl, verdict, rule }) => `${purl} ${verdict} ${rule}`,
  );

test("what is withheld is listed, each release once, as it stands at that time", async () => {
  await open();
  expect(await held()).toEqual(["pkg:toy/thing@2 hold cooldown", "pkg:toy/thing@3 block bad"]);
  expect(await held(now() + 24 * HOUR)).toEqual(["pkg:toy/thing@3 block bad"]);
  const waiver = { repository: null, purlType: "toy", package: "thing", reason: "x", until: null };
  await toy.waivers.add(theServer, { ...waiver, versions: "3" });
  expect(await held()).toEqual(["pkg:toy/thing@2 hold cooldown"]);
});

test("one release is explained, with its waivers", async () => {
  await open();
  const waivers = toy.waivers.all();
  const ask = (purl: string, some = waivers) =>
    explain(toy.database.read, policed(), some, now(), purl);
  expect(await ask("pkg:toy/thing@1")).toMatchObject([
    {
      repository: "toy",
      withheld: null,
      publishedAt: expect.any(String),
      waivers: [],
      provenance: [],
    },
  ]);
  expect(await ask("pkg:toy/thing@2")).toMatchObject([
    { withheld: { verdict: "hold", rule: "cooldown" } },
  ]);
  const waiver = await toy.waivers.add(theServer, {
    repository: "toy",
    purlType: "toy",
    package: "thing",
    versions: "2",
    reason: "a fix",
    until: null,
  });
  expect(await ask("pkg:toy/thing@2", toy.waivers.all())).toMatchObject([
    { withheld: null, waivers: [waiver] },
  ]);
  // Nobody told of it: it would be let in, and be decided on when it is known.
  expect(await ask("pkg:toy/other@1")).toMatchObject([{ withheld: null, publishedAt: null }]);
  await expect(ask("thing@2")).rejects.toMatchObject({ kind: "badRequest" });
  await expect(ask("pkg:toy/thing")).rejects.toMatchObject({ kind: "badRequest" });
  await expect(ask("pkg:gem/thing@2")).rejects.toMatchObject({ kind: "notFound" });
});

test("what was fetched is held against other rules as of the time at which it was", async () => {
  await open();
  const start = now() - 1;
  for (const file of ["a-1", "a-2", "b-2"])
    await toy.repository.artifact(artifact(file), request()).then(bytesOf);
  toy.clock.shift += 48 * HOUR; // by now it would be let in
  await toy.repository.artifact(artifact("a-3"), request()).then(bytesOf);
  const met = async (some: PolicyRule[], since = start) =>
    (await Array.fromAsync(replay(toy.database.read, policed(some), since))).map(
      ({ purl, rule }) => `${purl} ${rule}`,
    );
  expect(await met(rules)).toEqual(["pkg:toy/thing@2 cooldown", "pkg:toy/thing@3 bad"]);
  expect(await met(rules, start + HOUR)).toEqual(["pkg:toy/thing@3 bad"]);
  expect(await met([])).toEqual([]);
});

test("what documents and attestations tell counts in lists, explanations and for what was fetched", async () => {
  toy = await openToy();
  const at = (hours: number) => new Date(now() - hours * HOUR).toISOString();
  const file = (version: string, age: number, traits: Traits) => ({
    integrity: sri(BYTES),
    version,
    publishedAt: at(age),
    traits,
  });
  const files = {
    "a-1": file("1", 100, { attested: true, licence: "MIT" }),
    "a-2": file("2", 1, { licence: "AGPL-3.0-only" }),
  };
  toy.upstream.behave = ({ path }) =>
    path === "thing" ? answer(200, JSON.stringify({ files })) : answer(200, BYTES);
  await toy.repository.read(index, { variant: "all", base: "" });
  const start = now() - 1;
  for (const one of ["a-1", "a-2"])
    await toy.repository.artifact(artifact(one), request()).then(bytesOf);

  const rule = { name: "r", packages: ["pkg:toy/*"], repositories: null, versions: null };
  const trust = { ...rule, provenance: 24 * HOUR };
  const licence = {
    ...rule,
    licence: { allow: null, deny: ["AGPL-*"], unknown: "allow" as const },
  };
  for (const [one, verdict] of [
    [trust, "hold"],
    [licence, "block"],
  ] as const) {
    const all = await Array.fromAsync(listHeld(toy.database.read, policed([one]), [], now()));
    expect(all.map((held) => [held.version, held.verdict])).toEqual([["2", verdict]]);
    const met = await Array.fromAsync(replay(toy.database.read, policed([one]), start));
    expect(met.map(({ version }) => version)).toEqual(["2"]);
  }
  const [explained] = await explain(
    toy.database.read,
    policed([trust]),
    [],
    now(),
    "pkg:toy/thing@2",
  );
  expect(explained).toMatchObject({
    withheld: { rule: "r" },
    provenance: [],
    lostSince: "1",
    traits: { licence: "AGPL-3.0-only" },
  });
});

test("a purl is read as people write it", async () => {
  toy = await openToy();
  const acme = { purlType: "npm", package: "@acme/ui" };
  expect(readPurl("pkg:npm/%40acme/ui@1.0.0-a%2Bb")).toEqual({ ...acme, version: "1.0.0-a+b" });
  expect(readPurl("pkg:npm/@acme/ui@1.0.0")).toEqual({ ...acme, version: "1.0.0" });
  expect(readPurl("pkg:npm/@acme/ui")).toEqual({ ...acme, version: null });
  for (const no of ["left-pad@1", "pkg:npm/", "pkg:npm/%zz@1", ""]) expect(readPurl(no)).toBeNull();
});
