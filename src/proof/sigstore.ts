// Sigstore bundles: signed statements about files, held against a trust root without asking anybody. Pure. The library is loaded when the first
// bundle comes: it is done in a worker's thread, and a server that never meets one does not have it in memory.
import type { Signer } from "@sigstore/verify";
import type { Builder } from "../core/provenance.ts";

/** A public key that may have signed bundles, by the name that they call it. */
export interface NamedKey {
  keyId: string;
  /** Base64 of the SPKI form. */
  key: string;
  /** ISO 8601; null: without a bound. */
  from: string | null;
  until: string | null;
}

/** What a bundle says, once it was verified. */
export interface Verified {
  /** The bytes of the in-toto statement. */
  statement: Uint8Array;
  /** Null: it was signed with one of the named keys. */
  builder: Builder | null;
}

/** A bundle is not verified. The message says why, for people. */
export class NotVerified extends Error {
  override name = "NotVerified";
  /** It speaks of something else, or was altered: nobody whom this root does not know could make it true. */
  readonly isFalse: boolean;

  constructor(
    message: string,
    { isFalse = false, cause }: { isFalse?: boolean; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.isFalse = isFalse;
  }
}

export interface TrustRoot {
  /** Whether a bundle is signed with a key, by its name alone, and not one of those that this root has: nothing can be said of it. */
  isByStranger(bundle: unknown): boolean;
  /** Throws NotVerified. */
  verify(bundle: unknown): Verified;
}

/** in-toto, in a DSSE envelope. */
const PAYLOAD_TYPE = "application/vnd.in-toto+json";

/**
 * A trust root, from the JSON of a `trusted_root.json`. Each bundle must have one entry in a log that it names, and each certificate one in a log of
 * certificates. Throws a RangeError for what is no trust root.
 */
export async function openTrustRoot(
  json: unknown,
  keys: readonly NamedKey[] = [],
): Promise<TrustRoot> {
  const [{ bundleFromJSON, isBundleWithDsseEnvelope }, { TrustedRoot }, verify] = await Promise.all(
    [import("@sigstore/bundle"), import("@sigstore/protobuf-specs"), import("@sigstore/verify")],
  );
  let verifier: InstanceType<typeof verify.Verifier>;
  try {
    const root = TrustedRoot.fromJSON(json);
    const certificates = root.certificateAuthorities.flatMap(
      ({ certChain }) => certChain?.certificates ?? [],
    );
    if (certificates.length + root.tlogs.length === 0)
      throw new RangeError("it names neither an authority nor a log");
    verifier = new verify.Verifier(verify.toTrustMaterial(root, finderOf(keys)));
  } catch (error) {
    throw new RangeError(`This is no trust root of Sigstore: ${wordsOf(error)}`);
  }
  const known = new Set(keys.map(({ keyId }) => keyId));
  return {
    isByStranger(json) {
      const { verificationMaterial } = (json ?? {}) as { verificationMaterial?: unknown };
      const { publicKey } = (verificationMaterial ?? {}) as { publicKey?: { hint?: unknown } };
      const hint = publicKey?.hint;
      return typeof hint === "string" && !known.has(hint);
    },
    verify(json) {
      try {
        const bundle = bundleFromJSON(json);
        if (!isBundleWithDsseEnvelope(bundle))
          throw new NotVerified("it is no statement, but a bare signature");
        const { payload, payloadType } = bundle.content.dsseEnvelope;
        if (payloadType !== PAYLOAD_TYPE)
          throw new NotVerified(`it holds ${payloadType.slice(0, 100)}, and no statement`);
        const { identity } = verifier.verify(verify.toSignedEntity(bundle));
        return { statement: payload, builder: identity ? builderOf(identity) : null };
      } catch (error) {
        if (error instanceof NotVerified) throw error;
        const { code } = (error ?? {}) as { code?: string };
        const isFalse = code === "SIGNATURE_ERROR" || code === "TLOG_BODY_ERROR";
        throw new NotVerified(wordsOf(error), { cause: error, isFalse });
      }
    },
  };
}

function finderOf(keys: readonly NamedKey[]) {
  return Object.fromEntries(
    keys.map(({ keyId, key, from, until }) => [
      keyId,
      {
        rawBytes: Buffer.from(key, "base64"),
        keyDetails: 5, // PKIX_ECDSA_P256_SHA_256
        validFor: {
          start: from === null ? undefined : new Date(from),
          end: until === null ? undefined : new Date(until),
        },
      },
    ]),
  );
}

/** What the library says, and its codes, in words. It was given text from anywhere. */
function wordsOf(error: unknown): string {
  const { message = "", code = "" } = (error ?? {}) as { message?: string; code?: string };
  return (WORDS[code] ? `${WORDS[code]} (${message})` : message).slice(0, 300);
}

const WORDS: Readonly<Record<string, string>> = {
  CERTIFICATE_ERROR: "its certificate was not given out by an authority of the trust root",
  PUBLIC_KEY_ERROR: "it is signed with a key that the trust root does not have",
  SIGNATURE_ERROR: "its signature is false",
  TIMESTAMP_ERROR: "when it was signed cannot be told",
  TLOG_BODY_ERROR: "the log's entry is about something else",
  TLOG_INCLUSION_PROOF_ERROR: "it does not stand in a log of the trust root",
  TLOG_INCLUSION_PROMISE_ERROR: "it does not stand in a log of the trust root",
  TLOG_MISSING_INCLUSION_ERROR: "it does not stand in a log of the trust root",
};

/** Sigstore's extensions of a certificate. fulcio/docs/oid-info.md: the later ones are DER, the first ones plain text. */
function builderOf(identity: NonNullable<Signer["identity"]>): Builder {
  const { subjectAlternativeName: subject, extensions, oids = [] } = identity;
  const { issuer } = extensions ?? {};
  if (!subject || !issuer)
    throw new NotVerified("its certificate does not say whom it was given to");
  const texts = new Map(
    oids.flatMap(({ oid, value }) => {
      const id = oid?.id.join(".") ?? "";
      return id.startsWith(FULCIO) ? [[Number(id.slice(FULCIO.length)), value] as const] : [];
    }),
  );
  const der = (number: number) => derText(texts.get(number));
  const plain = (number: number) => texts.get(number)?.toString("utf8") ?? null;
  const named = plain(5);
  const server = /^https:\/\/[^/]+\//.exec(subject)?.[0];
  const repository = der(12) ?? (named && server ? `${server}${named}` : null);
  const workflow = der(18) ?? subject;
  return {
    issuer,
    subject,
    repository,
    workflow: repository === null ? null : workflowOf(workflow, repository),
    ref: der(14) ?? plain(6),
    commit: der(13) ?? plain(3),
  };
}

const FULCIO = "1.3.6.1.4.1.57264.1.";

/** `https://github.com/acme/ui/.github/workflows/release.yml@refs/…` → `.github/workflows/release.yml`; GitLab has two slashes. */
function workflowOf(address: string, repository: string): string | null {
  const path = address.startsWith(`${repository}/`) ? address.slice(repository.length) : address;
  return path.replace(/@.*$/s, "").replace(/^\/+/, "") || null;
}

/** A UTF8String in DER, shorter than 64 KiB. */
function derText(value: Buffer | undefined): string | null {
  if (value?.[0] !== 0x0c) return null;
  const first = value[1] ?? 0;
  const skip = first < 0x80 ? 2 : 2 + (first & 0x7f);
  return value.subarray(skip).toString("utf8");
}
