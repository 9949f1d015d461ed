// Where a bucket is, and what a failure to ask it means: in words, and never that something is not there.
import type { BucketKey, KeySource } from "../core/bucket-key.ts";
import { Problem } from "../core/problem.ts";

/** With its key, which is empty where it comes from a role. */
export interface BucketPlace extends BucketKey {
  /** Origin and path of the service, without a trailing slash. */
  endpoint: string;
  region: string;
  bucket: string;
  /** What all names begin with; may be empty. */
  prefix: string;
  /** Where another key is had; null where there is none but that. */
  keySource: KeySource | null;
  /** Whether the bucket is a part of the path, and not of the host's name. */
  isPathStyle: boolean;
  /** PEM of the authority; null for the system's own. */
  ca: string | null;
}

/** For people. */
export function nameOf({ bucket, prefix }: Pick<BucketPlace, "bucket" | "prefix">): string {
  return `the bucket s3://${bucket}${prefix === "" ? "" : `/${prefix}`}`;
}

/** The URL of an object; `path` has nothing in it that needs an escape. Of the bucket itself where `path` is empty. */
export function urlOf({ endpoint, bucket, prefix, isPathStyle }: BucketPlace, path: string): URL {
  const base = new URL(endpoint);
  if (!isPathStyle) base.hostname = `${bucket}.${base.hostname}`;
  const parts = [base.pathname, isPathStyle ? bucket : "", ...(path === "" ? [] : [prefix, path])];
  base.pathname = parts.flatMap((part) => part.split("/").filter((name) => name !== "")).join("/");
  if (path === "" && !base.pathname.endsWith("/")) base.pathname += "/";
  return base;
}

/** What it said, as far as it is looked at. */
export interface Said {
  status: number;
  /** The word for it in S3's answers; may be empty. */
  code: string;
  /** What it says of it to people; may be empty. */
  message: string;
  /** The region that it wants to be asked in, where it says so. */
  region: string | null;
  /** Its clock, by the answer's head; null where it does not tell. */
  at: number | null;
}

/** It cannot be reached, or fell silent. Clients come again by themselves. */
export function awayProblem(
  place: Pick<BucketPlace, "bucket" | "prefix">,
  why: string,
  cause?: unknown,
): Problem {
  return new Problem("busy", capital(`${nameOf(place)} ${why}`), { cause });
}

const FULL = ["QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "StorageFull"];
const KEYS: readonly string[] = [
  "InvalidAccessKeyId",
  "SignatureDoesNotMatch",
  "InvalidAccessKey",
  "XAdminUserNotFound", // versitygw
];
const REGIONS = [
  "AuthorizationHeaderMalformed",
  "PermanentRedirect",
  "IllegalLocationConstraintException",
];
/** Of a key that holds for a time: it has ended, or goes with another token. */
const TOKENS: readonly string[] = [
  "ExpiredToken",
  "InvalidToken",
  "TokenRefreshRequired",
  "InvalidTokenId", // MinIO
];

/** Another key may be let in. */
export function isKeyRefused(code: string): boolean {
  return KEYS.includes(code) || TOKENS.includes(code);
}

/** Off by more than this, requests are refused. */
const SKEW_MS = 15 * 60 * 1000;
/** Of what it says to people: it is somebody else's text. */
const WORDS = 200;

/**
 * What an answer that is neither a yes nor a no is told as. Clients are told of it, so the key that was asked with, and what the service says to people, which names
 * accounts and policies, are the cause.
 */
export function saidProblem(place: BucketPlace, said: Said): Problem {
  const { status, code, at, region } = said;
  const name = nameOf(place);
  const word = code === "" ? `${status}` : code;
  if (status === 507 || FULL.includes(code))
    return new Problem("full", capital(`${name} is full (${word})`));
  const away = (why: string, ...behind: string[]) =>
    awayProblem(place, `${why} (${word})`, causeOf(behind));
  const key = `access key ${place.accessKey}`;
  const words = wordsOf(said);
  const skew = at === null ? 0 : Date.now() - at;
  if (code === "RequestTimeTooSkewed" || (status === 403 && Math.abs(skew) > SKEW_MS))
    return away(
      `refuses this machine's clock, which is ${Math.round(Math.abs(skew) / 60_000)} minutes ${skew < 0 ? "behind" : "ahead"}`,
    );
  if (code === "NoSuchBucket")
    return away(`is not there: ${place.endpoint} knows none of that name`);
  if (region !== null && region !== place.region)
    return away(`is in the region ${region}, and is asked in ${place.region}`);
  if (KEYS.includes(code)) return away("does not take the access key with its secret", key, words);
  if (TOKENS.includes(code))
    return away(
      place.sessionToken === null
        ? "wants a session token with the access key"
        : "does not take the session token of the access key",
      key,
      words,
    );
  if (REGIONS.includes(code) || (status >= 300 && status < 400))
    return away(`is asked in the wrong place: ${place.endpoint}, region ${place.region}`, words);
  if (status === 403) return away("denies the access key this", key, words);
  if (status === 501) return away("does not know how to do that", words);
  return away("cannot do that now", words);
}

function causeOf(behind: readonly string[]): Error | undefined {
  const told = behind.filter((text) => text !== "");
  return told.length === 0 ? undefined : new Error(told.join("; "));
}

function wordsOf({ message }: Said): string {
  return message
    .replace(/[\u0000-\u001f\u007f\s]+/g, " ")
    .trim()
    .slice(0, WORDS);
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}
