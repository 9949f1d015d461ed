// Publishing a file: the upload API of the public index, as twine, uv, poetry, flit and hatch speak it.
import { createHash } from "node:crypto";
import { parseJson } from "../../core/answers.ts";
import type { NewFile, Upload } from "../../core/hosting.ts";
import { Problem } from "../../core/problem.ts";
import { type Reply, reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import { provenanceOf } from "./attestations.ts";
import { refuseUnverified } from "./attested.ts";
import { releaseInfo } from "./compose-release.ts";
import type { Distribution } from "./distribution.ts";
import { DIGESTS, fieldOf, notOurs, readUploadForm, type UploadForm } from "./form.ts";
import { type Inside, readInside } from "./inside.ts";
import { METADATA_LIMIT } from "./metadata.ts";
import { normalizeName, releasePurl, type Sidecar } from "./names.ts";
import type { PypiOptions } from "./options.ts";
import type { FileMetadata } from "./types.ts";
import { canonicalVersion } from "./versions.ts";
import { provenancePath } from "./view.ts";

const TEXT = "text/plain; charset=utf-8";

/** What earlier clients ask before or instead of an upload. */
const OTHERS: Record<string, string> = {
  submit: "a project needs no registration: it is there when its first file is",
  submit_pkg_info: "a project needs no registration: it is there when its first file is",
  doc_upload: "documentation is not kept here",
};

/** The one function that publishes. Throws a Problem. */
export async function serveUpload(
  request: Request,
  repository: Repository<PypiOptions>,
): Promise<Reply> {
  // devpi's push between indexes.
  if (/^application\/json\b/i.test(request.header("content-type") ?? ""))
    return gone('a release is taken from one repository to another by "holdfast promote"');
  const form = await readUploadForm(request, repository);
  try {
    const action = fieldOf(form.fields, ":action") ?? queryAction(request);
    if (action !== null && action !== "file_upload")
      return gone(`${OTHERS[action] ?? "this server knows no such action"} (:action=${action})`);
    return await publish(form, repository);
  } finally {
    await form.content?.upload.discard();
  }
}

function queryAction({ query }: Request): string | null {
  return query ? new URLSearchParams(query).get(":action") : null;
}

function gone(why: string): Reply {
  return reply(410, TEXT, `holdfast: ${why}\n`);
}

async function publish(
  { fields, content }: UploadForm,
  repository: Repository<PypiOptions>,
): Promise<Reply> {
  if (!content) throw new Problem("badRequest", "The form holds no file (content)");
  const { upload, distribution } = content;
  checkForm(fields, distribution);
  checkDigests(fields, upload, distribution);
  const inside = await read(upload, distribution);
  const made = [distributionFile(upload, distribution, inside)];
  const { hosting } = repository;
  const beside: Upload[] = [];
  try {
    for (const sidecar of sidecarsOf(fields, upload, distribution, inside)) {
      const { bytes } = sidecar;
      if (await hasOther(sidecar, distribution, upload, repository)) continue;
      if (sidecar.kind === "provenance")
        await refuseUnverified(
          { file: distribution.file, sha256: upload.sha256 },
          parseJson(bytes),
          repository,
        );
      const kept = await hosting.receive(distribution.project, once(bytes), METADATA_LIMIT);
      beside.push(kept);
      made.push({ ...sidecarFile(sidecar, distribution), upload: kept });
    }
    const { isNew } = await hosting.publish({
      package: distribution.project,
      version: distribution.version,
      metadata: releaseInfo(inside),
      files: made,
    });
    const words = isNew ? "is published" : "is here already, with the same bytes";
    return reply(200, TEXT, `${distribution.file} ${words}\n`);
  } catch (error) {
    throw told(error);
  } finally {
    for (const kept of beside) await kept.discard();
  }
}

/** Another one for the same file is no mistake, and is not kept: who builds again signs again. */
async function hasOther(
  { file, bytes, kind }: NewSidecar,
  distribution: Distribution,
  upload: Upload,
  repository: Repository<PypiOptions>,
): Promise<boolean> {
  if (kind === "metadata") return false;
  const first = await repository.pinned(distribution.project, file);
  if (first === null || first === createHash("sha256").update(bytes).digest("hex")) return false;
  return (await repository.pinned(distribution.project, distribution.file)) === upload.sha256;
}

/** poetry's --skip-existing goes by 409; others by these words. */
function told(error: unknown): unknown {
  if (!(error instanceof Problem) || error.rule !== "immutable") return notOurs(error);
  const { rule, message } = error;
  return new Problem("conflict", `File already exists: ${message}`, {
    rule,
    cause: error,
  });
}

/** What the form says must be what the file's name says, where it says it. */
function checkForm(fields: UploadForm["fields"], distribution: Distribution): void {
  const { file, type, project, version } = distribution;
  const wants: [field: string, isRight: (value: string) => boolean][] = [
    ["protocol_version", (value) => value === "1"],
    ["name", (value) => normalizeName(value) === project],
    ["version", (value) => canonicalVersion(value) === canonicalVersion(version)],
    ["filetype", (value) => value === type],
  ];
  for (const [field, isRight] of wants) {
    const value = fieldOf(fields, field);
    if (value !== null && !isRight(value))
      throw new Problem(
        "badRequest",
        `The form's ${field} is ${value.slice(0, 100)}, and not that of ${file}`,
      );
  }
}

function checkDigests(
  fields: UploadForm["fields"],
  { sha256, digests }: Upload,
  { file }: Distribution,
): void {
  for (const [field, algorithm] of DIGESTS) {
    const told = fieldOf(fields, field);
    if (!told) continue;
    const own = algorithm === "sha256" ? sha256 : hex(digests[algorithm]);
    if (told.toLowerCase() !== own)
      throw new Problem(
        "badRequest",
        `The bytes of ${file} that came have another ${field} than the form says`,
      );
  }
}

function hex(base64: string | undefined): string {
  return Buffer.from(base64 ?? "", "base64").toString("hex");
}

async function read(upload: Upload, distribution: Distribution): Promise<Inside> {
  const file = await upload.open();
  try {
    return await readInside(file, distribution);
  } finally {
    await file.close();
  }
}

function distributionFile(upload: Upload, distribution: Distribution, inside: Inside): NewFile {
  const { file, project, version } = distribution;
  const metadata: FileMetadata = {
    requiresPython: inside.requiresPython,
    digests: Object.fromEntries(
      Object.entries(upload.digests)
        .filter(([algorithm]) => algorithm === "md5" || algorithm === "blake2b256")
        .map(([algorithm, value]) => [algorithm === "md5" ? "md5" : "blake2b_256", hex(value)]),
    ),
  };
  return {
    file,
    kind: "distribution",
    purl: releasePurl(project, version),
    path: `/files/${project}/${encodeURIComponent(file)}`,
    upload,
    metadata,
  };
}

interface NewSidecar {
  file: string;
  kind: string;
  path: string;
  bytes: Uint8Array;
}

/** What is published beside a file: its metadata, who signed it, who built it. */
function sidecarsOf(
  fields: UploadForm["fields"],
  { sha256 }: Upload,
  { file, project, type, version }: Distribution,
  inside: Inside,
): NewSidecar[] {
  const found: NewSidecar[] = [];
  const add = (sidecar: Sidecar, kind: string, bytes: Uint8Array, path: string | null = null) =>
    found.push({
      file: file + sidecar,
      kind,
      path: path ?? `/files/${project}/${encodeURIComponent(file + sidecar)}`,
      bytes,
    });
  if (type === "bdist_wheel") add(".metadata", "metadata", inside.bytes);
  const signature = fields.get("gpg_signature");
  if (signature?.length) add(".asc", "signature", signature);
  const attestations = fields.get("attestations");
  if (attestations?.length) {
    const provenance = provenanceOf(attestations, { file, sha256 });
    const path = provenancePath(project, version, file);
    add(".provenance", "provenance", Buffer.from(provenance), path);
  }
  return found;
}

function sidecarFile({ file, kind, path }: NewSidecar, { project, version }: Distribution) {
  return { file, kind, path, purl: releasePurl(project, version), metadata: {} };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
