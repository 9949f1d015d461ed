import { describe, expect, test } from "bun:test";
import type { Provenance } from "../core/provenance.ts";
import type { Traits } from "../core/traits.ts";
import { type Comparing, compareReleases, type Past } from "./compare.ts";

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 26);
const order = (a: string, b: string) => a.localeCompare(b, "en", { numeric: true });

const verified = (repository: string): Provenance => ({
  state: "verified",
  builder: {
    issuer: "https://ci.example.test",
    subject: `https://example.test/${repository}`,
    repository: `https://example.test/${repository}`,
    workflow: "release.yml",
    ref: null,
    commit: null,
  },
  signature: null,
  why: null,
});
const unverified: Provenance = {
  state: "unverified",
  builder: null,
  signature: null,
  why: "it is about other bytes",
};

/** A release of so many days ago. */
const past = (version: string, age: number, traits: Traits, ...provenance: Provenance[]): Past => ({
  version,
  publishedAt: NOW - age * DAY,
  traits,
  provenance,
});
const attested = { attested: true } as const;
const scripts = { scripts: true } as const;

function compare(all: Past[], changes: Partial<Comparing> = {}) {
  const windows = { provenance: 30 * DAY, scripts: 14 * DAY };
  const comparing = { order, windows, isWaived: () => false, now: NOW, ...changes };
  const { suspicions, wanted } = compareReleases(all, comparing);
  const said = [...suspicions].map(([version, { provenance, scripts }]) => [
    version,
    provenance ?? scripts,
  ]);
  return { said: Object.fromEntries(said), wanted };
}

describe("provenance", () => {
  const before = past("1.0.0", 90, attested, verified("reef/shell"));

  test("that is as it was is fine", () => {
    const same = past("1.0.1", 1, attested, verified("reef/shell"));
    expect(compare([before, same])).toEqual({ said: {}, wanted: [] });
  });

  test("that was lost is told, also of the next one, and of those that came in any order", () => {
    const all = [past("1.0.2", 1, {}), past("1.0.1", 2, {}), before];
    expect(compare(all).said).toEqual({
      "1.0.1": "it comes without provenance, which 1.0.0 had",
      "1.0.2": "it comes without provenance, which 1.0.0 had",
    });
  });

  test("of another repository is told, also of the next one of the same", () => {
    const all = [
      before,
      past("1.0.1", 3, attested, verified("mallory/shell")),
      past("1.0.2", 2, attested, verified("mallory/shell")),
      past("1.0.3", 1, attested, verified("reef/shell")),
    ];
    const words = "it was built from https://example.test/mallory/shell, and 1.0.0 from …";
    expect(Object.keys(compare(all).said)).toEqual(["1.0.1", "1.0.2"]);
    expect(compare(all).said["1.0.1"]).toStartWith(words.slice(0, -1));
  });

  test("of another repository is told with the version that was verified, not with a later one that was not", () => {
    const all = [
      before,
      past("1.0.1", 60, attested),
      past("1.0.2", 1, attested, verified("mallory/shell")),
    ];
    expect(compare(all).said["1.0.2"]).toEndWith("and 1.0.0 from https://example.test/reef/shell");
  });

  test("of another repository is believed once it is old enough, or waived", () => {
    const moved = (age: number) => past("1.0.1", age, attested, verified("reef/new"));
    const next = past("1.0.2", 1, attested, verified("reef/new"));
    expect(compare([before, moved(40), next]).said).toEqual({});
    expect(compare([before, moved(20), next]).said).toHaveProperty(["1.0.2"]);
    const isWaived = (version: string) => version === "1.0.1";
    expect(compare([before, moved(20), next], { isWaived }).said).toEqual({});
  });

  test("that is not verified yet is waited for, and it is asked for", () => {
    const young = past("1.0.1", 1, attested);
    expect(compare([before, young])).toEqual({
      said: { "1.0.1": "its provenance is yet to be verified" },
      wanted: ["1.0.1"],
    });
    const unknown = past("1.0.0", 90, attested);
    expect(compare([unknown, young])).toEqual({
      said: { "1.0.1": "its provenance is yet to be verified" },
      wanted: ["1.0.0", "1.0.1"],
    });
  });

  test("that could not be verified of what was before leaves nothing to compare with", () => {
    const young = past("1.0.1", 1, attested, verified("reef/shell"));
    expect(compare([past("1.0.0", 90, attested, unverified), young]).said).toEqual({});
  });

  test("that could not be verified is told with why", () => {
    expect(compare([before, past("1.0.1", 1, attested, unverified)]).said).toEqual({
      "1.0.1": "its provenance could not be verified: it is about other bytes",
    });
  });

  test("is compared within a major version, or with all where it is the first of one", () => {
    const old = past("1.9.0", 80, {});
    expect(compare([before, old, past("2.0.0", 1, {})]).said).toHaveProperty(["2.0.0"]);
    const other = past("2.0.0", 70, {});
    expect(compare([before, old, other, past("2.0.1", 1, {})]).said).toEqual({});
  });

  test("of a package that never had any is not missed", () => {
    expect(compare([past("1.0.0", 90, {}), past("1.0.1", 1, {})]).said).toEqual({});
    expect(compare([past("1.0.0", 1, {})]).said).toEqual({});
  });

  test("is not asked after the window, nor of what was there before anybody looked", () => {
    expect(compare([before, past("1.0.1", 31, {})]).said).toEqual({});
    expect(compare([before, { ...past("1.0.1", 1, {}), publishedAt: null }]).said).toEqual({});
  });
});

describe("scripts that run at installation", () => {
  const before = past("1.0.0", 90, {});
  test("are told when the highest version below had none, also of the next one", () => {
    const all = [before, past("1.0.1", 2, scripts), past("1.0.2", 1, scripts)];
    const words = "it runs a script when it is installed, which 1.0.0 did not";
    expect(compare(all).said).toEqual({ "1.0.1": words, "1.0.2": words });
  });

  test("are nothing new where the version below has one, whatever other lines have", () => {
    const all = [past("1.0.0", 90, scripts), past("2.0.0", 60, {}), past("1.0.1", 1, scripts)];
    expect(compare(all).said).toEqual({});
    expect(compare([...all, past("2.0.1", 1, scripts)]).said).toHaveProperty(["2.0.1"]);
  });

  test("of the first version are nothing new, nor those of which nobody told", () => {
    expect(compare([past("1.0.0", 1, scripts)]).said).toEqual({});
    const silent = { ...past("0.9.0", 90, {}), traits: null };
    expect(compare([silent, past("1.0.0", 1, scripts)]).said).toEqual({});
  });

  test("are not asked for after their own window", () => {
    expect(compare([before, past("1.0.1", 15, scripts)]).said).toEqual({});
  });
});

test("thousands of releases are compared in no time that anybody would notice", () => {
  const all = Array.from({ length: 5_000 }, (_, at) =>
    past(`1.0.${at}`, 5_000 - at, attested, verified("reef/shell")),
  );
  expect(compare(all).said).toEqual({});
});
