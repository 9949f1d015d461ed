// Signs attestations as a CI job does, for tests: with a certificate that is its own, or with one of a made-up authority.
import { generateKeyPairSync, sign } from "node:crypto";
import { createAuthority, type Signing, statementOf } from "../../../proof/testdata/authority.ts";
import type { Subject } from "../attestations.ts";

const authority = createAuthority();
/** The text of a `trusted_root.json`: what is `attested` is verified with it. */
export const trustRoot = JSON.stringify(authority.trustRoot);

const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

/** One value in DER. X.690 */
function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const long = length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  const head = length < 128 ? [length] : long;
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}
const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts);
const text = (tag: number, value: string) => der(tag, Buffer.from(value));
const ECDSA_WITH_SHA256 = sequence(Buffer.from("06082a8648ce3d040302", "hex"));
const SUBJECT_ALT_NAME = Buffer.from("0603551d11", "hex");

/** Who Sigstore would give it to, by the address of what it ran. RFC 5280 */
function certificate(identity: string): Buffer {
  const names = sequence(text(0x86, identity));
  const extensions = der(0xa3, sequence(sequence(SUBJECT_ALT_NAME, der(0x04, names))));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ECDSA_WITH_SHA256,
    sequence(),
    sequence(text(0x17, "260101000000Z"), text(0x17, "491231000000Z")),
    sequence(),
    publicKey.export({ type: "spki", format: "der" }),
    extensions,
  );
  const signature = sign("sha256", body, privateKey);
  return sequence(body, ECDSA_WITH_SHA256, der(0x03, Buffer.from([0]), signature));
}

export const github = "https://github.com/reef/sea-shell/.github/workflows/release.yml@refs/tags/v1";
export const predicate = { publish: "https://docs.pypi.test/attestations/publish/v1", slsa: "https://slsa.dev/provenance/v1" };

export interface Wanted {
  identity?: string;
  predicateType?: string;
  statement?: Record<string, unknown>;
}

/** One that holds: by a job of the made-up authority. */
export function attested({ file, sha256 }: Subject, signing: Signing = {}) {
  return inPep740(authority.attest(statementOf(file, { sha256 }), signing));
}

/** One that is signed by the key in it, which nobody vouches for. */
export function attestation({ file, sha256 }: Subject, wanted: Wanted = {}) {
  const { identity = github, predicateType = predicate.slsa, statement = {} } = wanted;
  const said = Buffer.from(
    JSON.stringify({
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ name: file, digest: { sha256 } }],
      predicateType,
      predicate: null,
      ...statement,
    }),
  );
  const type = "application/vnd.in-toto+json";
  const signed = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${said.length} `), said]);
  return {
    version: 1,
    verification_material: {
      certificate: certificate(identity).toString("base64"),
      transparency_entries: [{ logIndex: "1" }],
    },
    envelope: {
      statement: said.toString("base64"),
      signature: sign("sha256", signed, privateKey).toString("base64"),
    },
  };
}

/** A Sigstore bundle as PEP 740 writes it. */
export function inPep740(bundle: {
  verificationMaterial: { certificate: { rawBytes: string }; tlogEntries: unknown[] };
  dsseEnvelope: { payload: string; signatures: { sig: string }[] };
}) {
  const { verificationMaterial, dsseEnvelope } = bundle;
  return {
    version: 1,
    verification_material: {
      certificate: verificationMaterial.certificate.rawBytes,
      transparency_entries: verificationMaterial.tlogEntries,
    },
    envelope: { statement: dsseEnvelope.payload, signature: dsseEnvelope.signatures[0]!.sig },
  };
}
