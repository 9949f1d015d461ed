// The list of projects: the upstream's where it has one, else what is stored here.
import { createHash } from "node:crypto";
import { parseJson } from "../../core/answers.ts";
import { Problem } from "../../core/problem.ts";
import { type Reply, reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import { projectsRef } from "./documents.ts";
import type { PypiOptions } from "./options.ts";
import { type ListData, listOf } from "./projects-view.ts";

/** The upstream gives no list, or may not be asked: what is stored is all that can be had of it. */
const WITHOUT: Problem["kind"][] = ["notFound", "refused", "offline"];

/** More than an index has. */
const NAMES = 1_000_000;

/** `headers` are those of the form. Throws a Problem: an outage must not look like an index that has but a few projects. */
export async function serveProjects(
  form: "json" | "html",
  headers: Record<string, string>,
  repository: Repository<PypiOptions>,
): Promise<Reply> {
  const known = await repository.documents("project", "", NAMES);
  const stored = known.filter((name) => !repository.claims(name));
  if (repository.options.projects === "upstream")
    try {
      return await upstreamList(form, headers, stored, repository);
    } catch (error) {
      if (!(error instanceof Problem) || !WITHOUT.includes(error.kind)) throw error;
    }
  const body = await listOf(stored, form);
  const etag = createHash("sha256").update(body).digest("base64url").slice(0, 22);
  return { ...reply(200, headers["content-type"]!, body, headers), etag };
}

/**
 * A list of a million names takes seconds to write: it is written anew when one of ours is not in it, and not with each project that is stored.
 */
async function upstreamList(
  form: "json" | "html",
  headers: Record<string, string>,
  stored: string[],
  repository: Repository<PypiOptions>,
): Promise<Reply> {
  const ref = projectsRef(repository.options);
  let unlisted: string[] = [];
  if (stored.length) {
    const read = await repository.read(ref, { variant: "unlisted", base: "", data: stored });
    unlisted = parseJson(read.bytes) as string[];
  }
  const data: ListData = { claims: repository.claimPatterns, unlisted };
  return repository.view(ref, { variant: form, base: "", data }, headers);
}
