// Every route of this format, answered.

import { jsonReply } from "../../core/answers.ts";
import { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import { serveAdvisories } from "./advisories.ts";
import type { ComposerMemory } from "./dates.ts";
import { serveDist } from "./dists.ts";
import { serveFilter, serveSummary } from "./filter.ts";
import { servePackage } from "./lookup.ts";
import type { ComposerOptions } from "./options.ts";
import { servePackages } from "./packages.ts";
import type { ComposerRoute } from "./routes.ts";
import { serveList, serveProviders, serveSearch } from "./search.ts";
import { serveUpload } from "./upload.ts";

const NOTICE_LIMIT = 4 * 1024 * 1024;

export async function serve(
  route: ComposerRoute,
  request: Request,
  repository: Repository<ComposerOptions>,
  memory: ComposerMemory,
): Promise<Reply> {
  switch (route.kind) {
    case "root":
      return servePackages(request, repository, memory);
    case "package":
      return servePackage(route.name, route.dev, request.base, repository, memory);
    case "dist":
      return serveDist(route, request, repository, memory);
    case "search":
      return serveSearch(request, repository);
    case "list":
      return serveList(request, repository);
    case "providers":
      return serveProviders(route.name, repository);
    case "advisories":
      return serveAdvisories(request, repository);
    case "filterSummary":
      return serveSummary(repository);
    case "filter":
      return serveFilter(request, repository);
    case "downloads":
      // Who installs what stays here.
      await request.body(NOTICE_LIMIT);
      return jsonReply(200, { status: "success" });
    case "upload":
      return serveUpload(route, request, repository);
    case "unsupported":
      throw new Problem(
        "methodNotAllowed",
        `Nothing is changed by ${route.method} of this path: an archive is published by PUT to /packages/upload/VENDOR/NAME/VERSION, and taken back by "holdfast unpublish" or through the API`,
      );
  }
}
