import { expect, test } from "bun:test";
import { Problem } from "../../core/problem.ts";
import { seeded } from "../../core/testkit.ts";
import { provenanceOf } from "./attestations.ts";
import { attestation, github, predicate } from "./testdata/attestations.ts";

const subject = { file: "sea_shell-1.0-py3-none-any.whl", sha256: "ab".repeat(32) };
const make = (value: unknown) => provenanceOf(Buffer.from(JSON.stringify(value)), subject);

test("attestations become one object, beside whom their certificate names", () => {
  const first = attestation(subject);
  const second = attestation(subject, { predicateType: predicate.publish });
  const other = attestation(subject, {
    identity: "https://gitlab.example.test/reef/shell//.gitlab-ci.yml@refs/heads/main",
    predicateType: predicate.publish,
  });
  expect(JSON.parse(make([first, second]))).toEqual({
    version: 1,
    attestation_bundles: [
      {
        publisher: {
          kind: "GitHub",
          repository: "reef/sea-shell",
          workflow: "release.yml",
          environment: null,
          claims: null,
        },
        attestations: [first, second],
      },
    ],
  });
  const publishers = JSON.parse(make([first, other])).attestation_bundles.map(
    (bundle: { publisher: unknown }) => bundle.publisher,
  );
  expect(publishers[1]).toEqual({
    kind: "GitLab",
    repository: "reef/shell",
    workflow_filepath: ".gitlab-ci.yml",
    environment: null,
    claims: null,
  });
  const unknown = attestation(subject, { identity: "https://ci.example.test/1" });
  expect(JSON.parse(make([unknown])).attestation_bundles[0].publisher).toEqual({
    kind: "Other",
    identity: "https://ci.example.test/1",
    claims: null,
  });
  expect(github).toContain("release.yml");
});

test("the same attestations make the same object", () => {
  const one = [attestation(subject)];
  expect(make(one)).toBe(make(one));
});

const good = attestation(subject);
const material = good.verification_material;
const flip = (text: string) => {
  const bytes = Buffer.from(text, "base64");
  bytes[bytes.length - 1]! ^= 1;
  return bytes.toString("base64");
};
const refused: [what: string, value: unknown, words: string][] = [
  ["no list", good, "no list"],
  ["an empty list", [], "no list"],
  ["a long list", Array(11).fill(good), "no list"],
  ["two that say the same", [good, good], "two of"],
  ["another version", [{ ...good, version: 2 }], "version 1"],
  ["no envelope", [{ ...good, envelope: null }], "not whole"],
  [
    "no log entry",
    [{ ...good, verification_material: { ...material, transparency_entries: [] } }],
    "transparency",
  ],
  [
    "no certificate",
    [{ ...good, verification_material: { ...material, certificate: "" } }],
    "not base64",
  ],
  [
    "a certificate that is none",
    [{ ...good, verification_material: { ...material, certificate: "AAAA" } }],
    "cannot be read",
  ],
  [
    "another key's certificate",
    [{ ...good, envelope: { ...good.envelope, signature: flip(good.envelope.signature) } }],
    "signature",
  ],
  [
    "another statement",
    [{ ...good, envelope: { ...good.envelope, statement: flip(good.envelope.statement) } }],
    "signature",
  ],
  [
    "a signature that is none",
    [{ ...good, envelope: { ...good.envelope, signature: "AAAA" } }],
    "signature",
  ],
  ["another file", [attestation({ ...subject, file: "other.whl" })], "another file"],
  ["other bytes", [attestation({ ...subject, sha256: "cd".repeat(32) })], "other bytes"],
  [
    "two files",
    [
      attestation(subject, {
        statement: { subject: [{ name: subject.file, digest: { sha256: subject.sha256 } }, {}] },
      }),
    ],
    "another file",
  ],
  ["no statement", [attestation(subject, { statement: { _type: "x" } })], "in-toto"],
  [
    "an unknown predicate",
    [attestation(subject, { predicateType: "https://example.test/v1" })],
    "not known",
  ],
];
for (const [what, value, words] of refused)
  test(`refuses ${what}`, () => {
    expect(() => make(value)).toThrow(words);
    expect(() => make(value)).toThrow(Problem);
  });

test("whatever is in them, nothing but a Problem is thrown", () => {
  const next = seeded(740);
  const text = JSON.stringify([good]);
  for (let round = 0; round < 500; round += 1) {
    const bytes = Buffer.from(text);
    for (let count = 1 + next() * 3; count > 0; count -= 1)
      bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 256);
    try {
      provenanceOf(bytes, subject);
    } catch (error) {
      expect(error).toBeInstanceOf(Problem);
    }
  }
});
