// What is asked of packages that are published here, or in what the repository is built on.
import type { Artifact } from "../../core/artifact.ts";
import { purl } from "../../core/purl.ts";
import type { Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import { type ComposerMemory, notBefore, viewsDate } from "./dates.ts";
import { DIST_TYPES } from "./dist.ts";
import { hostedRef } from "./hosted.ts";
import type { ComposerOptions } from "./options.ts";
import type { DistRoute } from "./routes.ts";
import { WITHOUT_SOURCES } from "./view.ts";

const JSON_TYPE = { "content-type": "application/json" };

/** Those that the caller may read and that contain `part`, with those whose code is here, sorted. */
export async function hostedNames({ hosting, sources }: Repository, part = ""): Promise<string[]> {
  const published = await hosting.search(part, Number.MAX_SAFE_INTEGER);
  if (sources.patterns.length === 0) return published;
  const made = (await sources.roots()).filter((name) => name.includes(part));
  return [...new Set([...published, ...made])].sort();
}

/** Its document, of releases or of branches. */
export async function serveHostedPackage(
  name: string,
  dev: boolean,
  base: string,
  repository: Repository<ComposerOptions>,
  memory: ComposerMemory,
): Promise<Reply> {
  const { checkouts } = repository.options;
  const variant = checkouts ? "package" : `package${WITHOUT_SOURCES}`;
  const reply = await repository.view(hostedRef(name, dev), { variant, base }, JSON_TYPE);
  return notBefore(
    reply,
    await viewsDate(repository, memory, base, { sources: checkouts }, "hosted"),
  );
}

/** Its file is there, or nowhere. */
export function serveHostedDist(
  { name, version, reference, type }: DistRoute,
  request: Request,
  repository: Repository,
): Promise<Reply> {
  const artifact: Artifact = {
    kind: type,
    package: name,
    version,
    file: `${version}/${reference}.${type}`,
    purl: purl("composer", name, version),
    contentType: DIST_TYPES[type] ?? "application/octet-stream",
    path: null,
    namedBy: [],
  };
  return repository.artifact(artifact, request);
}
