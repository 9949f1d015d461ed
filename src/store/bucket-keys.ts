// The key that a bucket is asked with: read again when its files change, or had anew from AWS before the one that is there ends.
import { readFile } from "node:fs/promises";
import type { BucketKey, KeySource } from "../core/bucket-key.ts";
import { wordsFor } from "../core/connection.ts";
import { awayProblem, type BucketPlace } from "./bucket-place.ts";
import { tagOf } from "./bucket-xml.ts";

export interface BucketKeys {
  /** Throws Problem("busy") where none can be had. */
  current(): Promise<BucketKey>;
  /** Where `key` was refused: whether there is another one by now. */
  isOther(key: BucketKey): Promise<boolean>;
}

/** How long what was read of files is believed. */
const READ_MS = 10_000;
/** A key is had anew so long before it ends: a URL that is signed with it holds as long as both. */
const AHEAD_MS = 20 * 60_000;
/** And not more often than this. */
const AGAIN_MS = 60_000;
/** Of an answer. */
const LIMIT = 64 * 1024;

interface Had {
  key: BucketKey;
  /** When it is to be had anew, and when it is of no use any more. */
  renewAt: number;
  endsAt: number;
}

/** `silenceMs`: for each question to AWS. */
export function createKeys(
  place: Pick<
    BucketPlace,
    "endpoint" | "bucket" | "prefix" | "accessKey" | "secretKey" | "sessionToken" | "keySource"
  >,
  silenceMs: number,
  now: () => number = Date.now,
): BucketKeys {
  const { keySource } = place;
  // Of the place as it is: a server may take another key in.
  const givenKey = (): BucketKey => {
    const { accessKey, secretKey, sessionToken } = place;
    return { accessKey, secretKey, sessionToken };
  };
  if (keySource === null) return { current: async () => givenKey(), isOther: async () => false };
  const given = givenKey();

  let had: Had | null =
    keySource.from === "files" ? { key: given, renewAt: now() + READ_MS, endsAt: Infinity } : null;
  let asking: Promise<BucketKey> | null = null;

  async function renew(): Promise<BucketKey> {
    const before = had;
    try {
      had =
        keySource!.from === "files"
          ? await readKey(keySource!, before?.key ?? given, now())
          : await askKey(keySource!, silenceMs, now());
      return had.key;
    } catch (error) {
      if (before) before.renewAt = now() + AGAIN_MS;
      if (before && before.endsAt > now()) return before.key;
      throw awayProblem(place, `has no key: ${reasonOf(error)}`, error);
    }
  }

  /** One at a time, for all who ask. */
  function anew(): Promise<BucketKey> {
    asking ??= renew().finally(() => {
      asking = null;
    });
    return asking;
  }

  return {
    async current() {
      if (had && had.renewAt > now()) return had.key;
      // There is one that holds: nobody waits for the next.
      const isGood = had !== null && had.endsAt - AGAIN_MS > now() && had.endsAt !== Infinity;
      const next = anew();
      if (!isGood) return next;
      next.catch(() => {}); // told to who needs it
      return had!.key;
    },
    async isOther(key) {
      // Of several that were refused at once, the first has it had anew.
      if (had?.key !== key) return true;
      return (await anew().catch(() => key)) !== key;
    },
  };
}

/** What cannot be read is as it was: it may be about to be replaced. */
async function readKey(
  files: KeySource & { from: "files" },
  before: BucketKey,
  at: number,
): Promise<Had> {
  const read = async <T>(file: string | null, old: T) =>
    file === null ? old : (await readFile(file, "utf8").catch(() => "")).trim() || old;
  const [accessKey, secretKey, sessionToken] = await Promise.all([
    read(files.accessKey, before.accessKey),
    read(files.secretKey, before.secretKey),
    read(files.sessionToken, before.sessionToken),
  ]);
  const isSame =
    accessKey === before.accessKey &&
    secretKey === before.secretKey &&
    sessionToken === before.sessionToken;
  const key = isSame ? before : { accessKey, secretKey, sessionToken };
  return { key, renewAt: at + READ_MS, endsAt: Infinity };
}

