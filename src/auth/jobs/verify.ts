// A CI job's identity token, proven: who signed it, for whom, when. RFC 7519, RFC 8725.
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import { Problem } from "../../core/problem.ts";
import type { IssuerKeys } from "./keys.ts";

/** What a job's issuer says of it. Its signature and its times were checked, its audience was not. */
export interface JobIdentity {
  issuer: string;
  /** The one audience that it is for. */
  audience: string;
  claims: Readonly<Record<string, unknown>>;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  /** The same for the same token, whatever its text. */
  id: string;
}

export const TOKEN_LIMIT = 16 * 1024;
const ALGORITHMS = ["RS256", "ES256"];
const LEEWAY_S = 60;

/** `keysOf`: null for an issuer that is not configured: nothing is asked of an address that a stranger names. */
export async function verifyJobToken(
  token: string,
  keysOf: (issuer: string) => IssuerKeys | null,
  now: number,
): Promise<JobIdentity> {
  const issuer = issuerIn(token);
  const keys = keysOf(issuer);
  if (!keys) throw refusal(`no trusted publisher has the issuer ${issuer.slice(0, 200)}`, "issuer");
  let payload: JWTPayload;
  try {
    const verified = await jwtVerify(
      token,
      ({ kid, alg }) => keys.find(typeof kid === "string" ? kid : undefined, alg!),
      {
        issuer,
        algorithms: ALGORITHMS,
        clockTolerance: LEEWAY_S,
        currentDate: new Date(now),
        requiredClaims: ["iss", "aud", "exp", "iat"],
      },
    );
    payload = verified.payload;
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw refusal(
      reasonOf(error),
      error instanceof errors.JWTExpired ? "expired" : "invalid-token",
    );
  }
  const { iat, exp, jti } = payload;
  if (iat! > now / 1000 + LEEWAY_S) throw refusal("it is from the future", "invalid-token");
  return {
    issuer,
    audience: audienceIn(payload),
    claims: payload,
    expiresAt: exp! * 1000,
    // Without a name of its own it is known by what was signed: the signature itself can be written in two ways.
    id: typeof jti === "string" && jti ? jti : token.slice(0, token.lastIndexOf(".")),
  };
}

function issuerIn(token: string): string {
  if (token.length > TOKEN_LIMIT) throw refusal("it is longer than any is", "invalid-token");
  try {
    const { alg } = decodeProtectedHeader(token);
    if (!ALGORITHMS.includes(String(alg)))
      throw refusal(
        `it is signed by ${String(alg).slice(0, 20)}: only ${ALGORITHMS.join(" and ")} count`,
        "invalid-token",
      );
    const { iss } = decodeJwt(token);
    if (typeof iss === "string") return iss;
  } catch (error) {
    if (error instanceof Problem) throw error;
  }
  throw refusal("it is no signed token that names its issuer", "invalid-token");
}

/** A token for several could be used by each of them at all the others. */
function audienceIn({ aud }: JWTPayload): string {
  const all = Array.isArray(aud) ? aud : [aud];
  if (all.length !== 1 || typeof all[0] !== "string")
    throw refusal("it is not for exactly one audience", "audience");
  return all[0];
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "it has expired";
  if (error instanceof errors.JWSSignatureVerificationFailed) return "its signature is wrong";
  if (error instanceof errors.JWTClaimValidationFailed)
    return `its claim ${error.claim} is not as it must be`;
  return "it is not a token as RFC 7519 has it";
}

function refusal(why: string, rule: string): Problem {
  return new Problem("unauthenticated", `The identity token is refused: ${why}`, { rule });
}
