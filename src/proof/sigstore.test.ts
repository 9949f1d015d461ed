// Bundles that two public registries gave out, against the root that ships; and false ones, of them and of a made-up authority.
import { describe, expect, test } from "bun:test";
import { trustRoot } from "./roots.ts";
import { NotVerified, openTrustRoot } from "./sigstore.ts";
import { altered, createAuthority, statementOf } from "./testdata/authority.ts";
import npm from "./testdata/sigstore/npm-sigstore-0.4.0.json" with { type: "json" };
import pypi from "./testdata/sigstore/pypi-attestations-0.0.19.json" with { type: "json" };

const [provenance, publish] = npm.attestations.map(({ bundle }) => bundle);
const authority = createAuthority();
const own = await openTrustRoot(authority.trustRoot);
const statement = statementOf("pkg:npm/shell@1.0.0", { sha512: "ab".repeat(64) });
const flip = (base64: string) => {
  const bytes = Buffer.from(base64, "base64");
  bytes[bytes.length - 2]! ^= 1;
  return bytes.toString("base64");
};

describe("the public instance", () => {
  test("what a CI job of a public package signed names its repository, workflow and commit", async () => {
    const { statement, builder } = (await trustRoot(null)).verify(provenance);
    expect(builder).toEqual({
      issuer: "https://token.actions.githubusercontent.com",
      subject:
        "https://github.com/sigstore/sigstore-js/.github/workflows/publish.yml@refs/tags/v0.4.0",
      repository: "https://github.com/sigstore/sigstore-js",
      workflow: ".github/workflows/publish.yml",
      ref: "refs/tags/v0.4.0",
      commit: "8a2ee2fd20dda58ffa4a8d808a65cb1e04711c03",
    });
    expect(JSON.parse(Buffer.from(statement).toString()).subject[0].name).toBe(
      "pkg:npm/sigstore@0.4.0",
    );
  });

  test("what a registry signed with its own key names no builder", async () => {
    expect((await trustRoot(null)).verify(publish).builder).toBeNull();
  });

  test("a bundle with a proof of its place in the log is read as well", async () => {
    const [bundle] = pypi.attestation_bundles;
    const [{ envelope, verification_material: material }] = bundle!.attestations as [
      (typeof pypi.attestation_bundles)[number]["attestations"][number],
    ];
    const { builder } = (await trustRoot(null)).verify({
      mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
      verificationMaterial: {
        certificate: { rawBytes: material.certificate },
        tlogEntries: material.transparency_entries,
      },
      dsseEnvelope: {
        payload: envelope.statement,
        payloadType: "application/vnd.in-toto+json",
        signatures: [{ sig: envelope.signature, keyid: "" }],
      },
    });
    expect(builder).toMatchObject({
      repository: "https://github.com/trailofbits/pypi-attestations",
      workflow: ".github/workflows/release.yml",
      ref: "refs/tags/v0.0.19",
    });
  });

  test("another root knows nothing of it", () => {
    expect(() => own.verify(provenance)).toThrow(/not given out by an authority of the trust root/);
    expect(() => own.verify(publish)).toThrow(/a key that the trust root does not have/);
  });

  const bad: [string, (copy: NonNullable<typeof provenance>) => void, RegExp][] = [
    [
      "another statement",
      (copy) => {
        const said = Buffer.from(copy.dsseEnvelope.payload, "base64").toString();
        const other = said.replace("sigstore@0.4.0", "sigstore@0.4.1");
        copy.dsseEnvelope.payload = Buffer.from(other).toString("base64");
      },
      /about something else|signature is false/,
    ],
    [
      "another signature",
      (copy) => {
        const [first] = copy.dsseEnvelope.signatures;
        first!.sig = flip(first!.sig);
      },
      /about something else|signature is false/,
    ],
    [
      "a promise of the log that is false",
      (copy) => {
        const [entry] = copy.verificationMaterial.tlogEntries;
        const { inclusionPromise } = entry!;
        inclusionPromise.signedEntryTimestamp = flip(inclusionPromise.signedEntryTimestamp);
      },
      /does not stand in a log/,
    ],
    [
      "a time at which its certificate had ended",
      (copy) => {
        copy.verificationMaterial.tlogEntries[0]!.integratedTime = "1773458312";
      },
      /not given out by an authority/,
    ],
    [
      "no entry in a log",
      (copy) => {
        copy.verificationMaterial.tlogEntries = [];
      },
      /./,
    ],
  ];
  for (const [what, change, words] of bad)
    test(`refused: ${what}`, async () => {
      const root = await trustRoot(null);
      expect(() => root.verify(altered(provenance!, change))).toThrow(words);
    });
});

describe("a made-up instance", () => {
  test("names whom it gave a certificate", () => {
    const { builder } = own.verify(authority.attest(statement));
    expect(builder).toMatchObject({
      repository: "https://github.com/reef/shell",
      workflow: ".github/workflows/release.yml",
      ref: "refs/tags/v1.0.0",
    });
  });

  test("a workflow of GitLab is named without the slashes before it", () => {
    const job = {
      repository: "https://gitlab.example.test/reef/shell",
      workflow: "/.gitlab-ci.yml",
      issuer: "https://gitlab.example.test",
    };
    expect(own.verify(authority.attest(statement, job)).builder).toMatchObject({
      repository: job.repository,
      workflow: ".gitlab-ci.yml",
    });
  });

  test("one of the same name with other keys is another one", () => {
    expect(() => own.verify(createAuthority().attest(statement))).toThrow(NotVerified);
  });

  test("who signs after the certificate ended is refused", () => {
    const at = new Date("2026-05-01T12:00:00Z");
    const late = { at, until: new Date("2026-05-01T11:59:59Z") };
    expect(() => own.verify(authority.attest(statement, late))).toThrow(/certificate/);
  });

  for (const [what, value] of [
    ["nothing", null],
    ["a text", "bundle"],
    ["a list", []],
    ["an empty object", {}],
    ["numbers where texts belong", { mediaType: 1, verificationMaterial: 2, dsseEnvelope: 3 }],
  ] as const)
    test(`no bundle: ${what}`, () => {
      expect(() => own.verify(value)).toThrow(NotVerified);
    });
});

test("what is no trust root is refused, with why", async () => {
  for (const text of ["", "{", "[]", "{}", '{"certificateAuthorities":[{"certChain":7}]}', "null"])
    await expect(trustRoot(text)).rejects.toThrow(/The trust root cannot be used/);
});
