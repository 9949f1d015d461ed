// Uploads over HTTP, as dput, dput-ng and dupload send them: file by file, and the .changes that names them at last.
import type { Upload } from "../../../core/hosting.ts";
import { Problem } from "../../../core/problem.ts";
import { type Reply, reply } from "../../../core/reply.ts";
import type { UnboundRepository } from "../../../core/repository.ts";
import type { Request } from "../../../core/request.ts";
import type { AptRepository } from "../memory.ts";
import type { AptOptions } from "../options.ts";
import type { VerifyTaskOptions } from "../tasks.ts";
import { CHANGES_LIMIT, type Changes, readChanges } from "./changes.ts";
import { bad } from "./control.ts";
import { ALGORITHMS, type Came, FILE_LIMIT, publishFiles, suitesOf, targetOf } from "./publish.ts";
import type { UploadRoute } from "./upload-route.ts";

type Unbound = UnboundRepository<AptOptions>;

/** Kept for so long: what came without its .changes is nothing. */
const KEPT_MS = 24 * 60 * 60_000;
/** Of one caller. */
const KEPT_FILES = 1000;

/** One request of an upload. What comes is its sender's alone until it is published. */
export async function serveUpload(
  route: UploadRoute,
  request: Request,
  repository: AptRepository,
): Promise<Reply> {
  const suites = suitesOf(repository);
  if (route.method === "DELETE") return remove(route.file, repository);
  if (route.suite !== null || route.file.endsWith(".changes")) {
    const arrived = suites.coming();
    try {
      return route.suite !== null
        ? await serveDeb(route, request, repository, arrived)
        : await serveChanges(route.file, request, repository, arrived);
    } finally {
      arrived();
    }
  }
  return keep(route.file, await receive(request, repository), repository);
}

/** Discards what came too long ago. Returns how many files those were. */
export function expireUploads(unbound: Unbound): Promise<number> {
  return unbound.own().hosting.expireAside(unbound.now() - KEPT_MS);
}

async function keep(name: string, upload: Upload, { hosting }: AptRepository): Promise<Reply> {
  try {
    const own = await hosting.aside();
    if (!own.has(name) && own.size >= KEPT_FILES)
      throw new Problem(
        "full",
        `${KEPT_FILES} files of yours wait for their .changes already: they are kept for a day, and DELETE of one lets go of it`,
      );
    await hosting.setAside(name, upload);
  } finally {
    await upload.discard();
  }
  return said(201, `${name} is kept until its .changes comes`);
}

async function remove(name: string, { hosting }: AptRepository): Promise<Reply> {
  const found = (await hosting.aside()).get(name);
  if (!found) throw new Problem("notFound", `No ${name} of yours waits for its .changes`);
  await found.discard();
  return said(200, `${name} is discarded`);
}

async function serveChanges(
  name: string,
  request: Request,
  repository: AptRepository,
  arrived: () => void,
): Promise<Reply> {
  const { hosting } = repository;
  await hosting.admit(null, null);
  const bytes = await request.body(CHANGES_LIMIT);
  await checkUploader(bytes, name, repository);
  const changes = readChanges(bytes, name);
  const own = await hosting.aside();
  const came = listed(changes, own, name, repository);
  const target = targetOf({ suite: changes.suite }, suitesOf(repository), repository.name);
  const published = await publishFiles(came, target, repository, arrived);
  for (const { name: file } of changes.files) await own.get(file)?.discard();
  const isNew = published.some((one) => one.isNew);
  return said(
    isNew ? 201 : 200,
    isNew
      ? `${published.length} files are published in ${changes.suite}`
      : `${changes.suite} has all of it already`,
  );
}

/** The files of a .changes that can be published, each as it says. */
function listed(
  { files }: Changes,
  own: ReadonlyMap<string, Upload>,
  what: string,
  repository: AptRepository,
): Came[] {
  const { options } = suitesOf(repository);
  return files.flatMap(({ name, digest, size, component }) => {
    const upload = own.get(name);
    if (!upload) throw bad(what, `${name} that it lists did not come, or too long ago`);
    if (upload.sha256 !== digest || upload.size !== size)
      throw bad(what, `the ${name} that came has another size or SHA-256 than it says`);
    // How it was built is nothing that clients ask for.
    if (name.endsWith(".buildinfo")) return [];
    const isOurs = component !== null && options.components.includes(component);
    return [{ name, upload, ...(isOurs && { component }) }];
  });
}

/** One of the keys of `uploaders` must have signed it, where there are any. */
async function checkUploader(
  bytes: Uint8Array,
  what: string,
  repository: AptRepository,
): Promise<void> {
  const { uploaders } = repository.options;
  if (!uploaders) return;
  const options: VerifyTaskOptions = {
    kind: "clear",
    document: Buffer.from(bytes).toString("base64"),
    keys: uploaders.map((file) => Buffer.from(file.bytes).toString("base64")),
    at: repository.now(),
    what,
  };
  try {
    await repository.work("verify", options, []);
  } catch (error) {
    if (!(error instanceof Problem) || !["tampered", "malformed"].includes(error.kind)) throw error;
    throw new Problem("forbidden", `${what} is not accepted: ${error.message}`, {
      rule: "uploaders",
    });
  }
}

async function serveDeb(
  { suite, component, file }: UploadRoute,
  request: Request,
  repository: AptRepository,
  arrived: () => void,
): Promise<Reply> {
  if (repository.options.uploaders)
    throw new Problem(
      "forbidden",
      `${repository.name} takes packages with a signed .changes alone, to /-/upload/`,
      { rule: "uploaders" },
    );
  if (!file.endsWith(".deb")) throw bad(file, "only a .deb can come without a .changes");
  const values = { suite: suite!, ...(component !== null && { component }) };
  const target = targetOf(values, suitesOf(repository), repository.name);
  const upload = await receive(request, repository);
  try {
    const [one] = await publishFiles([{ name: file, upload }], target, repository, arrived);
    return said(
      one!.isNew ? 201 : 200,
      `${one!.file} is ${one!.isNew ? "published" : "here already"}`,
    );
  } finally {
    await upload.discard();
  }
}

async function receive(request: Request, { hosting }: AptRepository): Promise<Upload> {
  const length = Number(request.header("content-length") ?? Number.NaN);
  await hosting.admit(null, Number.isSafeInteger(length) ? length : null);
  return hosting.receive(null, request.stream(FILE_LIMIT), FILE_LIMIT, ALGORITHMS);
}

function said(status: number, text: string): Reply {
  return reply(status, "text/plain; charset=utf-8", `holdfast: ${text}\n`);
}
