// Whether a release file was signed by a key of the keyring: what apt asks of gpgv. RFC 9580 §5.2, apt-secure(8)
import type { Config, Key, LiteralDataPacket, SignaturePacket } from "openpgp";
import { Problem } from "../../core/problem.ts";
import { dearmour, latin1, signaturePackets, splitClearSigned } from "./clear-signed.ts";
import { readKeyring } from "./keyring.ts";

export type Keys = Uint8Array | readonly Uint8Array[];

export interface VerifyOptions {
  /** Of the clock, in milliseconds: keys and signatures that are expired then do not count. The present unless told. */
  at?: number;
  /** What is signed, for the sentence: "dists/bookworm/InRelease". */
  what?: string;
}

/** One good signature. */
export interface Signer {
  /** Fingerprint of the primary key, hexadecimal, upper case. */
  key: string;
  /** Key id of the key that signed: the primary key or one of its subkeys. */
  keyId: string;
  /** When it says that it was made. Milliseconds since the epoch. */
  at: number;
}

/** The text of a clear-signed file, ending in a line end. Says nothing about who signed it. Throws Problems as verifying does. */
export function signedText(inRelease: string): string {
  return `${splitClearSigned(inRelease).text}\n`;
}

/**
 * Who signed a clear-signed file: one signature by a known key at least, and none of a known key that is wrong. Throws
 * Problem("tampered") with the event "unsigned" that says why not, Problem("malformed") for what is no signed file.
 */
export async function verifyClearSigned(
  file: Uint8Array,
  keys: Keys,
  options: VerifyOptions = {},
): Promise<{ text: string; signers: Signer[] }> {
  const { text, signature } = splitClearSigned(latin1(file));
  const content = Buffer.from(text, "latin1");
  const signers = await verify(content, dearmour(signature, "SIGNATURE"), keys, options);
  return { text: `${content.toString("utf8")}\n`, signers };
}

/** The same for a file whose signature stands beside it, armoured or binary. */
export async function verifyDetached(
  file: Uint8Array,
  signature: Uint8Array,
  keys: Keys,
  options: VerifyOptions = {},
): Promise<{ signers: Signer[] }> {
  return { signers: await verify(file, signaturePackets(signature), keys, options) };
}

/** `bad`: a known key did not sign these bytes. `worthless`: it did, but that counts for nothing. */
type Verdict =
  | { kind: "good"; signer: Signer }
  | { kind: "unknown"; keyId: string }
  | { kind: "bad" | "worthless"; keyId: string; reason: string };

async function verify(
  content: Uint8Array,
  packets: Uint8Array,
  keys: Keys,
  { at = Date.now(), what = "The release file" }: VerifyOptions,
): Promise<Signer[]> {
  const openpgp = await import("openpgp");
  const known = await readKeyring(keys instanceof Uint8Array ? [keys] : keys);
  const signatures = await readSignatures(packets, what);
  const message = await openpgp.createMessage({ binary: content });
  const data = message.packets[0] as LiteralDataPacket;
  const verdicts: Verdict[] = [];
  for (const signature of signatures) verdicts.push(await judge(signature, data, known, at));
  const signers = verdicts.flatMap((verdict) => (verdict.kind === "good" ? [verdict.signer] : []));
  // As in apt: a wrong signature spoils the right ones.
  if (!signers.length || verdicts.some(({ kind }) => kind === "bad"))
    throw refusal(what, verdicts, known);
  return signers;
}

/** Archives have three or four. Each is checked over all the bytes, which anybody who stands in between could make last for minutes. */
const SIGNATURES = 32;
const SIGNATURES_LIMIT = 512 * 1024;

async function readSignatures(packets: Uint8Array, what: string): Promise<SignaturePacket[]> {
  const openpgp = await import("openpgp");
  if (packets.length > SIGNATURES_LIMIT) throw tooMany(what);
  let signatures: SignaturePacket[];
  try {
    const { packets: list } = await openpgp.readSignature({ binarySignature: packets });
    signatures = list.filter((packet) => packet instanceof openpgp.SignaturePacket);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Problem("malformed", `The signature of ${what} cannot be read: ${reason}`);
  }
  if (!signatures.length)
    throw new Problem("malformed", `The signature of ${what} is of a kind that cannot be read`);
  if (signatures.length > SIGNATURES) throw tooMany(what);
  return signatures;
}

