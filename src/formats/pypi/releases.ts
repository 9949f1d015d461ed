// What becomes of versions that are published here: yanked (PEP 592), taken back, taken away. No standard says how; these paths are ours.
import { jsonReply, requestJson } from "../../core/answers.ts";
import type { HostedPackage } from "../../core/hosted.ts";
import type { Part } from "../../core/hosting.ts";
import { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import { isObject } from "./json.ts";
import { sidecarOf } from "./names.ts";
import type { PypiRoute } from "./routes.ts";
import { canonicalVersion } from "./versions.ts";

type Yank = Extract<PypiRoute, { kind: "yank" | "unyank" }>;
type Removal = Extract<PypiRoute, { kind: "remove" }>;

const BODY = { bytes: 16 * 1024, values: 100 };
const REASON = 1_000;

function notHere(project: string, version: string | null = null): Problem {
  const what = version === null ? project : `${project} ${version}`;
  return new Problem(
    "notFound",
    `${what} is not published here: what an upstream has cannot be changed here`,
  );
}

/** Versions are equal in more than one spelling: what is meant is all of them. */
function versionsOf({ name, releases }: HostedPackage, version: string): string[] {
  const wanted = canonicalVersion(version);
  const found = releases.filter((release) => canonicalVersion(release.version) === wanted);
  if (found.length === 0) throw notHere(name, version);
  return found.map((release) => release.version);
}

/** Marks a version so that installers take it only where it is asked for by name, or takes the mark away. Asked twice it is done once. */
export async function serveYank(
  { kind, project, version }: Yank,
  request: Request,
  repository: Repository,
): Promise<Reply> {
  const yanked = kind === "yank" ? await reasonOf(request) : null;
  if (!repository.hosting.owns(project)) throw notHere(project);
  const detail = { version, ...(yanked && { reason: yanked }) };
  await repository.hosting.change(project, { action: kind, name: kind, detail }, (now) => ({
    releases: versionsOf(now, version).map((one) => ({ version: one, yanked })),
  }));
  return jsonReply(200, { project, version, yanked: yanked === null ? false : yanked || true });
}

/** The body is `{"reason": "…"}`, or nothing. */
async function reasonOf(request: Request): Promise<string> {
  const length = request.header("content-length");
  if (length === "0" || (length === null && request.header("transfer-encoding") === null))
    return "";
  const value = await requestJson(request, BODY);
  const reason = isObject(value) ? (value["reason"] ?? "") : null;
  if (typeof reason !== "string" || reason.length > REASON || /\p{Cc}/u.test(reason))
    throw new Problem("badRequest", 'The body of a yank is {"reason": "some words"}, or nothing');
  return reason.trim();
}

/** Takes a file with what stands beside it, a version, or the project away. */
export async function serveRemoval(
  { project, version, file }: Removal,
  repository: Repository,
): Promise<Reply> {
  const { hosting } = repository;
  const hosted = hosting.owns(project) ? await hosting.read(project) : null;
  if (!hosted) throw notHere(project);
  const { files } = await hosting.remove(project, partsOf(hosted, version, file));
  return jsonReply(200, { project, removed: files });
}

function partsOf(hosted: HostedPackage, version: string | null, file: string | null): Part[] {
  if (file !== null) return withSidecars(hosted, file).map((one) => ({ file: one }));
  if (version !== null) return versionsOf(hosted, version).map((one) => ({ version: one }));
  return [{}];
}

function withSidecars({ name, releases }: HostedPackage, file: string): string[] {
  const all = releases.flatMap(({ files }) => files.map((one) => one.file));
  if (!all.includes(file)) throw notHere(name, file);
  return [file, ...all.filter((one) => sidecarOf(one)?.of === file)];
}
