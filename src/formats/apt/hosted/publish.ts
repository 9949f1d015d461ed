// Publishing packages in a suite, however they came: by a command, through the API, with dput.
import type { Given, GivenPublished, NewFile, Upload } from "../../../core/hosting.ts";
import { Problem } from "../../../core/problem.ts";
import type { AptRepository } from "../memory.ts";
import { folderOf, packageOf } from "../routes.ts";
import { bad, fieldOf, isFileName } from "./control.ts";
import { type Deb, readDeb } from "./deb.ts";
import { DSC_LIMIT, type Dsc, dscFile, readDsc, sourceStanza } from "./dsc.ts";
import {
  type Digests,
  debFile,
  debStanza,
  type FileMetadata,
  poolFolder,
  purlOf,
} from "./place.ts";
import type { Suites } from "./suites.ts";
import { noteLeft } from "./tidy.ts";
import { upstreamPart } from "./version.ts";

/** Bytes; a repository may have a smaller limit of its own. */
export const FILE_LIMIT = 5 * 2 ** 30;
/** Beside SHA-256: what indices give for older clients. */
export const ALGORITHMS = ["md5", "sha1"];

/** A file that came, under the name that it came with. */
export interface Came {
  name: string;
  upload: Upload;
  /** Where it is known of the file itself. */
  component?: string;
}

export interface Target {
  suite: string;
  component: string;
}

/** What is to be published as one file. */
interface Planned {
  version: string;
  path: string;
  upload: Upload;
  metadata: FileMetadata;
  architecture: string;
}

/** See `Service.publish`. */
export async function publishGiven(
  { files, values, package: name, version }: Given,
  repository: AptRepository,
): Promise<GivenPublished[]> {
  const suites = suitesOf(repository);
  const target = targetOf(values, suites, repository.name);
  if (files.length === 0) throw new Problem("badRequest", "No file was given");
  const came: Came[] = [];
  const arrived = suites.coming();
  try {
    for (const file of files) {
      await repository.hosting.admit(null, file.size);
      const upload = await repository.hosting.receive(null, file.chunks, FILE_LIMIT, ALGORITHMS);
      came.push({ name: file.name, upload });
    }
    const said = { package: name, version };
    return await publishFiles(came, target, repository, arrived, said);
  } finally {
    arrived();
    for (const { upload } of came) await upload.discard();
  }
}

/** Throws Problem("methodNotAllowed") for a repository in which nothing is published. */
export function suitesOf({ suites, name }: AptRepository): Suites {
  if (suites) return suites;
  throw new Problem(
    "methodNotAllowed",
    `${name} is what its upstream signs: packages are published in a repository with \`hosted: {suites: […]}\``,
  );
}

/** The suite and component that are told, or the first ones. Throws Problem("badRequest"). */
export function targetOf(
  values: Readonly<Record<string, string>>,
  { options, check }: Suites,
  repository: string,
): Target {
  const suite = values["suite"] ?? options.suites[0]!;
  check(suite);
  const component = values["component"] ?? options.components[0]!;
  if (options.components.includes(component)) return { suite, component };
  throw new Problem(
    "badRequest",
    `${repository} has no component ${JSON.stringify(component.slice(0, 80))}: it has ${options.components.join(", ")}`,
  );
}

/**
 * Publishes files as the caller may. Resolves when they are in a release that clients see, all of them in the same one. Throws a Problem; then none is in
 * the suite. Who sent them discards them. `arrived`: what `Suites.coming` returned when they began to come.
 */
export async function publishFiles(
  came: readonly Came[],
  target: Target,
  repository: AptRepository,
  arrived: () => void,
  said: Pick<Given, "package" | "version"> = { package: null, version: null },
): Promise<GivenPublished[]> {
  const suites = suitesOf(repository);
  const planned = await plan(came, target, repository);
  refuseOthers(planned, said);
  // What cannot be published is found out before anything is.
  for (const name of new Set(planned.map(({ path }) => packageOf(path))))
    await repository.hosting.admit(name, null);
  for (const { path, upload } of planned) await refuseBytes(path, upload, repository);
  const published: GivenPublished[] = [];
  for (const one of planned) published.push(await publishOne(one, target, repository));
  const listed = planned.filter(({ metadata }) => metadata.kind !== "part");
  const done = suites.edit(target.suite, { add: listed.map(({ path }) => path) });
  arrived();
  await done;
  return published;
}

async function plan(
  came: readonly Came[],
  target: Target,
  repository: AptRepository,
): Promise<Planned[]> {
  const planned: Planned[] = [];
  for (const { name } of came)
    if (!isFileName(name))
      throw new Problem(
        "badRequest",
        `${JSON.stringify(name.slice(0, 80))} is no name of a package's file`,
      );
  const parts = new Map(came.filter(({ name }) => !isListed(name)).map((one) => [one.name, one]));
  for (const one of came) {
    if (one.name.endsWith(".deb")) planned.push(await planDeb(target, one, suitesOf(repository)));
    else if (one.name.endsWith(".dsc"))
      planned.push(...(await planDsc(target, one, parts, repository)));
  }
  const [other] = parts.keys();
  if (other !== undefined)
    throw bad(other, "it is no .deb, and no .dsc that came with it names it");
  const paths = planned.map(({ path }) => path);
  const twice = paths.find((path, at) => paths.indexOf(path) !== at);
  if (twice !== undefined) throw bad(twice, "it came twice");
  return planned;
}

function isListed(name: string): boolean {
  return /\.(deb|dsc)$/.test(name);
}

