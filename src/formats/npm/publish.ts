// `npm publish`: a version, from the document that a client sends to what is stored. Also what else clients send to the same address:
// deprecations, stars, and owners.
import { jsonReply } from "../../core/answers.ts";
import type { NewFile, Upload } from "../../core/hosting.ts";
import { readJson } from "../../core/json.ts";
import { Problem } from "../../core/problem.ts";
import { purl } from "../../core/purl.ts";
import type { Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import { changeDocument } from "./change.ts";
import { binOf, bundledOf, refuseConfusion } from "./confusion.ts";
import {
  isPublishable,
  NESTING,
  type PackageState,
  type Person,
  type ProvenanceMetadata,
  provenanceFile,
  type ReleaseMetadata,
  type TarballMetadata,
} from "./hosted.ts";
import { conventionalFile, isFileName, isNewName, isTag } from "./names.ts";
import { refuseUnverified } from "./provenance.ts";
import {
  type Attachment,
  announcedSize,
  objectOf,
  type PublishDocument,
  readPublishDocument,
} from "./publish-document.ts";
import { signRelease } from "./signing.ts";
import { readTarball } from "./tarball-inside.ts";
import { isObject, type Manifest, type NpmOptions } from "./types.ts";

/** What a client says of a version that its tarball cannot say, and that is kept. */
const ADDED: Readonly<Record<string, (value: unknown) => boolean>> = {
  gitHead: isShort,
  _nodeVersion: isShort,
  _npmVersion: isShort,
  _hasShrinkwrap: (value) => typeof value === "boolean",
  readmeFilename: isShort,
};
/** What a client's own machine left in it (pnpm 10), and what only the registry may say. */
const DROPPED =
  /^(_(?!(nodeVersion|npmVersion|hasShrinkwrap)$).*|dist|readme|maintainers|deprecated)$/;
/** Stored beside the version as well. */
const PROVENANCE = 512 * 1024;

export async function servePublish(
  name: string,
  request: Request,
  repository: Repository<NpmOptions>,
): Promise<Reply> {
  const { hosting } = repository;
  if (!hosting.owns(name) && !isNewName(name))
    throw new Problem(
      "badRequest",
      `${name} is no name for a new package: it has lower case letters, digits and . _ - ~`,
    );
  await hosting.admit(name, announcedSize(request));
  const document = await readPublishDocument(name, request, repository);
  const beside: Upload[] = [];
  try {
    if (document.fields["name"] !== undefined && document.fields["name"] !== name)
      throw new Problem("badRequest", "The document is about another package than its address");
    if (!document.tarball) return await changeDocument(name, document.fields, null, repository);
    const { version, files, metadata, tag, person } = await check(
      name,
      document,
      document.tarball,
      repository,
      beside,
    );
    const { isNew } = await hosting.publish({
      package: name,
      version,
      metadata,
      files,
      state: (before) => tagged(before, tag, version, person),
      detail: { tag },
    });
    const words = isNew ? "published" : "published before, with the same bytes";
    return jsonReply(201, { ok: true, id: name, success: true, reason: words });
  } catch (error) {
    throw told(error);
  } finally {
    await document.tarball?.upload.discard();
    for (const upload of beside) await upload.discard();
  }
}

/** Whatever the client asks for is looked at before anything is published. */
async function check(
  name: string,
  { fields, others }: PublishDocument,
  tarball: Attachment,
  repository: Repository<NpmOptions>,
  beside: Upload[],
) {
  const { version, manifest: told } = versionOf(name, fields);
  const tag = tagOf(fields["dist-tags"], version);
  checkBytes(tarball, told);
  const inside = await readInside(tarball.upload);
  refuseConfusion(told, inside.manifest, inside.filled);
  const person = await personOf(repository);
  const readme = [fields["readme"], told["readme"], inside.readme].find(
    (text): text is string => typeof text === "string" && text !== "",
  );
  const metadata: ReleaseMetadata = {
    manifest: storedManifest(name, version, told, inside.filled, person),
    readme: (readme ?? "").slice(0, 256 * 1024),
  };
  const file = conventionalFile(name, version);
  if (!isFileName(file)) throw new Problem("badRequest", `${file} cannot be a file's name`);
  // Some clients name it with its scope.
  if (tarball.file !== file && tarball.file !== `${name}-${version}.tgz`)
    throw new Problem("badRequest", `The tarball of ${name}@${version} is to be named ${file}`);
  const { digests, sha256: _ } = tarball.upload;
  const integrity = `sha512-${digests["sha512"]}`;
  const about: TarballMetadata = {
    integrity,
    shasum: Buffer.from(digests["sha1"]!, "base64").toString("hex"),
    fileCount: inside.files,
    unpackedSize: inside.unpackedSize,
    signatures: [await signRelease(repository, name, version, integrity)],
  };
  const files: NewFile[] = [
    {
      file,
      kind: "tarball",
      purl: purl("npm", name, version),
      path: `/${name}/-/${file}`,
      upload: tarball.upload,
      metadata: about,
    },
  ];
  const bundle = others.find((one) => one.file.endsWith(".sigstore"));
  if (bundle)
    files.push(await provenance(name, { version, integrity }, bundle.text, repository, beside));
  return { version, files, metadata, tag, person };
}

function versionOf(name: string, fields: Record<string, unknown>) {
  const versions = Object.entries(objectOf(fields["versions"]));
  const [version = "", told] = versions[0] ?? [];
  if (versions.length !== 1 || !isObject(told))
    throw new Problem("badRequest", "A document that publishes has one version");
  if (!isPublishable(version))
    throw new Problem(
      "badRequest",
      `${version.slice(0, 100)} is no version to publish: it is as semver writes it, without build metadata (1.2.3, 1.2.3-beta.1)`,
    );
  if (told["name"] !== name || told["version"] !== version)
    throw new Problem(
      "badRequest",
      `The manifest of ${version} is that of another package or version`,
    );
  return { version, manifest: told as Manifest };
}

function tagOf(value: unknown, version: string): string {
  const tags = Object.entries(objectOf(value));
  const [tag = "latest", named = version] = tags[0] ?? [];
  if (tags.length > 1 || named !== version)
    throw new Problem("badRequest", "A version is published under one tag, which names it");
  if (!isTag(tag))
    throw new Problem(
      "badRequest",
      `${tag.slice(0, 100)} is no name for a tag: it may be no version and no range`,
    );
  return tag;
}

/** The bytes are what the client says that they are. */
function checkBytes({ said, upload }: Attachment, told: Manifest): void {
  const wrong = (what: string) =>
    new Problem(
      "badRequest",
      `The tarball that came has another ${what} than the document says: it was altered on its way`,
    );
  const length = said["length"];
  if (length !== undefined && length !== upload.size) throw wrong("length");
  const { integrity, shasum } = objectOf(told.dist);
  const sha512 =
    typeof integrity === "string" ? /sha512-([A-Za-z0-9+/=]+)/.exec(integrity)?.[1] : undefined;
  if (sha512 !== undefined && sha512 !== upload.digests["sha512"]) throw wrong("integrity");
  const sha1 = Buffer.from(upload.digests["sha1"]!, "base64").toString("hex");
  if (typeof shasum === "string" && shasum.toLowerCase() !== sha1) throw wrong("shasum");
}

async function readInside(upload: Upload) {
  const file = await upload.open();
  try {
    return await readTarball(file);
  } finally {
    await file.close();
  }
}

function isShort(value: unknown): boolean {
  return typeof value === "string" && value.length <= 255;
}

/** The tarball's own package.json, with what npm adds in reading it, and the little that only the client can say. */
function storedManifest(
  name: string,
  version: string,
  told: Manifest,
  inside: Manifest,
  person: Person,
): Manifest {
  const own = Object.fromEntries(Object.entries(inside).filter(([key]) => !DROPPED.test(key)));
  const added = Object.fromEntries(
    Object.entries(ADDED).flatMap(([key, fits]) => (fits(told[key]) ? [[key, told[key]]] : [])),
  );
  const optional = objectOf(inside["optionalDependencies"]);
  const bin = binOf(inside);
  const bundled = bundledOf(inside);
  delete own["bundledDependencies"];
  return {
    ...own,
    ...added,
    _id: `${name}@${version}`,
    name,
    version,
    ...(Object.keys(optional).length > 0 && {
      dependencies: { ...objectOf(inside["dependencies"]), ...optional },
    }),
    ...(Object.keys(bin).length > 0 && { bin }),
    ...(bundled.length > 0 && { bundleDependencies: bundled }),
    _npmUser: person,
  };
}

async function provenance(
  name: string,
  release: { version: string; integrity: string },
  text: string,
  repository: Repository<NpmOptions>,
  beside: Upload[],
): Promise<NewFile> {
  const bytes = Buffer.from(text);
  if (bytes.length > PROVENANCE)
    throw new Problem("tooLarge", "The provenance bundle is too large");
  let bundle: unknown;
  try {
    bundle = readJson(bytes, undefined, NESTING);
    if (!isObject(bundle)) throw new SyntaxError("no object");
  } catch (error) {
    throw new Problem("badRequest", "The provenance bundle is not JSON that can be read", {
      cause: error,
    });
  }
  const { version } = release;
  await refuseUnverified(name, release, bundle, repository);
  const upload = await repository.hosting.receive(name, once(bytes), PROVENANCE);
  beside.push(upload);
  const file = provenanceFile(name, version);
  return {
    file,
    kind: "provenance",
    purl: purl("npm", name, version),
    path: `/${name}/-/${file}`,
    upload,
    metadata: { bundle } satisfies ProvenanceMetadata,
  };
}

/** The tag moves, as the client says; the first version is the latest one too. Whoever begins a package maintains it. */
function tagged(
  before: Record<string, unknown>,
  tag: string,
  version: string,
  person: Person,
): Record<string, unknown> {
  const { tags = {}, maintainers = [] } = before as PackageState;
  return {
    ...before,
    tags: { latest: version, ...tags, [tag]: version },
    maintainers: maintainers.length > 0 ? maintainers : [person],
  };
}

export async function personOf({ accounts }: Repository): Promise<Person> {
  const profile = await accounts.profile();
  return { name: profile?.name ?? accounts.caller.name, email: profile?.email ?? "" };
}

/** In the words that tools look for: semantic-release and others go by them. */
function told(error: unknown): unknown {
  if (!(error instanceof Problem) || error.rule !== "immutable") return error;
  return new Problem(
    "conflict",
    `You cannot publish over the previously published versions: ${error.message}`,
    {
      rule: error.rule,
      cause: error,
    },
  );
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
