// A module that is published as a zip, without any code host: looked at as the go command will look at it.
// https://go.dev/ref/mod#zip-files
import { checkZip } from "../../archive/check.ts";
import { readDirectory, readEntry, zipLimits } from "../../archive/zip.ts";
import type { RandomAccess } from "../../core/artifact.ts";
import type { Given, GivenPublished, Upload } from "../../core/hosting.ts";
import { Problem } from "../../core/problem.ts";
import type { Repository } from "../../core/repository.ts";
import { legacyMod, MOD_LIMIT, modulePathIn } from "./code/mod-file.ts";
import { checkArchived, ZIP_LIMIT } from "./code/module-files.ts";
import { fileOf, metadataOf, once } from "./code/release.ts";
import { checkMod } from "./gomod.ts";
import { INFO_LIMIT, type RevisionInfo } from "./info.ts";
import { isModulePath, isRelease } from "./names.ts";
import { isPseudo } from "./version.ts";

export async function publishZip(given: Given, repository: Repository): Promise<GivenPublished[]> {
  const { module, version } = releaseOf(given);
  const [zip] = given.files;
  if (!zip || given.files.length > 1)
    throw new Problem("badRequest", "A module is published as one file: its zip");
  const { hosting } = repository;
  await hosting.admit(module, zip.size);
  const uploads: Upload[] = [];
  const receive = async (chunks: AsyncIterable<Uint8Array>, limit: number): Promise<Upload> => {
    const upload = await hosting.receive(module, chunks, limit);
    uploads.push(upload);
    return upload;
  };
  try {
    const upload = await receive(zip.chunks, ZIP_LIMIT);
    const mod = await readModule(upload, module, version);
    const before = (await hosting.read(module))?.releases.find((one) => one.version === version);
    // The time is that of its first publication: the same zip again is the same release.
    const Time = new Date(before?.publishedAt ?? repository.now()).toISOString();
    const info: RevisionInfo = { Version: version, Time: Time.replace(/\.\d+Z$/, "Z") };
    const beside = before
      ? []
      : [
          { kind: "info" as const, bytes: Buffer.from(JSON.stringify(info)), limit: INFO_LIMIT },
          { kind: "mod" as const, bytes: mod, limit: MOD_LIMIT },
        ];
    const files = [{ ...fileOf(module, version, "zip"), upload }];
    for (const { kind, bytes, limit } of beside)
      files.push({ ...fileOf(module, version, kind), upload: await receive(once(bytes), limit) });
    const { isNew } = await hosting.publish({
      package: module,
      version,
      metadata: metadataOf(info),
      files,
    });
    return [{ package: module, version, file: `${version}.zip`, isNew }];
  } finally {
    for (const upload of uploads) await upload.discard();
  }
}

function releaseOf({ package: module, version }: Given): { module: string; version: string } {
  if (module === null || version === null)
    throw new Problem("badRequest", "A zip does not say which module it is: MODULE@VERSION");
  if (!isModulePath(module))
    throw new Problem(
      "badRequest",
      `${module.slice(0, 200)} is no path of a module, like example.com/team/lib`,
    );
  if (!isRelease(module, version))
    throw new Problem(
      "badRequest",
      `${version.slice(0, 100)} is no version of ${module}: v1.2.3, and from v2 on the path ends in /v2`,
    );
  if (isPseudo(version))
    throw new Problem(
      "badRequest",
      `${version} stands for a commit: a zip has a version of its own`,
    );
  return { module, version };
}

/** Its go.mod, or what stands for one. Throws Problem("badRequest") for what no client could use. */
async function readModule(upload: Upload, module: string, version: string): Promise<Uint8Array> {
  const file = await upload.open();
  try {
    return await look(file, module, version);
  } catch (error) {
    if (!(error instanceof Problem) || error.kind !== "malformed") throw error;
    throw new Problem("badRequest", error.message, { cause: error });
  } finally {
    await file.close();
  }
}

async function look(file: RandomAccess, module: string, version: string): Promise<Uint8Array> {
  const top = `${module}@${version}/`;
  const entries = await readDirectory(file, { ...zipLimits, totalSize: ZIP_LIMIT });
  const outside = entries.find(({ name }) => !name.startsWith(top));
  if (outside)
    throw new Problem(
      "malformed",
      `Not a zip of ${module}@${version}: ${outside.name.slice(0, 200)} is not below ${top}`,
    );
  const files = entries.filter(({ name }) => !name.endsWith("/"));
  checkArchived(
    files.map(({ name, size, mode }) => ({
      path: name.slice(top.length),
      size,
      isRegular: mode === 0 || (mode & 0o170000) === 0o100000 || (mode & 0o170000) === 0,
    })),
  );
  await checkZip(file);
  const entry = files.find(({ name }) => name === `${top}go.mod`);
  if (!entry) return Buffer.from(legacyMod(module));
  const chunks: Uint8Array[] = [];
  for await (const chunk of readEntry(file, entry)) chunks.push(chunk);
  const mod = Buffer.concat(chunks);
  checkMod(mod);
  const own = modulePathIn(mod.toString("utf8"));
  if (own !== module)
    throw new Problem("malformed", `Its go.mod is of the module ${own}, and not of ${module}`);
  if (version.endsWith("+incompatible"))
    throw new Problem("malformed", "It has a go.mod, so that its version has no +incompatible");
  return mod;
}
