// Who built a file and how: the index's Integrity API. PEP 740

import { parseJson } from "../../core/answers.ts";
import { Problem } from "../../core/problem.ts";
import type { Answer } from "../../core/question.ts";
import { type CacheStatus, type Reply, reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import { artifactOf } from "./artifact-of.ts";
import { isProvenance } from "./artifacts.ts";
import { projectRef } from "./documents.ts";
import { isObject } from "./json.ts";
import { projectOfFile, versionOfFile } from "./names.ts";
import type { PypiOptions } from "./options.ts";
import type { PypiRoute } from "./routes.ts";
import { MEDIA } from "./types.ts";
import { canonicalVersion, normalizeVersion } from "./versions.ts";
import { provenancePath, provenanceVariant } from "./view.ts";

type Route = Extract<PypiRoute, { kind: "provenance" }>;
type Kept = { bytes: Uint8Array; at: number };

/** PEP 740: provenance objects may change. A kept one is given without asking for this long, in milliseconds. */
const FRESH = 5 * 60_000;

const provenanceReply = (bytes: Uint8Array, cache: CacheStatus): Reply => ({
  ...reply(200, MEDIA.integrity, bytes, { "cache-control": "no-cache" }),
  cache,
});

function none(file: string): Reply {
  const message = `No provenance available for ${file}`;
  return reply(404, "application/json", JSON.stringify({ message }));
}

/** The URL that the project page gives for it, or null when the page gives none. */
export async function advertised(
  route: Route,
  repository: Repository<PypiOptions>,
): Promise<string | null> {
  const ref = projectRef(route.project, repository.options);
  const view = { variant: provenanceVariant(route.file), base: "" };
  const { bytes } = await repository.read(ref, view);
  const value = parseJson(bytes);
  const url = isObject(value) ? value["provenance"] : null;
  // PEP 740: "a fully qualified URL".
  return typeof url === "string" && /^https?:/.test(url) ? url : null;
}

/** Throws Problem("notFound") when the upstream says that there is none, else the Problem of the last place asked. */
async function ask(route: Route, repository: Repository<PypiOptions>): Promise<Answer> {
  const usual = provenancePath(route.project, route.version, route.file).slice(1);
  const given = await advertised(route, repository);
  // The page's own URL may be on a host that this server does not talk to; the usual path is on the upstream itself.
  const paths = given === null ? [usual] : [given, usual];
  let failure: Problem | null = null;
  for (const path of paths) {
    try {
      const headers = { accept: MEDIA.integrity };
      const answer = await repository.ask({ path, package: route.project, headers });
      if (answer.status === 404 || answer.status === 410)
        throw new Problem("notFound", `No provenance available for ${route.file}`);
      if (answer.status === 200 && isProvenance(answer.bytes)) return answer;
      const says = answer.status === 200 ? "no provenance object" : String(answer.status);
      failure = new Problem("refused", `${answer.upstream} answers ${says} for ${route.file}`);
    } catch (error) {
      if (!(error instanceof Problem) || error.kind === "notFound" || error.kind === "offline")
        throw error;
      failure = error;
    }
  }
  throw failure!;
}

function keptStatus(kept: Kept, now: number, error: Problem): CacheStatus {
  if (error.kind === "notFound") return { hit: false, fwd: "stale", fwdStatus: 404 };
  const detail = error.kind === "offline" || error.kind === "refused" ? error.kind : "unreachable";
  const age = Math.max(0, Math.floor((now - kept.at) / 1000));
  return { hit: true, detail, age };
}

/** Of a file that is published here: what came with it. */
async function hostedProvenance(
  { project, file }: Route,
  request: Request,
  repository: Repository<PypiOptions>,
): Promise<Reply> {
  try {
    const sidecar = artifactOf(project, `${file}.provenance`, repository.options);
    return await repository.artifact(sidecar, request);
  } catch (error) {
    if (error instanceof Problem && error.kind === "notFound") return none(file);
    throw error;
  }
}

/**
 * The newest provenance object of a file, kept for when the upstream is away, and after the upstream has dropped the file:
 * a signature over bytes that never change stays as good as it was.
 */
export async function serveProvenance(
  route: Route,
  request: Request,
  repository: Repository<PypiOptions>,
): Promise<Reply> {
  const version = versionOfFile(route.file, route.project);
  const isOwn = repository.hosting.owns(route.project);
  if (isOwn && canonicalVersion(version) === canonicalVersion(route.version))
    return hostedProvenance(route, request, repository);
  if (isOwn) return none(route.file);
  repository.refuseClaimed(route.project);
  // Whatever project the path speaks of, the file's name is asked for as well.
  repository.refuseClaimed(projectOfFile(route.file) ?? route.project);
  if (version !== "" && version !== normalizeVersion(route.version)) return none(route.file);
  try {
    const { bytes, cache } = await askProvenance(route, repository);
    return provenanceReply(bytes, cache);
  } catch (error) {
    if (error instanceof Problem && error.kind === "notFound") return none(route.file);
    throw error;
  }
}

/** That of an upstream's file. Throws Problem("notFound") where there is none. */
export async function askProvenance(
  route: Route,
  repository: Repository<PypiOptions>,
): Promise<{ bytes: Uint8Array; cache: CacheStatus }> {
  const key = `provenance/${route.project}/${route.file}`;
  const kept = await repository.kept(key);
  const now = repository.now();
  if (kept && now - kept.at < FRESH) return { bytes: kept.bytes, cache: { hit: true } };
  const fwd = kept ? "stale" : "uri-miss";
  try {
    const { bytes, upstream } = await ask(route, repository);
    await repository.keep(key, bytes);
    return { bytes, cache: { hit: false, fwd, fwdStatus: 200, stored: true, upstream } };
  } catch (error) {
    if (!(error instanceof Problem) || !kept) throw error;
    return { bytes: kept.bytes, cache: keptStatus(kept, now, error) };
  }
}
