// Expected hashes, in the Subresource Integrity form: "sha512-<base64> sha1-<base64>". https://www.w3.org/TR/SRI/

/** One or more `algorithm-base64` tokens with a space between; at most one token of each algorithm. */
export type Integrity = string;

// Weakest first. What a format computes itself (`Format.digests`) is stronger than all of them: it is the word of who vouches for it.
const STRENGTH = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"];

const TOKEN = /^([a-z0-9]+)-([A-Za-z0-9+/]+={0,2})(\?.*)?$/;

/** The tokens of an integrity by algorithm: standard ones, and those in `own`. Unknown algorithms and malformed tokens are left out. */
export function parseIntegrity(
  integrity: Integrity,
  own: readonly string[] = [],
): Map<string, string> {
  const tokens = new Map<string, string>();
  for (const token of integrity.split(/\s+/)) {
    const match = TOKEN.exec(token);
    if (!match) continue;
    const [, algorithm, base64] = match as unknown as [string, string, string];
    const isKnown = STRENGTH.includes(algorithm) || own.includes(algorithm);
    if (isKnown && !tokens.has(algorithm)) tokens.set(algorithm, base64);
  }
  return tokens;
}

/** The canonical text: a format's own algorithms, then the standard ones, strongest first. Empty when there is none. */
export function formatIntegrity(tokens: Map<string, string>): Integrity {
  return [...tokens]
    .sort(([a], [b]) => strengthOf(b) - strengthOf(a))
    .map(([algorithm, base64]) => `${algorithm}-${base64}`)
    .join(" ");
}

function strengthOf(algorithm: string): number {
  const at = STRENGTH.indexOf(algorithm);
  return at < 0 ? STRENGTH.length : at;
}

/** The strongest standard token, or null. */
export function strongest(
  integrity: Integrity,
): { algorithm: string; base64: string; token: string } | null {
  const first = formatIntegrity(parseIntegrity(integrity)).split(" ")[0];
  const match = first && TOKEN.exec(first);
  return match ? { algorithm: match[1]!, base64: match[2]!, token: first } : null;
}

/** `same`: no shared algorithm differs and at least one agrees. `unknown`: nothing to compare. */
export function compareIntegrity(
  a: Integrity | null,
  b: Integrity | null,
): "same" | "different" | "unknown" {
  if (a === b && a) return "same";
  if (!a || !b) return "unknown";
  const left = parseIntegrity(a);
  let agreed = false;
  for (const [algorithm, base64] of parseIntegrity(b)) {
    const other = left.get(algorithm);
    if (other === undefined) continue;
    if (other !== base64) return "different";
    agreed = true;
  }
  return agreed ? "same" : "unknown";
}

/** The tokens of both, those of `first` winning: how a pin gains a stronger hash without ever changing one. */
export function mergeIntegrity(
  first: Integrity,
  later: Integrity,
  own: readonly string[] = [],
): Integrity {
  return formatIntegrity(new Map([...parseIntegrity(later, own), ...parseIntegrity(first, own)]));
}

/** An SRI token from a hexadecimal digest; null when it is not hexadecimal of even length. */
export function integrityFromHex(algorithm: string, hex: string): Integrity | null {
  if (!/^([0-9a-fA-F]{2})+$/.test(hex)) return null;
  return `${algorithm}-${Buffer.from(hex, "hex").toString("base64")}`;
}

/** The hexadecimal digest of one algorithm in an integrity, or null. */
export function integrityToHex(integrity: Integrity, algorithm: string): string | null {
  const base64 = parseIntegrity(integrity).get(algorithm);
  return base64 ? Buffer.from(base64, "base64").toString("hex") : null;
}
