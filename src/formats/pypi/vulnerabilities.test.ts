import { expect, test } from "bun:test";
import type { Advisory } from "../../core/advisory.ts";
import { toldOf, withVulnerabilities } from "./vulnerabilities.ts";

const known = (id: string, changes: Partial<Advisory> = {}) =>
  ({
    id,
    aliases: [],
    kind: "vulnerability",
    summary: "",
    details: "",
    url: "",
    withdrawnAt: null,
    versions: [],
    ranges: [{ introduced: "1.0", fixed: "2.0", lastAffected: null }],
    feed: "osv",
    ...changes,
  }) as unknown as Advisory;
const ids = (value: unknown) => (value as { id: string }[]).map(({ id }) => id);
const GHSA = "GHSA-aaaa-bbbb-cccc";

test("each is told once, with its fixes; what the index tells under any name stays alone", () => {
  const data = toldOf([
    known("PYSEC-1", { aliases: ["CVE-1"] }),
    known(GHSA, { aliases: ["CVE-1"] }),
    known("PYSEC-2", { aliases: ["CVE-2"] }),
    known("PYSEC-3", { withdrawnAt: "2026-01-01T00:00:00Z" }),
    known("PYSEC-4", { ranges: [{ introduced: "3", fixed: null, lastAffected: null }] }),
  ]);
  const theirs = [{ id: "X-2", aliases: ["CVE-2"] }];
  const all = withVulnerabilities(theirs, "1.5", data);
  expect(ids(all)).toEqual(["X-2", GHSA]);
  expect((all as unknown[])[1]).toMatchObject({ fixed_in: ["2.0"], source: "osv" });
  expect(withVulnerabilities(undefined, "2.0", data)).toEqual([]);
});

test("where nothing is known the document stays as it is", () => {
  expect(toldOf([])).toBeUndefined();
  expect(toldOf([known("X", { withdrawnAt: "2026-01-01T00:00:00Z" })])).toBeUndefined();
  for (const theirs of [undefined, null, [], "odd"])
    expect(withVulnerabilities(theirs, "1.0", undefined)).toBe(theirs as never);
  expect(withVulnerabilities("odd", 7, [])).toBe("odd");
});
