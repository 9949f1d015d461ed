// Routes to replies.

import { jsonReply } from "../../core/answers.ts";
import type { DocumentRef, ViewRequest } from "../../core/document.ts";
import { memo } from "../../core/memo.ts";
import { cannotAsk, Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import { serveAccount, serveCollaborators, serveExchange, serveSetAccess } from "./accounts.ts";
import { serveAttestations } from "./attestations.ts";
import { serveAdvisories, serveAudit } from "./audit.ts";
import { serveRewrite, serveTag, serveUnpublish } from "./change.ts";
import { packumentRef, versionRef } from "./documents.ts";
import { serveKeys } from "./keys.ts";
import type { NpmMemory } from "./memory.ts";
import { isVersion } from "./names.ts";
import { abbreviatedType, wantsAbbreviated } from "./negotiate.ts";
import { servePublish } from "./publish.ts";
import type { NpmRoute } from "./routes.ts";
import { serveSearch } from "./search.ts";
import { serveTarball } from "./tarball.ts";
import type { NpmOptions } from "./types.ts";

const JSON_TYPE = { "content-type": "application/json" };

export async function serve(
  route: NpmRoute,
  request: Request,
  repository: Repository<NpmOptions>,
  memory: NpmMemory,
): Promise<Reply> {
  switch (route.kind) {
    case "packument":
      return servePackument(packumentOf(route), request, repository, memory);
    case "version":
      return serveVersion(route.name, route.wanted, request, repository, memory);
    case "tarball":
      return serveTarball(route, request, repository, memory);
    case "distTags":
      return repository.view(
        packumentRef(route.name),
        { variant: "dist-tags", base: "" },
        JSON_TYPE,
      );
    case "attestations":
      return serveAttestations(route.name, route.version, repository);
    case "search":
      return serveSearch(request, repository);
    case "advisories":
      return serveAdvisories(request, repository);
    case "audit":
      return serveAudit(route.form, request, repository);
    case "keys":
      return serveKeys(repository, memory);
    case "ping":
      return jsonReply(200, {});
    case "whoami": {
      const { caller } = repository.accounts;
      if (caller.kind === "anonymous") await repository.accounts.tokens(); // says why nobody is there
      return jsonReply(200, { username: caller.name });
    }
    case "publish":
      return servePublish(route.name, request, repository);
    case "rewrite":
      return serveRewrite(route.name, route.rev, request, repository);
    case "unpublish":
      return serveUnpublish(route.name, route.file, route.rev, repository);
    case "tag":
      return serveTag(route, request, repository);
    case "visibility":
      // npm would send a public package's provenance to the public transparency log.
      return jsonReply(200, { public: false });
    case "collaborators":
      return serveCollaborators(route.name, repository);
    case "setAccess":
      return serveSetAccess(request);
    case "exchange":
      return serveExchange(route.name, request, repository);
    case "unsupported":
      throw new Problem(
        "notFound",
        `Nothing stands there for ${route.method}: it is not a part of npm's protocol that this server speaks`,
      );
    default:
      return serveAccount(route, request, repository);
  }
}

const packumentOf = memo(({ name }: NpmRoute & { kind: "packument" | "distTags" }) =>
  packumentRef(name),
);
const FORMS = {
  short: { "content-type": abbreviatedType, vary: "accept" },
  full: { "content-type": "application/json", vary: "accept" },
};

async function servePackument(
  ref: DocumentRef,
  request: Request,
  repository: Repository<NpmOptions>,
  memory: NpmMemory,
): Promise<Reply> {
  const short = wantsAbbreviated(request.header("accept"));
  const abbreviated = repository.options.abbreviatedTime ? "abbreviated/time" : "abbreviated";
  const variant = short ? abbreviated : "full";
  const view = { variant, base: request.base };
  const reply = await repository.view(ref, view, short ? FORMS.short : FORMS.full);
  memory.packuments.note(ref.package);
  return reply;
}

/** `GET /<name>/<version or tag>`: from either document, so that what was seen of one release is enough. */
async function serveVersion(
  name: string,
  wanted: string,
  request: Request,
  repository: Repository<NpmOptions>,
  memory: NpmMemory,
): Promise<Reply> {
  const view: ViewRequest = { variant: `version/${wanted}`, base: request.base };
  const packument = packumentRef(name);
  if (!isVersion(wanted)) return repository.view(packument, view, JSON_TYPE);
  const documents = [versionRef(name, wanted), packument];
  if (memory.packuments.has(name)) documents.reverse();
  try {
    return await repository.view(documents[0]!, view, JSON_TYPE);
  } catch (error) {
    // Registries without this route answer 404 or something else; offline, either one may be stored.
    const other = cannotAsk(error) || (error instanceof Problem && error.kind === "notFound");
    if (!other || repository.claims(name)) throw error;
    return repository.view(documents[1]!, view, JSON_TYPE);
  }
}
