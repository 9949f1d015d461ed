// A route to its answer, through the cache.

import { memo } from "../../core/memo.ts";
import { Problem } from "../../core/problem.ts";
import { type CacheStatus, type Reply, reply } from "../../core/reply.ts";
import type { Request } from "../../core/request.ts";
import { armouredKeys } from "./armour.ts";
import { signatureOf } from "./detached.ts";
import { AS_IT_IS, releaseRef, TEXT } from "./documents.ts";
import { tellExpiry } from "./expiry.ts";
import { currentRelease } from "./generations.ts";
import { givenTo, noteGiven } from "./given.ts";
import { suiteName } from "./hosted/suite-state.ts";
import { imageFor, imageWithHash } from "./images.ts";
import type { Index } from "./index-artifact.ts";
import {
  asName,
  indexAt,
  indexByHash,
  rememberedRelease,
  serveByHash,
  serveByName,
  unnamedIndex,
} from "./indices.ts";
import { entriesOf, serveListing } from "./listing.ts";
import { serveLoose } from "./loose.ts";
import type { AptRepository } from "./memory.ts";
import type { AptOptions } from "./options.ts";
import { poolArtifactAt } from "./pool.ts";
import { refusePrivate } from "./private-names.ts";
import { type AptRoute, inFolder, likelySuite, toldPath } from "./routes.ts";
import { type Earlier, heldBack } from "./young.ts";

const RELEASE_HEADERS = {
  "content-type": "text/plain; charset=utf-8",
  // Caches between us and the client must ask, or they would mix generations.
  "cache-control": "no-cache",
};

/** So often a release is read again that another one took the place of meanwhile. */
const TURNS = 5;

type Route<Kind extends AptRoute["kind"]> = Extract<AptRoute, { kind: Kind }>;

export function serve(
  route: Exclude<AptRoute, { kind: "upload" }>,
  request: Request,
  repository: AptRepository,
): Promise<Reply> {
  try {
    refusePrivate(repository, route);
  } catch (error) {
    return Promise.reject(error);
  }
  switch (route.kind) {
    case "inrelease":
      return serveRelease(route.suite, "inrelease", request, repository);
    case "release":
      return serveReleaseOrIndex(route, request, repository);
    case "signature":
      return serveSignature(route.suite, request, repository);
    case "hash":
      return serveHash(route, request, repository);
    case "pool":
      return servePool(route, request, repository).catch((error) => tellApt(error, route, request));
    case "file":
      return serveFile(route, request, repository);
    case "folder":
      return serveListing(repository, route.folder, request.base);
    case "key":
      return serveKey(repository);
    case "diff":
      return Promise.reject(
        new Problem(
          "notFound",
          "Patches of indices are not served: apt takes the whole index, which is always complete",
        ),
      );
  }
}

/** InRelease, or the text of the release in service, whichever file it came in. Notes which generation the client has from then on. */
async function serveRelease(
  suite: string,
  wanted: "inrelease" | "release",
  request: Request,
  repository: AptRepository,
): Promise<Reply> {
  await repository.suites?.refresh(suiteName(suite));
  for (let turn = 1; ; turn++) {
    const current = await currentRelease(repository, suite);
    const earlier = await heldBack(repository, suite, current);
    if (earlier) return serveEarlier(suite, wanted, earlier, request, repository, current.cache);
    if (wanted === "inrelease" && current.kind === "release")
      throw new Problem(
        "notFound",
        `The upstream has no InRelease of ${suite}, but a Release with a Release.gpg`,
      );
    const variant = wanted === current.kind ? AS_IT_IS : TEXT;
    const ref = releaseRef(current.kind, suite);
    const found = await repository.view(ref, { variant, base: "" }, RELEASE_HEADERS);
    // Another release may have come into service between the two.
    const after = await currentRelease(repository, suite, "stored");
    const isSame = after.kind === current.kind && after.generation.id === current.generation.id;
    if (!isSame && turn < TURNS) continue;
    await noteGiven(repository, request.client, suite, current.generation.id);
    tellExpiry(repository, suite, current.generation);
    const { cache } = current;
    // Of what is published here each request sees to it that the release is of what there is now.
    if (cache.hit && !cache.detail && !repository.suites) return found;
    return { ...found, cache, isShared: false };
  }
}

/** A release of before, while a rule holds the one in service. Without a date: who has a newer one must not be told that it is still that one. */
async function serveEarlier(
  suite: string,
  wanted: "inrelease" | "release",
  { generation, inRelease, text }: Earlier,
  request: Request,
  repository: AptRepository,
  cache: CacheStatus,
): Promise<Reply> {
  const body = wanted === "release" ? text : inRelease;
  if (body === null)
    throw new Problem(
      "notFound",
      `The upstream has no InRelease of ${suite}, but a Release with a Release.gpg`,
    );
  await noteGiven(repository, request.client, suite, generation.id);
  tellExpiry(repository, suite, generation);
  const { "content-type": type, ...headers } = RELEASE_HEADERS;
  return { ...reply(200, type, body, headers), etag: `${generation.id}-${wanted}`, cache };
}

