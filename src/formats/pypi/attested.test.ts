// What was verified of a file: of a public project, as its index answered, and of made-up ones.
import { describe, expect, test } from "bun:test";
import type { Provenance } from "../../core/provenance.ts";
import { altered, createAuthority, statementOf } from "../../proof/testdata/authority.ts";
import real from "../../proof/testdata/sigstore/pypi-attestations-0.0.19.json" with {
  type: "json",
};
import { bundleOf, provenanceTask } from "./attested.ts";
import { inPep740 } from "./testdata/attestations.ts";

const find = (options: unknown) =>
  provenanceTask({ options, files: [], async write() {} }) as Promise<Provenance>;

describe("pypi_attestations 0.0.19 of the public index", () => {
  const own = {
    file: "pypi_attestations-0.0.19.tar.gz",
    sha256: "9bb1add04b1b4e182be6b0b80931593f7a291eb49d69b4fd728a5d4cbcdc4bd3",
    provenance: real,
    root: null,
  };

  test("was built by a workflow of its repository", async () => {
    expect(await find(own)).toMatchObject({
      state: "verified",
      builder: {
        issuer: "https://token.actions.githubusercontent.com",
        repository: "https://github.com/trailofbits/pypi-attestations",
        workflow: ".github/workflows/release.yml",
        ref: "refs/tags/v0.0.19",
        commit: "08802efe1f8e5fec4ad842d6b8ce97656092ee72",
      },
      signature: null,
      why: null,
    });
  });

  test("the same file under another spelling of its name is the same file", async () => {
    const file = "pypi-attestations-0.0.19.tar.gz";
    expect((await find({ ...own, file })).state).toBe("verified");
  });

  const [bundle] = real.attestation_bundles;
  const bad: [string, Record<string, unknown>, RegExp][] = [
    ["of another file", { file: "pypi_attestations-0.0.20.tar.gz" }, /not about/],
    ["of other bytes", { sha256: "ab".repeat(32) }, /other bytes/],
    ["of unknown bytes", { sha256: null }, /no SHA-256/],
    [
      "under another trust root",
      { root: JSON.stringify(createAuthority().trustRoot) },
      /not given out by an authority/,
    ],
    [
      "of another publisher than the index names",
      {
        provenance: altered(real, (copy) => {
          copy.attestation_bundles[0]!.publisher.repository = "mallory/pypi-attestations";
        }),
      },
      /another publisher/,
    ],
    [
      "of another workflow than the index names",
      {
        provenance: altered(real, (copy) => {
          copy.attestation_bundles[0]!.publisher.workflow = "tests.yml";
        }),
      },
      /another publisher/,
    ],
    ["promised and not shown", { provenance: {} }, /does not show it/],
    [
      "without an attestation",
      { provenance: { attestation_bundles: [{ attestations: [] }] } },
      /no/,
    ],
    [
      "with too many",
      { provenance: { attestation_bundles: Array(11).fill(bundle) } },
      /more attestations/,
    ],
    ["nonsense", { provenance: { attestation_bundles: [7] } }, /no bundle/],
    [
      "nonsense further in",
      { provenance: { attestation_bundles: [{ attestations: [{ envelope: 1 }] }] } },
      /not whole/,
    ],
  ];
  /** The others may be true, and nobody here could know. */
  const lies = [
    "of another file",
    "of other bytes",
    "of another publisher than the index names",
    "of another workflow than the index names",
  ];
  for (const [what, changes, why] of bad)
    test(`is not verified: ${what}`, async () => {
      const found = await find({ ...own, ...changes });
      expect(found).toMatchObject({
        state: lies.includes(what) ? "false" : "unverified",
        builder: null,
      });
      expect(found.why).toMatch(why);
    });
});

test("two attestations of one file that name different builders are of neither", async () => {
  const authority = createAuthority();
  const said = statementOf("shell-1.0.tar.gz", { sha256: "ab".repeat(32) });
  const attestations = ["reef", "mallory"].map((owner) =>
    inPep740(authority.attest(said, { repository: `https://github.com/${owner}/shell` })),
  );
  const of = (some: unknown[]) =>
    find({
      file: "shell-1.0.tar.gz",
      sha256: "ab".repeat(32),
      provenance: { attestation_bundles: [{ attestations: some }] },
      root: JSON.stringify(authority.trustRoot),
    });
  expect((await of(attestations)).why).toMatch(/different builders/);
  expect((await of(attestations.slice(0, 1))).builder?.repository).toBe(
    "https://github.com/reef/shell",
  );
  expect(bundleOf(attestations[0])).toMatchObject({
    dsseEnvelope: { signatures: [{ keyid: "" }] },
  });
});

test("a file of which no provenance is told has none", async () => {
  const none = { file: "shell-1.0.tar.gz", sha256: "ab".repeat(32), provenance: null, root: null };
  expect(await find(none)).toEqual({ state: "none", builder: null, signature: null, why: null });
});
