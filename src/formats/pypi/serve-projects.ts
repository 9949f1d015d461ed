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
  const own = await repository.hosting.search("", NAMES);
  const stored = [...new Set([...known.filter((name) => !repository.claims(name)), ...own])];
  if (repository.options.projects === "upstream")
    try {
      return await upstreamList(form, headers, { stored, own }, repository);
    } catch (error) {
      if (!(error instanceof Problem) || !WITHOUT.includes(error.kind)) throw error;
    }
  const body = await listOf(stored.sort(), form);
  const etag = createHash("sha256").update(body).digest("base64url").slice(0, 22);
  return { ...reply(200, headers["content-type"]!, body, headers), etag };
}

/**
 * A list of a million names takes seconds to write: it is written anew when one of ours is not in it, and not with each project that is stored.
 */
async function upstreamList(
  form: "json" | "html",
  headers: Record<string, string>,
  { stored, own }: { stored: string[]; own: string[] },
  repository: Repository<PypiOptions>,
): Promise<Reply> {
  const ref = projectsRef(repository.options);
  let unlisted: string[] = [];
  if (stored.length) {
    const read = await repository.read(ref, { variant: "unlisted", base: "", data: stored });
    unlisted = parseJson(read.bytes) as string[];
  }
  // Those that the upstream lists as well, under a name that is claimed here, are left out with it.
  const claimed = own.filter((name) => repository.claims(name) && !unlisted.includes(name));
  const data: ListData = {
    claims: repository.claimPatterns,
    unlisted: [...unlisted, ...claimed],
  };
  return repository.view(ref, { variant: form, base: "", data }, headers);
}