/** The folder of an index may hold a small Release too, which the suite's own one names. */
async function serveReleaseOrIndex(
  { suite }: Route<"release">,
  request: Request,
  repository: AptRepository,
): Promise<Reply> {
  const path = inFolder(suite, "Release");
  const isOne = likelySuite(path) === suite;
  const index = await indexAt(repository, path, request.client, !isOne).catch(ignoreProblem);
  if (index) return serveByName(index, request, repository);
  return serveRelease(suite, "release", request, repository);
}

function ignoreProblem(error: unknown): null {
  if (error instanceof Problem) return null;
  throw error;
}

async function serveSignature(
  suite: string,
  request: Request,
  repository: AptRepository,
): Promise<Reply> {
  const current = await currentRelease(repository, suite);
  const seen = await givenTo(repository, request.client, suite);
  const given = seen === null ? null : await rememberedRelease(repository, suite, seen);
  const shown = (await heldBack(repository, suite, current))?.generation ?? current.generation;
  const { id } = given ?? shown;
  if (repository.suites)
    return signatureReply(await repository.suites.sign(suiteName(suite), id), id);
  const text = async () =>
    (await repository.read(releaseRef(current.kind, suite), { variant: TEXT, base: "" })).bytes;
  const signature = await signatureOf(repository, suite, id, text);
  if (!signature)
    throw new Problem(
      "notFound",
      `The upstream has no Release.gpg of the release of ${suite} that is in service`,
    );
  return signatureReply(signature, id);
}

function signatureReply(signature: Uint8Array | string, id: string): Reply {
  return {
    ...reply(200, "application/pgp-signature", signature, { "cache-control": "no-cache" }),
    etag: `${id}-gpg`,
  };
}

async function serveHash(
  route: Route<"hash">,
  request: Request,
  repository: AptRepository,
): Promise<Reply> {
  let index: Index;
  try {
    index = await indexByHash(repository, route);
  } catch (error) {
    const image = await imageWithHash(repository, route);
    if (!image) throw error;
    return repository.artifact(image, request);
  }
  return serveByHash(index, request, repository);
}

async function servePool(
  route: Route<"pool" | "file">,
  request: Request,
  repository: AptRepository,
): Promise<Reply> {
  return repository.artifact(await poolArtifactAt(repository, route), request);
}

/**
 * apt prints the status and the URL of what it could not fetch, and no more, but of the URL that it was sent to at last: so it is sent to one that says why
 * the file is refused. Others get the refusal at once.
 */
function tellApt(
  error: unknown,
  { isTold }: Route<"pool">,
  { base, path, header }: Request,
): Reply {
  const isRefusal = error instanceof Problem && error.kind === "blocked" && error.rule !== null;
  if (!isRefusal || isTold || !/\bAPT\b/.test(header("user-agent") ?? "")) throw error;
  const location = `${base}${toldPath(path, error.message)}`;
  return reply(302, "text/plain; charset=utf-8", `holdfast: ${error.message}\n`, {
    location,
    "cache-control": "no-cache",
  });
}

/** An index, an image of the installer, a pool file of an unusual name, or a folder without the slash at its end. */
async function serveFile(
  route: Route<"file">,
  request: Request,
  repository: AptRepository,
): Promise<Reply> {
  let index: Index | null = null;
  let reason: Problem | null = null;
  try {
    index = await indexAt(repository, route.path, request.client, true);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    reason = error;
  }
  if (index) return serveByName(index, request, repository);
  const found = reason ? null : await imageFor(repository, route.path, request.client);
  if (found?.image) return asName(await repository.artifact(found.image, request));
  const loose = await serveLoose(route.path, repository, reason === null);
  if (loose) return loose;
  const unnamed = await unnamedIndex(repository, route.path);
  if (unnamed) throw unnamed;
  try {
    return await servePool(route, request, repository);
  } catch (error) {
    if (!(error instanceof Problem) || error.kind !== "notFound") throw error;
    if (reason) throw reason;
    if ((await entriesOf(repository, route.path)).length === 0) throw found?.reason ?? error;
    const location = `${request.base}${request.path}/`;
    return reply(301, "text/plain; charset=utf-8", `${location}\n`, { location });
  }
}

const keyReply = memo(({ keyring = [] }: AptOptions): Reply => keysReply(armouredKeys(keyring)));

function keysReply(armoured: string): Reply {
  return reply(200, "application/pgp-keys", armoured, {
    "cache-control": "no-cache",
    "content-disposition": "attachment",
  });
}

async function serveKey({ name, options, suites }: AptRepository): Promise<Reply> {
  if (suites) return keysReply((await suites.signing.keys()).armoured);
  if (options.keyring) return keyReply(options);
  throw new Problem(
    "notFound",
    `The repository ${name} has no keyring: nobody's signature is checked (unverified: true)`,
  );
}
