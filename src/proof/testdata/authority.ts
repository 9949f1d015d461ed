// A made-up Sigstore for tests: an authority that gives certificates to CI jobs, a log of certificates, and a log of what they sign.
import { createHash, generateKeyPairSync, sign } from "node:crypto";

const keyPair = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
type Pair = ReturnType<typeof keyPair>;
const spki = ({ publicKey }: Pair) => publicKey.export({ type: "spki", format: "der" });
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
const signed = (bytes: Uint8Array, { privateKey }: Pair) => sign("sha256", bytes, privateKey);

/** One value in DER. X.690 */
function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const long = length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...(length < 128 ? [length] : long)]), content]);
}
const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts);
const text = (tag: number, value: string) => der(tag, Buffer.from(value));
const bits = (value: Uint8Array) => der(0x03, Buffer.of(0), value);

function oid(dotted: string): Buffer {
  const [a = 0, b = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [40 * a + b];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let left = part >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return der(0x06, Buffer.from(bytes));
}

const extension = (id: string, value: Uint8Array, isCritical = false) =>
  sequence(oid(id), ...(isCritical ? [der(0x01, Buffer.of(0xff))] : []), der(0x04, value));
const nameOf = (common: string) => sequence(der(0x31, sequence(oid("2.5.4.3"), text(0x0c, common))));
const timeOf = (at: Date) => text(0x17, `${at.toISOString().slice(2, 19).replaceAll(/[-:T]/g, "")}Z`);
const ECDSA_WITH_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));
const FULCIO = "1.3.6.1.4.1.57264.1.";

function uint(value: number | bigint, bytes: number): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigUInt64BE(BigInt(value));
  return out.subarray(8 - bytes);
}

/** Who a certificate is given to. */
export interface Job {
  /** https://github.com/reef/shell */
  repository?: string;
  workflow?: string;
  ref?: string;
  commit?: string;
  issuer?: string;
}

export interface Signing extends Job {
  /** When it stands in the log. */
  at?: Date;
  /** When its certificate ends; ten minutes later unless told. */
  until?: Date;
}

