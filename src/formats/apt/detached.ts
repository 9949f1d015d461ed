// Signatures of releases: checked when a release is taken in, and Release.gpg as it is served. apt-secure(8)
import { createHash } from "node:crypto";
import type { Source } from "../../core/document.ts";
import { memo } from "../../core/memo.ts";
import { Problem } from "../../core/problem.ts";
import type { Answer } from "../../core/question.ts";
import type { ReleaseKind } from "./documents.ts";
import type { AptRepository } from "./memory.ts";
import type { AptOptions } from "./options.ts";
import { encodePath, inFolder } from "./routes.ts";
import type { VerifyTaskOptions } from "./tasks.ts";

const LIMIT = 2 ** 20;
const RELEASE_LIMIT = 32 * 2 ** 20;

const keysOf = memo(({ keyring }: AptOptions) =>
  keyring?.map(({ bytes }) => Buffer.from(bytes).toString("base64")),
);

/** Throws a Problem unless one of the keyring's keys signed what was fetched. Without a keyring everything passes. */
export async function checkSignature(
  repository: AptRepository,
  kind: ReleaseKind,
  suite: string,
  source: Source,
): Promise<void> {
  if (!keysOf(repository.options)) return;
  const document = await bytesOf(source);
  if (kind === "inrelease") return verify(repository, "clear", suite, document, null);
  const signature = await askSignature(repository, suite);
  if (!signature)
    throw new Problem("tampered", `The upstream has no signature (Release.gpg) of ${suite}`, {
      event: "unsigned",
    });
  try {
    await verify(repository, "detached", suite, document, signature);
  } catch (error) {
    if (!(error instanceof Problem) || error.kind !== "tampered") throw error;
    if (!(await hasMoved(repository, suite, document))) throw error;
    throw new Problem("malformed", `The upstream published ${suite} anew while it was read`);
  }
  const id = createHash("sha256").update(document).digest("hex");
  await repository.keep(signatureKey(id), signature);
}

/** Whether the upstream has another Release by now, signed as it should be: then the signature that does not fit was that one's. */
async function hasMoved(
  repository: AptRepository,
  suite: string,
  document: Uint8Array,
): Promise<boolean> {
  const path = encodePath(inFolder(suite, "Release"));
  const { status, bytes } = await repository.ask({ path, package: suite, limit: RELEASE_LIMIT });
  if (status !== 200 || Buffer.compare(bytes, document) === 0) return false;
  try {
    const signature = await askSignature(repository, suite);
    if (!signature) return false;
    await verify(repository, "detached", suite, bytes, signature);
    return true;
  } catch (error) {
    if (error instanceof Problem) return false;
    throw error;
  }
}

/**
 * The detached signature of a release's text, fetched once for each release; null when the upstream has none that belongs to it. Throws a Problem when
 * it cannot be asked.
 */
export async function signatureOf(
  repository: AptRepository,
  suite: string,
  id: string,
  text: () => Promise<Uint8Array>,
): Promise<Uint8Array | null> {
  const kept = await repository.kept(signatureKey(id));
  if (kept?.bytes.length) return kept.bytes;
  const signature = await askSignature(repository, suite);
  if (!signature) return null;
  if (keysOf(repository.options)) {
    try {
      await verify(repository, "detached", suite, await text(), signature);
    } catch (error) {
      // Of a newer release than ours, most likely. It is checked when that one comes.
      if (error instanceof Problem && (error.kind === "tampered" || error.kind === "malformed"))
        return null;
      throw error;
    }
  }
  await repository.keep(signatureKey(id), signature);
  return signature;
}

function signatureKey(id: string): string {
  return `signature/${id}`;
}

async function bytesOf(source: Source): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of source.chunks()) parts.push(part);
  return Buffer.concat(parts);
}

async function verify(
  repository: AptRepository,
  kind: VerifyTaskOptions["kind"],
  suite: string,
  document: Uint8Array,
  signature: Uint8Array | null,
): Promise<void> {
  const options: VerifyTaskOptions = {
    kind,
    document: Buffer.from(document).toString("base64"),
    ...(signature && { signature: Buffer.from(signature).toString("base64") }),
    keys: keysOf(repository.options) ?? [],
    at: repository.now(),
    what: inFolder(suite, kind === "clear" ? "InRelease" : "Release"),
  };
  try {
    await repository.work("verify", options, []);
  } catch (error) {
    if (!(error instanceof Problem) || error.kind !== "tampered") throw error;
    throw new Problem("tampered", error.message, { event: "unsigned", cause: error });
  }
}

async function askSignature(repository: AptRepository, suite: string): Promise<Uint8Array | null> {
  const path = encodePath(inFolder(suite, "Release.gpg"));
  const answer = await repository.ask({ path, package: suite, limit: LIMIT });
  return bytesIn(answer, path);
}

/** The bytes of an answer; null for "not here". Any other status says nothing about that and is thrown. */
function bytesIn({ status, bytes, upstream }: Answer, path: string): Uint8Array | null {
  if (status === 200 && bytes.length) return bytes;
  if (status === 200 || status === 404 || status === 410) return null;
  if ([401, 403, 451].includes(status))
    throw new Problem("refused", `Blocked by the upstream ${upstream}: it answered ${status}`);
  throw new Problem("unreachable", `${upstream} answered ${status} for ${path}`);
}
