import { expect, test } from "bun:test";
import { z } from "zod";
import shipped from "./roots/sigstore.json" with { type: "json" };
import { createAuthority } from "./testdata/authority.ts";
import { trustRootOption } from "./trust-option.ts";

const Options = z.strictObject({ trustRoot: trustRootOption });
const read = (value: unknown) => {
  const bytes = Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
  const read = Options.safeParse({ trustRoot: { path: "/etc/root.json", bytes } });
  return read.success ? "taken" : read.error.issues[0]!.message;
};

test("the root that ships, and that of a Sigstore of one's own, are taken", () => {
  expect(read(shipped)).toBe("taken");
  expect(read(createAuthority().trustRoot)).toBe("taken");
  expect(Options.parse({})).toEqual({});
});

const own = createAuthority().trustRoot;
const wrong: [what: string, value: unknown, words: RegExp][] = [
  ["no JSON", "-----BEGIN CERTIFICATE-----", /^\/etc\/root.json is no trust root of Sigstore: /],
  ["a list", [], /no trust root/],
  ["nothing in it", {}, /certificateAuthorities/],
  ["no logs", { ...own, tlogs: [] }, /tlogs/],
  ["no logs of certificates", { ...own, ctlogs: [] }, /ctlogs/],
  [
    "a certificate that is none",
    {
      ...own,
      certificateAuthorities: [{ certChain: { certificates: [{ rawBytes: "AAAA" }] } }],
    },
    /no trust root/,
  ],
  ["a key that is none", { ...own, tlogs: [{ publicKey: { rawBytes: "AAAA" } }] }, /no trust root/],
  [
    "what is not base64",
    { ...own, tlogs: [{ publicKey: { rawBytes: "{}" } }] },
    /tlogs.0.publicKey/,
  ],
];
for (const [what, value, words] of wrong)
  test(`a file with ${what} is refused with the configuration`, () => {
    expect(read(value)).toMatch(words);
  });
