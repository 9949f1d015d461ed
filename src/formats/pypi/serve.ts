// Each route of a Python index as a reply.
import type { Artifact } from "../../core/artifact.ts";
import { memo, memoText } from "../../core/memo.ts";
import { type OsvFormat, serveOsv } from "../../core/osv.ts";
import { Problem } from "../../core/problem.ts";
import { type Reply, reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import { artifactOf } from "./artifact-of.ts";
import { projectRef, releaseRef } from "./documents.ts";
import { isInWheel, serveMetadata } from "./metadata.ts";
import { normalizeName, sidecarOf } from "./names.ts";
import { type MediaType, negotiate } from "./negotiate.ts";
import type { PypiOptions } from "./options.ts";
import { serveProvenance } from "./provenance.ts";
import { serveRemoval, serveYank } from "./releases.ts";
import type { PypiRoute } from "./routes.ts";
import { serveProjects } from "./serve-projects.ts";
import { MEDIA } from "./types.ts";
import { serveUpload } from "./upload.ts";
import { compareVersions } from "./versions.ts";
import type { PageVariant } from "./view.ts";
import { toldOf } from "./vulnerabilities.ts";

// Clients ask again each time, and get a 304; a lifetime of its own would add to this server's freshness.
const PAGE_HEADERS = { vary: "accept", "cache-control": "no-cache" };

const OSV: OsvFormat = {
  ecosystem: "PyPI",
  purlType: "pypi",
  order: compareVersions,
  spell: normalizeName,
};

const negotiated = memoText(negotiate);

/** PEP 691: a client may also name the type in `?format=`. */
function mediaOf(request: Request): MediaType | null {
  const format = request.query ? new URLSearchParams(request.query).get("format") : null;
  const accept = format ?? request.header("accept");
  return accept === null ? negotiate(null) : negotiated(accept);
}

function contentType(media: MediaType): string {
  return media === MEDIA.text ? "text/html; charset=utf-8" : media;
}

function notAcceptable(): Reply {
  const types = [MEDIA.json, MEDIA.html, MEDIA.text].join(", ");
  return reply(406, "text/plain; charset=utf-8", `holdfast: this page is given as ${types}\n`, {
    vary: "accept",
  });
}

/** The form and the headers of a page in this type; null without one. */
function answerIn(media: MediaType | null) {
  if (!media) return null;
  const form: "json" | "html" = media === MEDIA.json ? "json" : "html";
  return { form, headers: { "content-type": contentType(media), ...PAGE_HEADERS } };
}

async function serveProject(
  { project, devpi, legacy }: PypiRoute & { kind: "project" },
  request: Request,
  repository: Repository<PypiOptions>,
): Promise<Reply> {
  const answer = answerIn(mediaOf(request));
  if (!answer) return notAcceptable();
  const { form, headers } = answer;
  const deeper: PageVariant = legacy ? `${form}-legacy` : form;
  const variant: PageVariant = devpi ? `${form}-devpi` : deeper;
  const ref = projectRef(project, repository.options);
  return repository.view(ref, { variant, base: request.base }, headers);
}

async function serveRelease(
  { project, version }: PypiRoute & { kind: "release" },
  request: Request,
  repository: Repository<PypiOptions>,
): Promise<Reply> {
  const data = toldOf(await repository.advisories.about(project));
  const found = await repository.view(
    releaseRef(project, version),
    { variant: "json", base: request.base, ...(data && { data }) },
    { "content-type": "application/json", "cache-control": "no-cache" },
  );
  // What feeds know may change before the document does: it is looked at for each request.
  const { isShared: _, isCurrent: __, ...own } = found;
  return own;
}

async function serveList(request: Request, repository: Repository<PypiOptions>): Promise<Reply> {
  const answer = answerIn(mediaOf(request));
  if (!answer) return notAcceptable();
  return serveProjects(answer.form, answer.headers, repository);
}

/** Options are the same for as long as a repository lives, and so are its routes. */
function artifactOfRoute(route: PypiRoute & { kind: "file" }, options: PypiOptions): Artifact {
  return artifactsOf(options)(route);
}
const artifactsOf = memo((options: PypiOptions) =>
  memo(({ project, file }: PypiRoute & { kind: "file" }) => artifactOf(project, file, options)),
);

/** The one function that answers a parsed request. Throws a Problem. */
export async function serve(
  route: PypiRoute,
  request: Request,
  repository: Repository<PypiOptions>,
): Promise<Reply> {
  switch (route.kind) {
    case "projects":
      return serveList(request, repository);
    case "project":
      return serveProject(route, request, repository);
    case "redirect":
      return reply(301, "text/plain; charset=utf-8", `See ${route.location}\n`, {
        location: route.location,
      });
    case "file": {
      const artifact = artifactOfRoute(route, repository.options);
      if (!isInWheel(route.file)) return repository.artifact(artifact, request);
      // What was published here has its metadata beside it.
      if (repository.hosting.owns(route.project)) return repository.artifact(artifact, request);
      const { of: file } = sidecarOf(route.file)!;
      const wheel = artifactOf(route.project, file, repository.options);
      return serveMetadata(artifact, wheel, request, repository);
    }
    case "provenance":
      return serveProvenance(route, request, repository);
    case "release":
      return serveRelease(route, request, repository);
    case "osv":
    case "osvRecord":
      return serveOsv(route, request, repository, OSV);
    case "upload":
      return serveUpload(request, repository);
    case "yank":
    case "unyank":
      return serveYank(route, request, repository);
    case "remove":
      return serveRemoval(route, repository);
    case "write":
      throw new Problem(
        "methodNotAllowed",
        "Nothing can be changed by this: a file is published by POST of a form to /legacy/, a version yanked by POST to /-/yank/PROJECT/VERSION, and taken away by DELETE of /-/release/PROJECT/VERSION",
      );
  }
}
