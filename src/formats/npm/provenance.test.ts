// What was verified of a version: of a public package, as its registry answered, and of made-up ones.
import { describe, expect, test } from "bun:test";
import { generateKeyPairSync, sign } from "node:crypto";
import type { Provenance } from "../../core/provenance.ts";
import { altered, createAuthority, statementOf } from "../../proof/testdata/authority.ts";
import real from "../../proof/testdata/sigstore/npm-sigstore-0.4.0.json" with { type: "json" };
import { provenanceTask } from "./provenance.ts";
import type { SignedFile } from "./types.ts";

const find = (options: unknown) =>
  provenanceTask({ options, files: [], async write() {} }) as Promise<Provenance>;
const signed = (changes: Partial<SignedFile> = {}): SignedFile => ({
  version: "1.0.0",
  integrity: `sha512-${Buffer.alloc(64, 1).toString("base64")}`,
  signatures: [],
  time: "2026-05-01T00:00:00.000Z",
  attested: true,
  ...changes,
});
const evidence = (changes: Record<string, unknown> = {}) => ({
  name: "@reef/shell",
  signed: signed(),
  answer: null,
  keys: [],
  root: null,
  ...changes,
});

describe("sigstore 0.4.0 of the public registry", () => {
  const bytes = Buffer.from(
    "282c0c5fa936d264321643581b65d3de5c0af6ed4fdfac12f5851115df39cc25cfaf0ad22d908487bfef30114d61c25746206d1834be4f8fd1659178f77cc004",
    "hex",
  );
  const integrity = `sha512-${bytes.toString("base64")}`;
  const own = { name: "sigstore", signed: signed({ version: "0.4.0", integrity }) };

  test("was built by a workflow of its repository, and both attestations hold", async () => {
    expect(await find(evidence({ ...own, answer: real }))).toEqual({
      state: "verified",
      builder: {
        issuer: "https://token.actions.githubusercontent.com",
        subject:
          "https://github.com/sigstore/sigstore-js/.github/workflows/publish.yml@refs/tags/v0.4.0",
        repository: "https://github.com/sigstore/sigstore-js",
        workflow: ".github/workflows/publish.yml",
        ref: "refs/tags/v0.4.0",
        commit: "8a2ee2fd20dda58ffa4a8d808a65cb1e04711c03",
      },
      signature: null,
      why: null,
    });
  });

  const bad: [string, Record<string, unknown>, RegExp][] = [
    [
      "of another version",
      { signed: signed({ version: "0.4.1", integrity }) },
      /not about pkg:npm/,
    ],
    ["of another package", { name: "sigst0re" }, /not about pkg:npm\/sigst0re@0.4.0/],
    ["of other bytes", { signed: signed({ version: "0.4.0" }) }, /other bytes/],
    [
      "of a version without SHA-512",
      { signed: signed({ version: "0.4.0", integrity: "sha1-u/EC1a5zr+LFUyleD7AiMCFvZbE=" }) },
      /other bytes/,
    ],
    [
      "under another trust root",
      { root: JSON.stringify(createAuthority().trustRoot) },
      /not given out by an authority/,
    ],
    ["under none", { root: "{}" }, /trust root cannot be used/],
    ["promised and not shown", { answer: { attestations: [] } }, /does not show them/],
    [
      "signed by the registry alone",
      { answer: { attestations: [real.attestations[1]] } },
      /none of its attestations says how it was built/,
    ],
    ["far too many", { answer: { attestations: Array(11).fill(real.attestations[0]) } }, /more/],
    [
      "one good and one false",
      {
        answer: altered(real, (copy) => {
          const [signature] = copy.attestations[1]!.bundle.dsseEnvelope.signatures;
          signature!.sig = real.attestations[0]!.bundle.dsseEnvelope.signatures[0]!.sig;
        }),
      },
      /./,
    ],
    ["nonsense", { answer: { attestations: [null, 1, {}] } }, /./],
  ];
  /** The others may be true, and nobody here could know. */
  const lies = [
    "of another version",
    "of another package",
    "of other bytes",
    "of a version without SHA-512",
    "one good and one false",
  ];
  for (const [what, changes, why] of bad)
    test(`is not verified: ${what}`, async () => {
      const found = await find(evidence({ ...own, answer: real, ...changes }));
      expect(found).toMatchObject({
        state: lies.includes(what) ? "false" : "unverified",
        builder: null,
      });
      expect(found.why).toMatch(why);
    });
});

