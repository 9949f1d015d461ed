// The keys of one issuer, as its discovery document leads to them. OpenID Connect Discovery 1.0 §4, RFC 7517.
import { type CryptoKey, importJWK, type JWK } from "jose";
import type { IssuerFetch } from "../../core/identity.ts";
import { cannotAsk, Problem } from "../../core/problem.ts";

export interface IssuerKeys {
  /** Throws Problem("unauthenticated") for a key that the issuer does not have, and where it cannot be asked, or shows what is no key, what `cannotAsk` knows. */
  find(kid: string | undefined, algorithm: string): Promise<CryptoKey>;
}

/** Asked again after this, so that a key which was taken back stops counting. */
const FRESH_MS = 60 * 60_000;
/** An issuer that is away for longer vouches for nothing. */
const USABLE_MS = 24 * 60 * 60_000;
/** Unknown keys make it ask again no more often than this: anybody can send a token that names one. */
const PAUSE_MS = 60_000;
const MOST_KEYS = 100;

interface KeySet {
  keys: readonly JWK[];
  at: number;
}

/** Where keys are kept for a server that starts while their issuer is away. */
export interface KeyMemory {
  read(): Promise<Uint8Array | null>;
  write(bytes: Uint8Array): Promise<void>;
}

export function issuerKeys(
  issuer: string,
  fetch: IssuerFetch,
  memory: KeyMemory,
  now: () => number,
): IssuerKeys {
  let known: KeySet | null = null;
  let asked = Number.NEGATIVE_INFINITY;
  let asking: Promise<KeySet> | null = null;
  /** Why the issuer could not be asked the last time; null where it answered. */
  let failure: unknown = null;
  const imported = new WeakMap<JWK, Promise<CryptoKey | Uint8Array>>();

  async function load(): Promise<KeySet> {
    asked = now();
    const uri = await keysUri(issuer, fetch);
    const { keys } = await json(fetch, uri);
    if (!Array.isArray(keys)) throw new Problem("malformed", `${uri} is no set of keys`);
    const usable = keys.slice(0, MOST_KEYS).filter(isSigning);
    known = { keys: usable, at: now() };
    failure = null;
    // For later: what cannot be written now is no reason to refuse anybody.
    await memory.write(Buffer.from(JSON.stringify(known))).catch(() => {});
    return known;
  }

  /** What was kept counts for as long as it would have without a restart, and only where the issuer cannot be asked. */
  async function recall(): Promise<KeySet | null> {
    const stored = readKeys(await memory.read());
    return stored && stored.at <= now() && now() - stored.at < USABLE_MS ? stored : null;
  }

  /** One question for all who wait. */
  function ask(): Promise<KeySet> {
    asking ??= load()
      .catch((error) => {
        failure = error;
        throw error;
      })
      .finally(() => {
        asking = null;
      });
    return asking;
  }

  async function current(): Promise<KeySet> {
    const age = known ? now() - known.at : Number.POSITIVE_INFINITY;
    if (known && age < FRESH_MS) return known;
    // While it is away it is not asked by every token that comes.
    if (known && age < USABLE_MS && now() - asked < PAUSE_MS) return known;
    try {
      return await ask();
    } catch (error) {
      if (!cannotAsk(error)) throw error;
      known ??= await recall();
      if (!known || now() - known.at >= USABLE_MS) throw error;
      return known;
    }
  }

  async function imports(jwk: JWK, algorithm: string): Promise<CryptoKey | Uint8Array> {
    try {
      return await importJWK(jwk, algorithm);
    } catch (error) {
      const { kid = "without a name" } = jwk;
      throw new Problem("malformed", `${issuer} shows a key that is none: ${kid}`, {
        cause: error,
      });
    }
  }

  return {
    async find(kid, algorithm) {
      let set = await current();
      let jwk = choose(set, kid, algorithm);
      if (!jwk && (asking || now() - asked >= PAUSE_MS)) {
        set = await ask();
        jwk = choose(set, kid, algorithm);
      }
      // It may have the key by now, and could not say so.
      if (!jwk && failure) throw failure;
      if (!jwk && set.keys.length === 0)
        throw new Problem("malformed", `${issuer} shows no keys that sign`);
      if (!jwk)
        throw new Problem(
          "unauthenticated",
          `The identity token is signed with a key that ${issuer} does not have`,
          { rule: "unknown-key" },
        );
      let key = imported.get(jwk);
      if (!key) {
        key = imports(jwk, algorithm);
        imported.set(jwk, key);
      }
      return (await key) as CryptoKey;
    },
  };
}

function readKeys(bytes: Uint8Array | null): KeySet | null {
  if (!bytes) return null;
  try {
    const { keys, at } = JSON.parse(Buffer.from(bytes).toString()) as Partial<KeySet>;
    return Array.isArray(keys) && typeof at === "number"
      ? { keys: keys.filter(isSigning), at }
      : null;
  } catch {
    return null; // another version's
  }
}

/** Keys that say for what they are must say so; without a name in the token there must be no choice. */
function choose({ keys }: KeySet, kid: string | undefined, algorithm: string): JWK | null {
  const type = algorithm === "RS256" ? "RSA" : "EC";
  const fitting = keys.filter(
    (key) =>
      key.kty === type &&
      (key.alg === undefined || key.alg === algorithm) &&
      (type === "RSA" || key.crv === "P-256"),
  );
  if (kid === undefined) return fitting.length === 1 ? fitting[0]! : null;
  return fitting.find((key) => key.kid === kid) ?? null;
}

function isSigning(key: unknown): key is JWK {
  if (typeof key !== "object" || key === null) return false;
  const { kty, use, key_ops } = key as JWK;
  return (
    (kty === "RSA" || kty === "EC") &&
    (use === undefined || use === "sig") &&
    (key_ops === undefined || (Array.isArray(key_ops) && key_ops.includes("verify")))
  );
}

/** On the issuer's own host: whoever may write its discovery document must not be able to name another's keys. */
async function keysUri(issuer: string, fetch: IssuerFetch): Promise<string> {
  const at = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const { issuer: said, jwks_uri: uri } = await json(fetch, at);
  if (said !== issuer) throw new Problem("malformed", `${at} is of another issuer than ${issuer}`);
  const url = typeof uri === "string" ? URL.parse(uri) : null;
  if (!url || url.origin !== new URL(issuer).origin)
    throw new Problem("malformed", `${at} names no keys on the issuer's own host`);
  return url.href;
}

async function json(fetch: IssuerFetch, url: string): Promise<Record<string, unknown>> {
  const response = await fetch(url, { headers: { accept: "application/json" } });
  if (response.status !== 200) throw new Problem("malformed", `${url} answered ${response.status}`);
  const value: unknown = await response.json().catch(() => null);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Problem("malformed", `${url} is no JSON object`);
  return value as Record<string, unknown>;
}
