// Keys that count, and that nobody should sign with any more: what operators are told of. RFC 9580 §5.5.2
import { createHash } from "node:crypto";
import type { OptionFile } from "../../core/format.ts";
import { Problem } from "../../core/problem.ts";
import { keyringPackets, PUBLIC_KEY, PUBLIC_SUBKEY } from "./keyring.ts";

const RSA = [1, 3];
const DSA = 17;
/** What apt 2.7.13 and newer warn of, and Debian 13 refuses of DSA. */
const SHORT_RSA = 2048;
/** Version 4: the version, four bytes of time, the algorithm; then the numbers, each with its length in bits before it. */
const NUMBERS_AT = 6;

/** One sentence for each weak key; none for a keyring that cannot be read, which is told when it is used. */
export function weakKeyWarnings(files: readonly OptionFile[]): string[] {
  return files.flatMap(({ path, bytes }) => {
    const weak = weakKeys(bytes);
    return [...weak].map(
      ([id, what]) =>
        `trusts the weak key ${id} of ${path} (${what}), which newer clients refuse: ask who signs with it for another`,
    );
  });
}

/** By key id, what is weak about it. */
export function weakKeys(keyring: Uint8Array): Map<string, string> {
  const weak = new Map<string, string>();
  try {
    for (const { tag, body } of keyringPackets(keyring)) {
      if ((tag !== PUBLIC_KEY && tag !== PUBLIC_SUBKEY) || body[0] !== 4) continue;
      const what = weakness(body);
      if (what) weak.set(keyId(body), what);
    }
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
  return weak;
}

function weakness(body: Uint8Array): string | null {
  const algorithm = body[NUMBERS_AT - 1]!;
  const bits = ((body[NUMBERS_AT] ?? 0) << 8) | (body[NUMBERS_AT + 1] ?? 0);
  if (algorithm === DSA) return `DSA, ${bits} bits`;
  return RSA.includes(algorithm) && bits < SHORT_RSA ? `RSA, ${bits} bits` : null;
}

/** The end of the fingerprint. RFC 9580 §5.5.4.2 */
function keyId(body: Uint8Array): string {
  const head = Buffer.from([0x99, body.length >> 8, body.length & 255]);
  return createHash("sha1").update(head).update(body).digest("hex").slice(-16).toUpperCase();
}
