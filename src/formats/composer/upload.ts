// Uploads over HTTP. No standard says how, so each way is taken that a client knows:
//
//   PUT  /                                        the archive; ?version=1.2.3         Gitea, Forgejo
//   PUT  /packages/upload/<vendor>/<name>/<version>   the archive, or a form with it   Nexus, Packeton
//   POST /<vendor>/<name>                         a form: file, version               Packistry
import { boundaryOf, type FormPart, readForm } from "../../archive/multipart.ts";
import { jsonReply } from "../../core/answers.ts";
import type { Upload } from "../../core/hosting.ts";
import { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import type { Source } from "./hosted.ts";
import { ARCHIVE_LIMIT, admitName, publishUpload, type Said } from "./publish.ts";

export interface UploadRoute {
  kind: "upload";
  /** Null where the archive alone says whose it is. */
  name: string | null;
  version: string | null;
}

/** A form is a little larger than its file. Bytes. */
const FORM_LIMIT = 64 * 1024;
/** Of the form, beside its file. */
const FIELDS = ["version", "src-type", "src-url", "src-ref"];
const FIELD_LIMIT = 4096;
const SOURCE_TYPES = ["git", "hg", "svn", "fossil"];
/** What Composer hands to its programs: an address, never one of their options. */
const SOURCE_URL = /^(?:(?:https?|ssh|git|svn):\/\/|\w[\w.-]*@)\w[^\s\u0000-\u001f\u007f]*$/;

/** 201 where it is new, 200 where it was here with the same bytes. */
export async function serveUpload(
  route: UploadRoute,
  request: Request,
  repository: Repository,
): Promise<Reply> {
  const isForm = /^multipart\/form-data\b/i.test(request.header("content-type") ?? "");
  const length = Number(request.header("content-length") ?? Number.NaN) - (isForm ? FORM_LIMIT : 0);
  await admitName(route.name, length > 0 ? length : null, repository);
  const sent = isForm
    ? await readUpload(route, request, repository)
    : await readBody(route, request, repository);
  const { file: _, isNew, ...published } = await publishUpload(sent.upload, sent.said, repository);
  return jsonReply(isNew ? 201 : 200, { ...published, isNew });
}

interface Sent {
  /** To be published, or discarded. */
  upload: Upload;
  said: Said;
}

async function readBody(
  { name, version }: UploadRoute,
  request: Request,
  repository: Repository,
): Promise<Sent> {
  const asked = new URLSearchParams(request.query).get("version");
  const upload = await receive(name, request.stream(ARCHIVE_LIMIT), repository);
  return { upload, said: { name, version: version ?? asked, source: null } };
}

function receive(
  name: string | null,
  chunks: AsyncIterable<Uint8Array>,
  { hosting }: Repository,
): Promise<Upload> {
  return hosting.receive(name, chunks, ARCHIVE_LIMIT, ["sha1"]);
}

async function readUpload(
  { name, version }: UploadRoute,
  request: Request,
  repository: Repository,
): Promise<Sent> {
  const boundary = boundaryOf(request.header("content-type"));
  const fields = new Map<string, string>();
  let upload: Upload | null = null;
  try {
    for await (const part of readForm(request.stream(ARCHIVE_LIMIT + FORM_LIMIT), boundary)) {
      if (FIELDS.includes(part.name)) fields.set(part.name, await textOf(part));
      else if (part.fileName || part.name === "file" || part.name === "package") {
        if (upload) throw new Problem("badRequest", "The form holds two files");
        upload = await receive(name, part.chunks(), repository);
      }
    }
    if (!upload) throw new Problem("badRequest", "The form holds no file (file)");
    const said = { name, version: version ?? fields.get("version") ?? null };
    return { upload, said: { ...said, source: sourceOf(fields) } };
  } catch (error) {
    await upload?.discard();
    throw error;
  }
}

async function textOf(part: FormPart): Promise<string> {
  let text = "";
  for await (const chunk of part.chunks()) {
    text += Buffer.from(chunk).toString("latin1");
    if (text.length > FIELD_LIMIT)
      throw new Problem("tooLarge", `The form's ${part.name} is larger than ${FIELD_LIMIT} bytes`);
  }
  return Buffer.from(text, "latin1").toString("utf8");
}

/** Null where none is told. Throws Problem("badRequest") for half of one. */
function sourceOf(fields: ReadonlyMap<string, string>): Source | null {
  const [type, url, reference] = ["src-type", "src-url", "src-ref"].map(
    (key) => fields.get(key) || null,
  );
  if (!type && !url && !reference) return null;
  if (!type || !SOURCE_TYPES.includes(type) || !url || !SOURCE_URL.test(url))
    throw new Problem(
      "badRequest",
      `The form's source is none: src-type is one of ${SOURCE_TYPES.join(", ")}, src-url an address`,
    );
  if (!reference || !/^[\w][\w./-]*$/.test(reference))
    throw new Problem("badRequest", "The form's src-ref names no commit");
  return { type, url, reference };
}