test("what the registry signed with a key of a later day says nothing, for or against", async () => {
  const integrity = `sha512-${Buffer.from(
    "282c0c5fa936d264321643581b65d3de5c0af6ed4fdfac12f5851115df39cc25cfaf0ad22d908487bfef30114d61c25746206d1834be4f8fd1659178f77cc004",
    "hex",
  ).toString("base64")}`;
  const own = { name: "sigstore", signed: signed({ version: "0.4.0", integrity }) };
  const later = altered(real, (copy) => {
    copy.attestations[1]!.bundle.verificationMaterial.publicKey!.hint = "SHA256:later";
  });
  expect((await find(evidence({ ...own, answer: later }))).state).toBe("verified");
  const alone = { attestations: later.attestations.slice(1) };
  expect((await find(evidence({ ...own, answer: alone }))).state).toBe("unverified");
});

test("a version of a scope, by an authority that the configuration names", async () => {
  const authority = createAuthority();
  const sha512 = Buffer.alloc(64, 1).toString("hex");
  const bundle = authority.attest(statementOf("pkg:npm/%40reef/shell@1.0.0", { sha512 }));
  const root = JSON.stringify(authority.trustRoot);
  const found = await find(evidence({ answer: { attestations: [{ bundle }] }, root }));
  expect(found).toMatchObject({
    state: "verified",
    builder: { repository: "https://github.com/reef/shell" },
  });
});

describe("the registry's signature", () => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = publicKey.export({ format: "der", type: "spki" }).toString("base64");
  const keys = [{ keyid: "SHA256:reef", key, expires: null }];
  const { integrity } = signed();
  const sig = sign("sha256", Buffer.from(`@reef/shell@1.0.0:${integrity}`), privateKey);
  const one = { keyid: "SHA256:reef", sig: sig.toString("base64") };

  test("by a key that the same registry showed is called that, and no more", async () => {
    const found = await find(evidence({ signed: signed({ signatures: [one] }), keys }));
    expect(found).toEqual({ state: "none", builder: null, signature: "registry", why: null });
  });

  test("by a key that nobody knows, or over other bytes, is none", async () => {
    const other = {
      signatures: [one],
      integrity: `sha512-${Buffer.alloc(64, 2).toString("base64")}`,
    };
    for (const [file, some] of [
      [signed({ signatures: [one] }), []],
      [signed(other), keys],
      [signed(), keys],
    ] as const)
      expect((await find(evidence({ signed: file, keys: some }))).signature).toBeNull();
  });

  test("by a key that the trust root vouches for is called so", async () => {
    // As the public registry signed it.
    const venv = {
      version: "0.1.0",
      integrity:
        "sha512-RMdeiD0OJC+S2w4931iqdi5MB9xe2T/lXZbRrHxbsmQrSA+FwhPk2bIqIwbNDCmThPgNw841Q272O6EFSYhBjQ==",
      signatures: [
        {
          keyid: "SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA",
          sig: "MEUCICKQJCEvvV3HdhCSj3TwH9qqIWLwc0GR1m/NED/s1bPIAiEAvkTmhIDIrD4MZoI2g27+HsuxoFJhC/evORT6T2UUwSc=",
        },
      ],
      time: "2017-07-14T00:00:00.000Z",
    };
    expect((await find(evidence({ name: "venv", signed: venv }))).signature).toBe("root");
    expect((await find(evidence({ name: "venf", signed: venv }))).signature).toBeNull();
    // Signed, it says, when the key had ended: nobody can know that it was not somebody who found it.
    const late = { ...venv, time: "2025-02-01T00:00:00.000Z" };
    expect((await find(evidence({ name: "venv", signed: late }))).signature).toBeNull();
  });
});
