// Publishing an archive, however it came: over HTTP, by a command, through the API.
import type { Given, GivenPublished, Upload } from "../../core/hosting.ts";
import { Problem } from "../../core/problem.ts";
import { purl } from "../../core/purl.ts";
import type { Repository } from "../../core/repository.ts";
import { versionPart } from "./dist.ts";
import { type DistMetadata, distFile, type PackageState, type Source, withHead } from "./hosted.ts";
import { readInside } from "./inside.ts";
import type { Manifest } from "./manifest.ts";
import { isPackageName } from "./names.ts";
import { isBranch, normalizeVersion } from "./normalize.ts";

/** Bytes; a repository may have a smaller limit of its own. */
export const ARCHIVE_LIMIT = 5 * 2 ** 30;

/** What is said of an archive beside what it says itself. */
export interface Said {
  /** In lower case; null where the archive alone says whose it is. */
  name: string | null;
  version: string | null;
  /** Where it was made from. */
  source: Source | null;
}

/** See `Service.publish`. */
export async function publishGiven(
  { package: given, version, files }: Given,
  repository: Repository,
): Promise<GivenPublished[]> {
  const [file, ...more] = files;
  if (!file || more.length > 0)
    throw new Problem("badRequest", "A version of a package is one archive: give one file");
  const name = given === null ? null : nameOf(given);
  await admitName(name, file.size, repository);
  const { hosting } = repository;
  const upload = await hosting.receive(name, file.chunks, ARCHIVE_LIMIT, ["sha1"]);
  return [await publishUpload(upload, { name, version, source: null }, repository)];
}

/** As `Hosting.admit`; what is made from code is published there. */
export async function admitName(
  name: string | null,
  size: number | null,
  { hosting, sources }: Repository,
): Promise<void> {
  await hosting.admit(name, size);
  const source = name === null ? null : sources.for(name);
  if (source)
    throw new Problem(
      "conflict",
      `${name} is made from the code at ${source.url}: a tag there is a version here, and nothing is uploaded`,
      { rule: "sources" },
    );
}

/** In lower case. Throws Problem("badRequest") for what is no name of a package. */
export function nameOf(text: string): string {
  const name = text.toLowerCase();
  if (isPackageName(name)) return name;
  throw new Problem(
    "badRequest",
    `${JSON.stringify(text.slice(0, 200))} is no name of a package: vendor/name, of letters, digits, and single signs between them`,
  );
}

/** Publishes bytes that came, or discards them. Throws a Problem. */
export async function publishUpload(
  upload: Upload,
  said: Said,
  repository: Repository,
): Promise<GivenPublished> {
  try {
    return await publish(upload, said, repository);
  } finally {
    await upload.discard();
  }
}

async function publish(
  upload: Upload,
  said: Said,
  repository: Repository,
): Promise<GivenPublished> {
  const { hosting } = repository;
  const manifest = await inside(upload);
  const name = nameIn(manifest, said);
  // What is only known by now is asked by now.
  if (said.name === null) await admitName(name, null, repository);
  const { version, normalized } = versionIn(manifest, said);
  const sha1 = Buffer.from(upload.digests["sha1"]!, "base64").toString("hex");
  const isMoving = isBranch(normalized);
  const reference = isMoving ? sha1 : null;
  const file = distFile(normalized, reference);
  const metadata: DistMetadata = {
    normalized,
    manifest: manifest.data,
    sha1,
    reference,
    source: said.source,
  };
  const part = versionPart(normalized);
  const { isNew } = await hosting.publish({
    package: name,
    version,
    metadata: {},
    files: [
      {
        file,
        kind: "zip",
        purl: purl("composer", name, version),
        path: `/dists/${name}/${file}`,
        upload,
        metadata,
      },
    ],
    ...(isMoving && { state: (before) => withHead(before, part, file) }),
    detail: { version },
  });
  if (!isMoving || isNew) return { package: name, version, file, isNew };
  return { package: name, version, file, isNew: await goBack(name, version, part, file, hosting) };
}

/** To bytes that the branch was at before: they are here, and it is what it was. False where it is there already. */
async function goBack(
  name: string,
  version: string,
  part: string,
  file: string,
  hosting: Repository["hosting"],
): Promise<boolean> {
  const state = (await hosting.read(name))?.state as PackageState | undefined;
  if (state?.heads?.[part] === file) return false;
  const what = { action: "change", name: "branch", detail: { version, file } } as const;
  await hosting.change(name, what, (now) => ({ state: withHead(now.state, part, file) }));
  return true;
}

async function inside(upload: Upload): Promise<Manifest> {
  const file = await upload.open();
  try {
    return await readInside(file);
  } finally {
    await file.close();
  }
}

function nameIn(manifest: Manifest, said: Said): string {
  if (manifest.name === null)
    throw new Problem(
      "badRequest",
      "The composer.json of the archive has no name: a package needs one",
    );
  if (said.name !== null && said.name !== manifest.name)
    throw new Problem(
      "badRequest",
      `The archive is ${manifest.name} by its composer.json, and not ${said.name}`,
    );
  return manifest.name;
}

/** As it is to be shown, and as Composer knows it. What the archive says of a branch is not asked: branches are named by who publishes them. */
function versionIn(manifest: Manifest, said: Said): { version: string; normalized: string } {
  const version = said.version ?? manifest.version;
  if (version === null)
    throw new Problem(
      "badRequest",
      "No version is told, neither in the request nor in the composer.json of the archive",
    );
  const normalized = readable(version);
  if (manifest.version !== null && !isBranch(normalized)) {
    const own = normalizeVersion(manifest.version);
    if (own !== normalized)
      throw new Problem(
        "badRequest",
        `The composer.json of the archive says version ${JSON.stringify(manifest.version.slice(0, 100))}, and not ${version}: give it that version, or leave it out there`,
      );
  }
  // "master" is the old name of a branch.
  const isOldName = normalized.startsWith("dev-") && !/^dev-/i.test(version.trim());
  return { version: isOldName ? normalized : version.trim(), normalized };
}

/** Throws Problem("badRequest") for what Composer could not read, or nobody could ask for. */
function readable(version: string): string {
  const normalized = normalizeVersion(version);
  if (normalized !== null && !/[,|@#\s]|^dev-$| as /.test(version.trim())) return normalized;
  throw new Problem(
    "badRequest",
    `${JSON.stringify(version.slice(0, 100))} is no version that Composer can read: 1.2.3, 1.2.3-beta1, dev-main and 1.x-dev are`,
  );
}
