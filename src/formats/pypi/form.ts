// The form of the upload API, as its clients post it: the file goes to disk as it comes, what is said of it is small.
import { boundaryOf, type FormPart, readForm } from "../../archive/multipart.ts";
import type { Upload } from "../../core/hosting.ts";
import { Problem } from "../../core/problem.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import { type Distribution, distributionOf } from "./distribution.ts";
import { isName, normalizeName } from "./names.ts";

/** Of the file itself. Bytes; a repository may have a smaller limit of its own. */
const FILE_LIMIT = 5 * 2 ** 30;
/** Of the form without the file: descriptions may be long. Bytes. */
const FORM_LIMIT = 64 * 2 ** 20;

/** The fields that are kept, and how long each may be in bytes. What else is said of a file stands in the file itself. */
const KEPT: Record<string, number> = {
  ":action": 100,
  protocol_version: 100,
  name: 1_000,
  version: 1_000,
  filetype: 100,
  md5_digest: 200,
  sha256_digest: 200,
  blake2_256_digest: 200,
  gpg_signature: 64 * 1024,
  attestations: 2 ** 20,
};

/** Which digests a form may tell, and what they are called to `Hosting.receive`. */
export const DIGESTS: [field: string, algorithm: string][] = [
  ["md5_digest", "md5"],
  ["sha256_digest", "sha256"],
  ["blake2_256_digest", "blake2b256"],
];

export interface UploadForm {
  /** Text of the kept fields, by name. */
  fields: ReadonlyMap<string, Uint8Array>;
  /** The file, and what its name says; null where none came. To be discarded in any case. */
  content: { upload: Upload; distribution: Distribution } | null;
}

export function fieldOf(fields: UploadForm["fields"], name: string): string | null {
  const bytes = fields.get(name);
  return bytes === undefined ? null : Buffer.from(bytes).toString("utf8");
}

/**
 * Reads the form to its end. The caller is asked whether they may publish before the first byte of the file is read. Throws a Problem, and
 * leaves nothing then.
 */
export async function readUploadForm(
  request: Request,
  repository: Repository,
): Promise<UploadForm> {
  const boundary = boundaryOf(request.header("content-type"));
  const fields = new Map<string, Uint8Array>();
  let content: UploadForm["content"] = null;
  try {
    for await (const part of readForm(request.stream(FILE_LIMIT + FORM_LIMIT), boundary)) {
      if (part.name === "content") {
        if (content) throw new Problem("badRequest", "The form holds two files");
        content = await receive(part, fields, request, repository);
      } else if (Object.hasOwn(KEPT, part.name)) {
        if (fields.has(part.name))
          throw new Problem("badRequest", `The form has the field ${part.name} twice`);
        fields.set(part.name, await small(part, KEPT[part.name]!));
      }
    }
    return { fields, content };
  } catch (error) {
    await content?.upload.discard();
    throw error;
  }
}

async function small(part: FormPart, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of part.chunks()) {
    size += chunk.length;
    if (size > limit)
      throw new Problem("tooLarge", `The field ${part.name} is larger than ${limit} bytes`);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

/** All measured clients send the file last. Where it comes first, its own name says whose it is; that the form agrees is checked behind it. */
async function receive(
  part: FormPart,
  fields: ReadonlyMap<string, Uint8Array>,
  request: Request,
  repository: Repository,
): Promise<UploadForm["content"]> {
  const distribution = nameOfFile(part, fieldOf(fields, "name"));
  await admit(distribution.project, request, repository);
  // Each digest costs time: those that the form names, and all when it names them later.
  const told = DIGESTS.filter(([field]) => fields.has(field));
  const wanted = (fields.has("name") ? told : DIGESTS).map(([, algorithm]) => algorithm);
  const upload = await repository.hosting.receive(
    distribution.project,
    part.chunks(),
    FILE_LIMIT,
    wanted.filter((algorithm) => algorithm !== "sha256"),
  );
  return { upload, distribution };
}

/** The form is a little larger than its file: what is at a limit is counted again as it comes. Bytes. */
const AROUND = 64 * 1024;

async function admit(project: string, request: Request, repository: Repository): Promise<void> {
  const size = Number(request.header("content-length")) - AROUND;
  try {
    await repository.hosting.admit(project, size > 0 ? size : null);
  } catch (error) {
    throw notOurs(error);
  }
}

/** A name that is the upstream's is no file that exists: poetry's --skip-existing would pass over it as if it were published. */
export function notOurs(error: unknown): unknown {
  if (!(error instanceof Problem) || error.kind !== "conflict" || error.rule !== "claims")
    return error;
  return new Problem("forbidden", error.message, { rule: error.rule, cause: error });
}

function nameOfFile({ fileName }: FormPart, name: string | null): Distribution {
  if (!fileName) throw new Problem("badRequest", "The form's file has no name");
  if (name !== null && !isName(name))
    throw new Problem("badRequest", "The form's name is none that a project can have (PEP 508)");
  const project = name === null ? null : normalizeName(name);
  const distribution = distributionOf(fileName, project);
  if (distribution) return distribution;
  const shown = fileName.slice(0, 200);
  throw new Problem(
    "badRequest",
    project !== null && distributionOf(fileName, null)
      ? `${shown} is not a file of ${project}, by its name`
      : `${shown} is no wheel or source distribution (.whl, .tar.gz, .zip), by its name (PEP 427, 625)`,
  );
}