type Role = Exclude<KeySource, { from: "files" }>;

async function askKey(source: Role, silenceMs: number, at: number): Promise<Had> {
  const ask = async (url: string, init: RequestInit = {}) => {
    const response = await fetch(url, {
      ...init,
      redirect: "manual",
      ...(source.from !== "web-identity" && { proxy: false }), // of the machine itself: it goes through nobody, whatever the environment says
      signal: AbortSignal.timeout(silenceMs),
    });
    const text = await textOf(response);
    if (response.status === 200) return text;
    const said = tagOf(text, "Message") ?? tagOf(text, "Code") ?? "";
    throw new Error(`${new URL(url).host} answers ${response.status}${said && `: ${said}`}`);
  };
  if (source.from === "web-identity")
    return ofStatement(await ask(source.url, await proven(source)), at);
  if (source.from === "container")
    return ofRecord(await ask(source.url, await allowed(source)), at);
  const url = `${source.url}/latest`;
  const token = await ask(`${url}/api/token`, {
    method: "PUT",
    headers: { "x-aws-ec2-metadata-token-ttl-seconds": "300" },
  });
  const headers = { "x-aws-ec2-metadata-token": token };
  const roles = `${url}/meta-data/iam/security-credentials/`;
  const [role = ""] = (await ask(roles, { headers })).trim().split("\n");
  if (role === "") throw new Error("this machine has no role");
  return ofRecord(await ask(`${roles}${encodeURIComponent(role)}`, { headers }), at);
}

async function textOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > LIMIT) throw new Error(`${new URL(response.url).host} answers with more than a key`);
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString();
}

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html */
async function proven(source: Role & { from: "web-identity" }): Promise<RequestInit> {
  const token = (await readFile(source.tokenFile, "utf8")).trim();
  const body = new URLSearchParams({
    Action: "AssumeRoleWithWebIdentity",
    Version: "2011-06-15",
    RoleArn: source.role,
    RoleSessionName: source.session,
    WebIdentityToken: token,
  });
  return { method: "POST", body };
}

async function allowed({ tokenFile, token }: Role & { from: "container" }): Promise<RequestInit> {
  const authorization = tokenFile === null ? token : (await readFile(tokenFile, "utf8")).trim();
  return authorization === null ? {} : { headers: { authorization } };
}

function ofStatement(xml: string, at: number): Had {
  const said = (name: string) => tagOf(xml, name) ?? "";
  return hadOf(
    said("AccessKeyId"),
    said("SecretAccessKey"),
    said("SessionToken"),
    said("Expiration"),
    at,
  );
}

function ofRecord(text: string, at: number): Had {
  const said = JSON.parse(text) as Record<string, unknown>;
  const word = (name: string) => (typeof said[name] === "string" ? said[name] : "");
  return hadOf(word("AccessKeyId"), word("SecretAccessKey"), word("Token"), word("Expiration"), at);
}

function hadOf(
  accessKey: string,
  secretKey: string,
  sessionToken: string,
  expiration: string,
  at: number,
): Had {
  const endsAt = Date.parse(expiration);
  if (accessKey === "" || secretKey === "" || sessionToken === "" || Number.isNaN(endsAt))
    throw new Error("what was answered is no key with an end");
  return {
    key: { accessKey, secretKey, sessionToken },
    ...{ endsAt, renewAt: Math.max(at + AGAIN_MS, endsAt - AHEAD_MS) },
  };
}

function reasonOf(error: unknown): string {
  const { code, message, path, syscall } = error as NodeJS.ErrnoException;
  if (error instanceof SyntaxError) return "what was answered is no JSON";
  if (typeof code !== "string") return message;
  return syscall === undefined ? wordsFor(error) : `${path} cannot be read (${code})`;
}