function tooMany(what: string): Problem {
  return new Problem("malformed", `${what} has more signatures than anybody makes`);
}

async function judge(
  signature: SignaturePacket,
  data: LiteralDataPacket,
  known: Key[],
  at: number,
): Promise<Verdict> {
  const id = signature.issuerKeyID;
  const keyId = id.toHex().toUpperCase();
  let last: Verdict = { kind: "unknown", keyId };
  // A key may be there twice, as it was and with a later end.
  for (const key of known) {
    for (const signing of key.getKeys(id)) {
      const verdict = await judgeBy(signature, data, key, signing.keyPacket, at);
      if (verdict === null)
        return {
          kind: "good",
          signer: {
            key: key.getFingerprint().toUpperCase(),
            keyId,
            at: signature.created?.getTime() ?? 0,
          },
        };
      last = { ...verdict, keyId };
    }
  }
  return last;
}

/** What the library says of signatures that are genuine but do not count; whatever else it says means that one is not. */
const GENUINE = /expired|in the future|insecure|critical|authorized key/i;

/**
 * Who listed a key trusts it, as the gpgv of Debian 12 does: DSA and short RSA count (weak-keys.ts warns of them). What was signed over MD5 or SHA-1
 * does not, as in apt: others than its owner can make that.
 */
async function rules(): Promise<Config> {
  const { config } = await import("openpgp");
  const none = new Set<never>();
  return { ...config, minRSABits: 1023, rejectPublicKeyAlgorithms: none, rejectCurves: none };
}

/** Null when it is good. */
async function judgeBy(
  signature: SignaturePacket,
  data: LiteralDataPacket,
  key: Key,
  signing: Parameters<SignaturePacket["verify"]>[0],
  at: number,
): Promise<{ kind: "bad" | "worthless"; reason: string } | null> {
  const { enums } = await import("openpgp");
  const type = signature.signatureType;
  // Others are over keys and names, and must not be taken for one over a document.
  if (type !== enums.signature.binary && type !== enums.signature.text)
    return { kind: "bad", reason: "is not over a document" };
  // As apt does (gpgv --ignore-time-conflict): a clock that is behind refuses nothing.
  const date = new Date(Math.max(at, signature.created?.getTime() ?? 0));
  try {
    await signature.verify(signing, type, data, date, true, await rules());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const kind = GENUINE.test(reason) ? "worthless" : "bad";
    return { kind, reason: kind === "bad" ? "does not fit the text" : `does not count: ${reason}` };
  }
  try {
    await key.getSigningKey(signature.issuerKeyID, date, undefined, await rules());
    return null;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: "worthless", reason: `is by a key that does not count: ${reason}` };
  }
}

function refusal(what: string, verdicts: Verdict[], known: Key[]): Problem {
  const reasons = verdicts.flatMap((verdict) =>
    "reason" in verdict ? [`the signature by ${verdict.keyId} ${verdict.reason}`] : [],
  );
  const unknown = verdicts.filter(({ kind }) => kind === "unknown").map(idOf);
  const keys = known.map((key) => key.getKeyID().toHex().toUpperCase());
  const sentence = reasons.length
    ? `${what} is not trusted: ${reasons.join("; ")}`
    : `${what} is signed by ${list(unknown)}, and the keyring has only ${list(keys)}`;
  return new Problem("tampered", sentence, {
    event: "unsigned",
    detail: { signatures: verdicts.map(detailOf), keyring: keys },
  });
}

function idOf(verdict: Verdict): string {
  return verdict.kind === "good" ? verdict.signer.keyId : verdict.keyId;
}

function detailOf(verdict: Verdict): Record<string, string> {
  const reason = "reason" in verdict ? { reason: verdict.reason } : {};
  return { keyId: idOf(verdict), verdict: verdict.kind, ...reason };
}

function list(ids: string[]): string {
  const shown = ids.length > 20 ? [...ids.slice(0, 20), `${ids.length - 20} more`] : ids;
  return shown.length > 1 ? `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}` : `${shown[0]}`;
}
