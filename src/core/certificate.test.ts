import { expect, test } from "bun:test";
import { makeCertificate } from "../../test/support/certificates.ts";
import { endOf, examine } from "./certificate.ts";

const { authority, pair } = makeCertificate(["packages.example.com", "127.0.0.1"], 90);
const other = makeCertificate(["packages.example.com"], 90).pair;

test("a pair that fits tells its names and its end", () => {
  const facts = examine(pair);
  expect(facts).toMatchObject({ names: "packages.example.com, 127.0.0.1" });
  expect((facts as { endsAt: number }).endsAt).toBeGreaterThan(Date.now() + 89 * 86_400_000);
  expect(examine({ ...pair, certificate: pair.certificate + authority })).toEqual(facts);
});

const faults: [what: string, pair: { certificate?: string; key?: string }, want: object][] = [
  ["no certificate", { certificate: "x" }, { of: "certificate", why: "holds no PEM certificate" }],
  ["no key", { key: "x" }, { of: "key", why: "holds no PEM key" }],
  ["another's key", { key: other.key }, { of: "key", why: "holds the key of another certificate" }],
  ["a certificate as the key", { key: pair.certificate }, { of: "key", why: "holds no PEM key" }],
];
for (const [what, change, want] of faults)
  test(`${what} is told`, () => {
    expect(examine({ ...pair, ...change })).toEqual(want as never);
  });

test("a key with a passphrase is told", () => {
  const { locked } = makeCertificate(["a.example.com"], 1, { passphrase: "x" });
  expect(examine({ certificate: pair.certificate, key: locked! })).toEqual({
    of: "key",
    why: "is locked with a passphrase",
  });
});

const now = Date.UTC(2026, 10, 26);
const day = 86_400_000;
const ends: [left: number, want: string | null][] = [
  [31 * day, null],
  [29.5 * day, "the certificate ends on 2026-12-25, in 29 days"],
  [1.5 * day, "the certificate ends on 2026-11-27, in 1 day"],
  [-day, "the certificate has ended on 2026-11-25: clients refuse it"],
];
for (const [left, want] of ends)
  test(`with ${left / day} days left ${want ? "it is said" : "nothing is said"}`, () => {
    expect(endOf({ endsAt: now + left }, now)).toBe(want);
  });