/** One that nobody trusts, but who is given its root. */
export function createAuthority(name = "reef.test") {
  const ca = keyPair();
  const ctLog = keyPair();
  const log = keyPair();
  const logId = sha256(spki(log));
  const began = new Date("2020-01-01T00:00:00Z");
  const ends = new Date("2049-01-01T00:00:00Z");

  function body(subject: Buffer, key: Uint8Array, from: Date, to: Date, extensions: Uint8Array[]) {
    return sequence(
      der(0xa0, der(0x02, Buffer.of(2))),
      der(0x02, Buffer.of(1)),
      ECDSA_WITH_SHA256,
      nameOf(name),
      sequence(timeOf(from), timeOf(to)),
      subject,
      key,
      der(0xa3, sequence(...extensions)),
    );
  }
  const certificateOf = (tbs: Buffer) => sequence(tbs, ECDSA_WITH_SHA256, bits(signed(tbs, ca)));
  const root = certificateOf(
    body(nameOf(name), spki(ca), began, ends, [
      extension("2.5.29.15", der(0x03, Buffer.of(1, 0x06)), true), // signs certificates
      extension("2.5.29.19", sequence(der(0x01, Buffer.of(0xff))), true), // is an authority
    ]),
  );

  function certificate(key: Pair, job: Signing, at: Date): Buffer {
    const {
      repository = "https://github.com/reef/shell",
      workflow = ".github/workflows/release.yml",
      ref = "refs/tags/v1.0.0",
      commit = "c0ffee".repeat(6) + "c0ff",
      issuer = "https://token.actions.githubusercontent.com",
    } = job;
    const subject = `${repository}/${workflow}@${ref}`;
    const own: [number, string][] = [[8, issuer], [12, repository], [13, commit], [14, ref], [18, subject]];
    const extensions = [
      extension("2.5.29.15", der(0x03, Buffer.of(7, 0x80)), true),
      extension("2.5.29.37", sequence(oid("1.3.6.1.5.5.7.3.3"))),
      extension("2.5.29.17", sequence(text(0x86, subject)), true),
      ...own.map(([number, value]) => extension(FULCIO + number, text(0x0c, value))),
    ];
    const until = job.until ?? new Date(at.getTime() + 600_000);
    const make = (all: Uint8Array[]) => body(sequence(), spki(key), new Date(at.getTime() - 60_000), until, all);
    // RFC 6962 §3.2: what stands in the log is the certificate without that it does.
    const before = make(extensions);
    const time = uint(at.getTime(), 8);
    const entry = [Buffer.of(0, 0), time, uint(1, 2), sha256(spki(ca)), uint(before.length, 3), before, uint(0, 2)];
    const signature = signed(Buffer.concat(entry), ctLog);
    const sct = Buffer.concat([Buffer.of(0), sha256(spki(ctLog)), time, uint(0, 2), Buffer.of(4, 3), uint(signature.length, 2), signature]);
    const list = Buffer.concat([uint(sct.length + 2, 2), uint(sct.length, 2), sct]);
    return certificateOf(make([...extensions, extension("1.3.6.1.4.1.11129.2.4.2", der(0x04, list))]));
  }

  /** The log's entry of a signature, the only one in it. */
  function entryOf(payload: Uint8Array, signature: Buffer, verifier: Uint8Array, at: Date) {
    const canonicalizedBody = Buffer.from(
      JSON.stringify({
        apiVersion: "0.0.1",
        kind: "dsse",
        spec: {
          payloadHash: { algorithm: "sha256", value: sha256(payload).toString("hex") },
          signatures: [{ signature: signature.toString("base64"), verifier: Buffer.from(verifier).toString("base64") }],
        },
      }),
    );
    const integratedTime = Math.floor(at.getTime() / 1000);
    const promised = JSON.stringify({
      body: canonicalizedBody.toString("base64"),
      integratedTime,
      logID: logId.toString("hex"),
      logIndex: 0,
    });
    const rootHash = sha256(Buffer.concat([Buffer.of(0), canonicalizedBody])).toString("base64");
    const note = `log.${name} - 1\n1\n${rootHash}\n`;
    const seal = Buffer.concat([logId.subarray(0, 4), signed(Buffer.from(note), log)]);
    return {
      logIndex: "0",
      logId: { keyId: logId.toString("base64") },
      kindVersion: { kind: "dsse", version: "0.0.1" },
      integratedTime: String(integratedTime),
      inclusionPromise: { signedEntryTimestamp: signed(Buffer.from(promised), log).toString("base64") },
      inclusionProof: {
        logIndex: "0",
        rootHash,
        treeSize: "1",
        hashes: [],
        checkpoint: { envelope: `${note}\n\u2014 log.${name} ${seal.toString("base64")}\n` },
      },
      canonicalizedBody: canonicalizedBody.toString("base64"),
    };
  }

  const TYPE = "application/vnd.in-toto+json";
  function sealed(statement: unknown, key: Pair) {
    const payload = Buffer.from(JSON.stringify(statement));
    const head = Buffer.from(`DSSEv1 ${TYPE.length} ${TYPE} ${payload.length} `);
    return { payload, signature: signed(Buffer.concat([head, payload]), key) };
  }

  return {
    /** As in a `trusted_root.json`. */
    trustRoot: {
      mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
      tlogs: [logOf(`https://log.${name}`, log)],
      certificateAuthorities: [
        {
          subject: { organization: name, commonName: name },
          uri: `https://ca.${name}`,
          certChain: { certificates: [{ rawBytes: root.toString("base64") }] },
          validFor: { start: began.toISOString() },
        },
      ],
      ctlogs: [logOf(`https://ct.${name}`, ctLog)],
      timestampAuthorities: [],
    },
    /** A bundle of a statement that a job signed. */
    attest(statement: unknown, signing: Signing = {}) {
      const { at = new Date("2026-05-01T12:00:00Z") } = signing;
      const key = keyPair();
      const { payload, signature } = sealed(statement, key);
      const given = certificate(key, signing, at);
      const rawBytes = given.toString("base64");
      const pem = `-----BEGIN CERTIFICATE-----\n${rawBytes}\n-----END CERTIFICATE-----\n`;
      return {
        mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
        verificationMaterial: {
          certificate: { rawBytes },
          tlogEntries: [entryOf(payload, signature, Buffer.from(pem), at)],
          timestampVerificationData: { rfc3161Timestamps: [] },
        },
        dsseEnvelope: {
          payload: payload.toString("base64"),
          payloadType: TYPE,
          signatures: [{ sig: signature.toString("base64"), keyid: "" }],
        },
      };
    },
  };

  function logOf(baseUrl: string, key: Pair) {
    const rawBytes = spki(key);
    return {
      baseUrl,
      hashAlgorithm: "SHA2_256",
      publicKey: {
        rawBytes: rawBytes.toString("base64"),
        keyDetails: "PKIX_ECDSA_P256_SHA_256",
        validFor: { start: began.toISOString() },
      },
      logId: { keyId: sha256(rawBytes).toString("base64") },
    };
  }
}

/** in-toto: that something is said of one file. */
export function statementOf(subject: string, digest: Record<string, string>, predicateType = "https://slsa.dev/provenance/v1") {
  return { _type: "https://in-toto.io/Statement/v1", subject: [{ name: subject, digest }], predicateType, predicate: {} };
}

/** The same bundle with something else in it. */
export function altered<Bundle>(bundle: Bundle, change: (copy: Bundle) => void): Bundle {
  const copy = structuredClone(bundle);
  change(copy);
  return copy;
}