async function planDeb(
  target: Target,
  { name, upload, component = target.component }: Came,
  { options }: Suites,
): Promise<Planned> {
  const deb = await reading(upload, (file) => readDeb(file, name));
  const { architecture, version } = deb;
  if (architecture !== "all" && !options.architectures.includes(architecture))
    throw bad(
      name,
      `it is of ${architecture}, and its suite of ${options.architectures.join(", ")} (hosted: architectures)`,
    );
  const path = `${poolFolder(component, deb.source)}/${debFile(deb)}`;
  return {
    version,
    path,
    upload,
    architecture,
    metadata: debMetadata(deb, component, path, upload),
  };
}

function debMetadata(deb: Deb, component: string, path: string, upload: Upload): FileMetadata {
  return {
    kind: "deb",
    package: deb.package,
    version: deb.version,
    architecture: deb.architecture,
    component,
    section: fieldOf(deb.fields, "Section"),
    stanza: debStanza(deb, path, digestsOf(upload)),
  };
}

/** The .dsc and the files that it names, of which those that are published already need not come again. */
async function planDsc(
  target: Target,
  { name, upload, component = target.component }: Came,
  parts: Map<string, Came>,
  repository: AptRepository,
): Promise<Planned[]> {
  if (upload.size > DSC_LIMIT) throw bad(name, "it is too large for a .dsc");
  const dsc = readDsc(await reading(upload, (file) => file.read(0, file.size)), name);
  const folder = poolFolder(component, dsc.package);
  const digests = new Map<string, Digests>();
  const planned: Planned[] = [];
  for (const { name: part, size, digest } of dsc.files) {
    const path = `${folder}/${part}`;
    const came = parts.get(part);
    parts.delete(part);
    const known = came ? digestsOf(came.upload) : await publishedDigests(path, repository);
    if (!known) throw bad(name, `it names ${part}, which did not come with it and is not here`);
    if (known.sha256 !== digest || known.size !== size)
      throw bad(name, `it names ${part} with another size or SHA-256 than the file has`);
    digests.set(part, known);
    if (came) planned.push({ ...planPart(dsc, path, came.upload, known) });
  }
  const file = dscFile(dsc);
  digests.set(file, digestsOf(upload));
  const metadata: FileMetadata = {
    kind: "dsc",
    package: dsc.package,
    version: dsc.version,
    architecture: "source",
    component,
    section: fieldOf(dsc.fields, "Section"),
    stanza: sourceStanza(dsc, folder, digests),
    parts: dsc.files.map((one) => `${folder}/${one.name}`),
  };
  const own = { version: dsc.version, path: `${folder}/${file}`, upload, architecture: "source" };
  return [...planned, { ...own, metadata }];
}

/** The authors' own files belong to all revisions of their version, and go with none of them. */
function planPart(dsc: Dsc, path: string, upload: Upload, digests: Digests): Planned {
  const isShared = /\.orig(-[A-Za-z0-9-]+)?\.tar\.[a-z0-9]+(\.asc)?$/.test(path);
  const version = isShared ? upstreamPart(dsc.version) : dsc.version;
  return { version, path, upload, architecture: "source", metadata: { kind: "part", digests } };
}

async function publishedDigests(path: string, repository: AptRepository): Promise<Digests | null> {
  const hosted = await repository.hosting.read(packageOf(path));
  const found = hosted?.releases.flatMap(({ files }) => files).find(({ file }) => file === path);
  const metadata = found?.metadata as FileMetadata | undefined;
  return metadata?.kind === "part" ? metadata.digests : null;
}

/** Who told which package and version it is meant it. */
function refuseOthers(
  planned: readonly Planned[],
  { package: name, version }: Pick<Given, "package" | "version">,
): void {
  for (const { path, metadata } of planned) {
    if (metadata.kind === "part") continue;
    if (
      (name ?? metadata.package) !== metadata.package ||
      (version ?? metadata.version) !== metadata.version
    )
      throw bad(
        path.slice(folderOf(path).length + 1),
        `it is ${metadata.package} ${metadata.version} by what it says of itself, and not ${[name, version].filter(Boolean).join(" ")}`,
      );
  }
}

/** Asked again where it is published; here so that of several files none is when one cannot be. */
async function refuseBytes(path: string, upload: Upload, repository: AptRepository): Promise<void> {
  const first = await repository.pinned(packageOf(path), path);
  if (first === null || first === upload.sha256) return;
  throw new Problem(
    "conflict",
    `${path.slice(folderOf(path).length + 1)} was published here before, with other bytes: what was published never changes, so another version is needed`,
    { rule: "immutable" },
  );
}

async function publishOne(
  { version, path, upload, metadata, architecture }: Planned,
  { suite }: Target,
  { hosting, name: repository, keep }: AptRepository,
): Promise<GivenPublished> {
  const name = packageOf(path);
  const purl = purlOf(repository, name, version, architecture);
  const file: NewFile = { file: path, kind: "pool", purl, path: `/${path}`, upload, metadata };
  const release = {
    package: name,
    version,
    metadata: {},
    files: [file],
    detail: { version, suite },
  };
  const { isNew } = await hosting.publish(release);
  // It may have been without a suite for long, and about to go.
  if (!isNew) await noteLeft({ keep }, path);
  return { package: name, version, file: path, isNew };
}

async function reading<T>(
  upload: Upload,
  read: (file: Awaited<ReturnType<Upload["open"]>>) => Promise<T>,
): Promise<T> {
  const file = await upload.open();
  try {
    return await read(file);
  } finally {
    await file.close();
  }
}

export function digestsOf({ digests, sha256, size }: Upload): Digests {
  const hex = (name: string) => Buffer.from(digests[name] ?? "", "base64").toString("hex");
  return { md5: hex("md5"), sha1: hex("sha1"), sha256, size };
}
