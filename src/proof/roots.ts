// The trust roots that bundles are held against: the one that ships, of the public Sigstore instance, or one that the configuration names.
import { Problem } from "../core/problem.ts";
import { type NamedKey, openTrustRoot, type TrustRoot } from "./sigstore.ts";

/** A few repositories have one of their own, at most. */
const ROOTS_IN_MEMORY = 8;
const open = new Map<string, Promise<TrustRoot>>();

/**
 * By the text of a `trusted_root.json`; null for the one that ships (roots/, written by scripts/trust-root.ts). Throws Problem("malformed") for what
 * is none.
 */
export function trustRoot(text: string | null): Promise<TrustRoot> {
  const key = text === null ? "" : `its own ${text}`;
  let root = open.get(key);
  if (!root) {
    root = read(text);
    if (open.size >= ROOTS_IN_MEMORY) open.clear();
    open.set(key, root);
    root.catch(() => open.delete(key));
  }
  return root;
}

async function read(text: string | null): Promise<TrustRoot> {
  const keys = await registryKeys("npm:attestations");
  const shipped = () => import("./roots/sigstore.json", { with: { type: "json" } });
  try {
    return await openTrustRoot(text === null ? (await shipped()).default : JSON.parse(text), keys);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Problem("malformed", `The trust root cannot be used: ${why}`, { cause: error });
  }
}

/** Keys of registries that the root which ships vouches for, by what they are used for. */
export async function registryKeys(
  usage: "npm:attestations" | "npm:signatures",
): Promise<NamedKey[]> {
  const shipped = await import("./roots/registry-keys.json", { with: { type: "json" } });
  return shipped.default.keys
    .filter(({ keyUsage }) => keyUsage === usage)
    .map(({ keyId, publicKey }) => {
      const { start, end }: { start?: string; end?: string } = publicKey.validFor;
      return { keyId, key: publicKey.rawBytes, from: start ?? null, until: end ?? null };
    });
}
