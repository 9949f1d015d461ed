// Fetches what a lock file asks for and is not here, as a client would: by the same paths, with the same proofs, and no faster than a few at a time.
import { z } from "zod";
import { serverGrant } from "../auth/gate.ts";
import { type Integrity, parseIntegrity } from "../core/integrity.ts";
import { LOCK_RELEASES, type LockedRelease, type LockFormat } from "../core/lock.ts";
import type { OperationCall } from "../core/operation.ts";
import { Problem } from "../core/problem.ts";
import type { Reply } from "../core/reply.ts";
import type { Request } from "../core/request.ts";
import type { HouseOperations } from "../jobs/house.ts";
import type { Held } from "./mounts.ts";

/** Whose upstreams are asked for more at once has less left for clients. */
const AT_ONCE = 4;
/** Told one by one; more are counted. */
const SAID = 50;

const Releases = z
  .array(
    z.object({
      package: z.string().min(1),
      version: z.string().min(1),
      files: z.array(z.string()),
      sha256: z.array(z.string()),
    }),
  )
  .max(LOCK_RELEASES);

export function readyOperations(held: () => readonly Held[]): HouseOperations {
  return {
    async "ready fetch"(call: OperationCall) {
      const { repository = "", releases = "[]" } = call.values ?? {};
      const one = held().find(({ name }) => name === repository);
      const lock = one?.format.lock;
      if (!one || !lock)
        throw new Problem("notFound", `The repository ${repository} has no lock files`);
      const wanted = Releases.safeParse(parsed(releases));
      if (!wanted.success)
        throw new Problem("badRequest", "What is to be fetched is no list of locked releases");
      const release = one.hold();
      try {
        return await fetchAll(one, lock, wanted.data, call);
      } finally {
        release();
      }
    },
  };
}

async function fetchAll(
  held: Held,
  lock: LockFormat,
  wanted: readonly LockedRelease[],
  { progress, say, signal }: OperationCall,
): Promise<boolean> {
  let done = 0;
  let failures = 0;
  const open = [...wanted];
  const tell = (release: LockedRelease) =>
    progress(done, wanted.length, `${release.package} ${release.version}`);
  async function work(): Promise<void> {
    for (let next = open.shift(); next && !signal.aborted; next = open.shift()) {
      tell(next);
      try {
        await fetchRelease(held, lock, next, signal);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        failures += 1;
        if (failures <= SAID) say(`${next.package} ${next.version}: ${error.message}`);
      }
      done += 1;
      tell(next);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (failures > SAID) say(`and ${failures - SAID} more`);
  const had = done - failures;
  say(
    `Files of ${had} of ${wanted.length} releases are here now${failures > 0 ? `; ${failures} could not be had` : ""}.`,
  );
  return failures === 0 && !signal.aborted;
}

async function fetchRelease(
  held: Held,
  lock: LockFormat,
  release: LockedRelease,
  signal: AbortSignal,
): Promise<void> {
  const document = lock.documentPath(release);
  if (document !== null) await get(held, document);
  const files = release.files.length > 0 ? release.files : await filesOf(held, lock, release);
  for (const file of files) {
    if (signal.aborted) break;
    await get(held, lock.filePath(release, file));
  }
}

/** Those that its document names, and the lock has not refused. */
async function filesOf(
  { repository, format }: Held,
  lock: LockFormat,
  { package: name, version, sha256 }: LockedRelease,
): Promise<readonly string[]> {
  const known = await repository.for(serverGrant).files(name);
  const order = format.compareVersions;
  const fitting = known.filter(
    (one) =>
      (one.version === version || order?.(one.version, version) === 0) &&
      (sha256.length === 0 || sha256.includes(hexOf(one.integrity) ?? one.sha256 ?? "")),
  );
  if (fitting.length === 0)
    throw new Problem(
      "notFound",
      `No file of ${name} ${version} is known that the lock file allows`,
    );
  const names = fitting.map(({ file }) => file);
  const chosen = lock.choose?.(names) ?? names;
  if (chosen.length > 0) return chosen;
  throw new Problem("notFound", `${name} ${version} has no file for Linux: fetch it with a client`);
}

function hexOf(integrity: Integrity | null): string | null {
  const base64 = integrity === null ? undefined : parseIntegrity(integrity).get("sha256");
  return base64 === undefined ? null : Buffer.from(base64, "base64").toString("hex");
}

/** As a client asks for it, with the server's own grant. Throws a Problem where that is answered with a failure. */
export async function get({ format, service, repository }: Held, path: string): Promise<void> {
  const route = format.parse("GET", path);
  if (!route) throw new Problem("notFound", `${path} is no path of ${repository.name}`);
  const reply = await service.serve(route, requestOf(path), repository.for(serverGrant));
  await drain(reply);
  if (reply.status >= 400) throw new Problem("notFound", `${path} is answered ${reply.status}`);
}

/** The last of the bytes come when they are proven. */
async function drain({ body }: Reply): Promise<void> {
  if (body !== null && typeof body === "object" && "chunks" in body)
    for await (const _ of body.chunks);
}

function requestOf(path: string): Request {
  return {
    id: "ready",
    method: "GET",
    path,
    query: "",
    base: "http://localhost",
    client: "ready",
    address: "",
    header: () => null,
    body: async () => new Uint8Array(),
    async *stream() {},
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
