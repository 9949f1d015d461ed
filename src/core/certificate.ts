// What a server shows of itself over TLS: a certificate with its chain, and the key to it.
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

/** PEM. */
export interface KeyPair {
  /** The server's own certificate first, then those between it and an authority. */
  certificate: string;
  key: string;
}

export interface CertificateFacts {
  /** Milliseconds since the epoch. */
  endsAt: number;
  /** What it is for: "packages.example.com, *.example.com". */
  names: string;
}

/** Why a pair is of no use. `why` is the end of a sentence that begins with the file's name. */
export interface KeyPairFault {
  of: keyof KeyPair;
  why: string;
}

/** What is to be known of a pair, or why it cannot be used. */
export function examine(pair: KeyPair): CertificateFacts | KeyPairFault {
  let certificate: X509Certificate;
  let key: KeyObject;
  try {
    certificate = new X509Certificate(pair.certificate);
  } catch {
    return { of: "certificate", why: "holds no PEM certificate" };
  }
  try {
    key = createPrivateKey(pair.key);
  } catch (error) {
    const isLocked = (error as { code?: string }).code === "ERR_MISSING_PASSPHRASE";
    return { of: "key", why: isLocked ? "is locked with a passphrase" : "holds no PEM key" };
  }
  if (!certificate.checkPrivateKey(key))
    return { of: "key", why: "holds the key of another certificate" };
  const names = (certificate.subjectAltName ?? "").replaceAll(/(DNS|IP Address):/g, "");
  return { endsAt: Date.parse(certificate.validTo), names: names || certificate.subject };
}

const DAY_MS = 86_400_000;
const SOON_MS = 30 * DAY_MS;

/** What is to be said of a certificate that ends within 30 days, or has ended; null for one that does not. */
export function endOf({ endsAt }: Pick<CertificateFacts, "endsAt">, now: number): string | null {
  const left = endsAt - now;
  if (left > SOON_MS) return null;
  const day = new Date(endsAt).toISOString().slice(0, 10);
  if (left <= 0) return `the certificate has ended on ${day}: clients refuse it`;
  const days = Math.floor(left / DAY_MS);
  return `the certificate ends on ${day}, in ${days} day${days === 1 ? "" : "s"}`;
}
