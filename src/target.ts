// What a request is addressed to, by its path: a repository's format, or the server's own pages.
import type { Mounted } from "./cache/repository.ts";
import type { Format } from "./core/format.ts";
import type { Access, Grant } from "./core/grant.ts";
import type { Problem } from "./core/problem.ts";
import type { Reply } from "./core/reply.ts";
import type { Request } from "./core/request.ts";
import type { Incoming } from "./http/server.ts";
import { isGitHook, wantsPage } from "./web/repository.ts";
import type { Site, SiteRoute } from "./web/site.ts";

/** What a request is addressed to: a repository's format or the site, which have the same verbs. */
export interface Target {
  /** The repository; null for the site. */
  name: string | null;
  /** What `access` is asked of: the repository, also of a page about one; null for the whole server. */
  about: string | null;
  /** Of this target: with its leading slash. */
  path: string;
  parse(method: string, path: string): { kind: string } | null;
  access(route: { kind: string }): Access;
  serve(route: { kind: string }, grant: Grant): Promise<Reply>;
  problem(problem: Problem): Reply;
  /** What this caller is told when there is no such route. */
  nothing(grant: Grant): string;
}

export interface TargetDeps {
  repositories: ReadonlyMap<string, Mounted>;
  /** `/` and `/-/…`: what belongs to no repository. */
  site: Site;
}

export interface Targets {
  /** `only`: the repository that stands at the root of an additional port. `id`: the request's. */
  find(incoming: Incoming, only: string | undefined, id: string): Target;
}

export function createTargets({ repositories, site }: TargetDeps): Targets {
  function find(incoming: Incoming, only: string | undefined, id: string): Target {
    if (only !== undefined)
      return repositoryTarget(only, incoming.path, incoming.origin, incoming, id)!;
    const { name, path } = placeOf(incoming.path);
    return (
      repositoryTarget(name, path, `${incoming.origin}/${name}`, incoming, id) ??
      siteTarget(incoming, incoming)
    );
  }

  function repositoryTarget(
    name: string,
    path: string,
    base: string,
    incoming: Incoming,
    id: string,
  ): Target | null {
    const mounted = repositories.get(name);
    if (!mounted) return null;
    const { format, service, repository } = mounted;
    const { method, query } = incoming;
    const kind = kindOf(format, path, incoming);
    if (kind === "page") return pageTarget(name, base, incoming);
    if (kind === "git hook") return gitHookTarget(name, incoming);
    const request: Request = {
      id,
      method,
      path,
      query,
      base,
      address: incoming.address,
      get client() {
        return incoming.client;
      },
      header: (name) => incoming.header(name),
      body: (limit) => incoming.body(limit),
      stream: (limit) => incoming.stream(limit),
    };
    return {
      name,
      about: name,
      path,
      parse: format.parse,
      access: format.access,
      serve: (route, grant) => service.serve(route, request, repository.for(grant)),
      problem: (problem) => format.problem(problem, path, incoming.header("accept")),
      nothing: () => `${method} ${path} is nothing that ${name} has: it speaks ${format.name}`,
    };
  }

  function pageTarget(name: string, base: string, incoming: Incoming): Target {
    return {
      ...siteTarget(incoming, { path: `/${name}/`, origin: base }),
      about: name,
      parse: (): SiteRoute => ({ kind: "repository", name }),
    };
  }

  function gitHookTarget(name: string, incoming: Incoming): Target {
    return {
      ...siteTarget(incoming, incoming),
      about: name,
      parse: (): SiteRoute => ({ kind: "git hook", name }),
    };
  }

  function siteTarget(
    incoming: Incoming,
    { path, origin }: Pick<Incoming, "path" | "origin">,
  ): Target {
    return {
      name: null,
      about: null,
      path,
      parse: site.parse,
      access: (route) => site.access(route as SiteRoute),
      serve: (route, grant) =>
        site.serve(
          route as SiteRoute,
          { origin, method: incoming.method, ...readable(incoming) },
          grant,
        ),
      problem: (problem) => {
        const { query, origin: root } = incoming;
        // On a port of its own a repository has no pages to log in at.
        const isAlone = origin === root && path !== incoming.path;
        const accept = isAlone ? null : incoming.header("accept");
        const cookie = incoming.header("cookie");
        return site.problem(problem, { path, query, origin: root, accept, cookie });
      },
      nothing(grant) {
        const names = [...repositories.keys()].filter((name) => grant.may(name, "read", null));
        const told = names.map((name) => `/${name}/`).join(", ");
        return `Nothing stands at ${path}${told && `; the repositories are ${told}`}`;
      },
    };
  }

  return { find };
}

/** The first part of a path, which may be a repository's name, and what is left for it. */
function placeOf(whole: string): { name: string; path: string } {
  const slash = whole.indexOf("/", 1);
  if (slash < 0) return { name: whole.slice(1), path: "/" };
  return { name: whole.slice(1, slash), path: whole.slice(slash) };
}

/** What answers below a repository's address: its format, but for people who open it where its clients ask for nothing, and for code hosts. */
function kindOf(
  format: Pick<Format, "parse">,
  path: string,
  incoming: Pick<Incoming, "method" | "header">,
): "format" | "page" | "git hook" {
  const { method } = incoming;
  if (path === "/" && wantsPage(method, incoming.header("accept")) && !format.parse("GET", path))
    return "page";
  return isGitHook(method, path) ? "git hook" : "format";
}

/** Whether a format answers it, and not the site: as `createTargets` tells them apart. */
export function isOfFormat(
  incoming: Pick<Incoming, "method" | "path" | "header">,
  only: string | undefined,
  formatOf: (repository: string) => Pick<Format, "parse"> | undefined,
): boolean {
  const { name, path } =
    only === undefined ? placeOf(incoming.path) : { name: only, path: incoming.path };
  const format = formatOf(name);
  return format !== undefined && kindOf(format, path, incoming) === "format";
}

/** What a page may read of a request beside its address. */
function readable(incoming: Incoming) {
  return {
    query: incoming.query,
    address: incoming.address,
    header: (name: string) => incoming.header(name),
    body: (limit: number) => incoming.body(limit),
    stream: (limit: number) => incoming.stream(limit),
  };
}
