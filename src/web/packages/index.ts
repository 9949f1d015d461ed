// The pages about packages, of what the catalog gives.
import type { CatalogReader } from "../../core/catalog.ts";
import type { Format } from "../../core/format.ts";
import type { Grant } from "../../core/grant.ts";
import type { Reply } from "../../core/reply.ts";
import { pageOf } from "../frame/ui.ts";
import type { PageRequest } from "../request.ts";
import { DEPENDANTS, dependantsPage, placeOf } from "./dependants-page.ts";
import { foundPage } from "./found-page.ts";
import { packagePage, SHOWN } from "./package-page.ts";
import type { PackageAddress } from "./paths.ts";
import { versionPage } from "./version-page.ts";

export interface PackagesDeps {
  repositories: readonly { name: string; format: Format; options: unknown }[];
  catalog(grant: Grant): CatalogReader;
}

export async function serveFound(
  catalog: CatalogReader,
  request: PageRequest,
  now: number,
): Promise<Reply> {
  const query = new URLSearchParams(request.query);
  const text = (query.get("q") ?? "").slice(0, 200);
  const page = pageOf(query, 20);
  return foundPage({ text, page, now, ...(await catalog.search(text, page)) }, request.reader);
}

export async function servePackage(
  address: PackageAddress,
  { repositories, catalog }: PackagesDeps,
  request: PageRequest,
  grant: Grant,
): Promise<Reply> {
  const { repository, package: name, version, isDependants } = address;
  const reader = catalog(grant);
  const { format } = repositories.find((one) => one.name === repository) ?? {};
  const url = `${request.reader.origin}/${repository}`;
  const install = (about: string, of: string | null) => format?.install?.(url, about, of) ?? [];
  if (version !== null) {
    const view = await reader.version(repository, name, version);
    return versionPage(view, install(view.package, version), request.reader);
  }
  const query = new URLSearchParams(request.query);
  if (isDependants) {
    const after = placeOf(query);
    const view = await reader.dependants(repository, name, { count: DEPENDANTS, after });
    return dependantsPage(view, after === null, request.reader);
  }
  const page = pageOf(query);
  const view = await reader.package(repository, name, { from: (page - 1) * SHOWN, count: SHOWN });
  return packagePage(view, install(view.package, null), page, request.reader);
}
