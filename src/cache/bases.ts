// Repositories that another one is built on, in this process: as an upstream of theirs that is asked without a network, and in which order.
import type { AnyFormat, Service } from "../core/format.ts";
import type { Grant } from "../core/grant.ts";
import { Problem } from "../core/problem.ts";
import type { Reply } from "../core/reply.ts";
import type { UnboundRepository } from "../core/repository.ts";
import type { Request } from "../core/request.ts";
import type { Upstream, UpstreamRequest, UpstreamResponse } from "../core/upstream.ts";
import { responseOf } from "./base-response.ts";

/** A repository that another one is built on. */
export interface Base {
  format: AnyFormat;
  service: Service;
  repository: UnboundRepository;
  /** Whether the name is its own, or of one that it is built on itself: published there, or claimed. */
  owns(packageName: string): boolean;
  /** Whether something is published under the name there. */
  hosts(packageName: string): boolean;
  /** False where nothing but what is stored or published there is ever had. */
  readonly hasUpstreams: boolean;
}

/** One place of a repository's `upstreams`. */
export interface Layer {
  upstream: Upstream;
  /** Null for those that are asked over the network. */
  base: BaseUpstream | null;
}

export interface BaseUpstream extends Upstream {
  readonly base: Base;
  /** What absolute URLs of its documents begin with. */
  readonly root: string;
}

/** No host has such a name. https://www.rfc-editor.org/rfc/rfc6761#section-6.4 */
const ROOT = "http://repository.invalid/";

/**
 * The repositories and upstreams that one is built on, as one upstream: asked in their order, until one has it. What a base claims, or has published,
 * is asked of that base alone: another one's package of the same name is another one's. What one of them could not be asked about is not
 * taken for a no.
 */
export function layered(layers: readonly Layer[]): Upstream {
  const ownerOf = (packageName: string | null | undefined) =>
    packageName
      ? (layers.find(({ base }) => base?.base.hosts(packageName)) ??
        layers.find(({ base }) => base?.base.owns(packageName)))
      : undefined;

  function layersFor({ path, package: name }: UpstreamRequest): readonly Layer[] {
    const owner = ownerOf(name);
    const named = layers.find(({ base }) => base && path.startsWith(base.root));
    if (owner) return named && named !== owner ? [] : [owner];
    if (named) return [named];
    return /^https?:/i.test(path) ? layers.filter(({ base }) => !base) : layers;
  }

  return {
    unavailable: () =>
      layers.some(({ upstream }) => upstream.unavailable() === null)
        ? null
        : (layers[0]?.upstream.unavailable() ?? "unreachable"),
    async fetch(request) {
      let failure: Problem | null = null;
      let no: UpstreamResponse | null = null;
      for (const { upstream } of layersFor(request)) {
        let response: UpstreamResponse;
        try {
          response = await upstream.fetch(request);
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
          failure ??= error;
          continue;
        }
        const isNo = response.status === 404 || response.status === 410;
        if (!isNo && (response.status < 400 || !failure)) return response;
        await response.discard();
        if (isNo) no ??= response;
        else failure ??= new Problem("refused", `${response.upstream} answered ${response.status}`);
      }
      if (failure) throw failure;
      if (no) return no;
      throw new Problem("notFound", `Nothing that this repository is built on has ${request.path}`);
    },
  };
}

/** `grant`: with which the base is asked. Who may read a repository may read what it is built on. */
export function baseUpstream(base: Base, grant: Grant): BaseUpstream {
  const { format, service, repository } = base;
  const root = `${ROOT}${repository.name}/`;
  const bound = repository.for(grant);

  async function serve(asked: UpstreamRequest): Promise<Reply | Problem> {
    const path = asked.path.startsWith(root) ? asked.path.slice(root.length) : asked.path;
    const [plain = "", ...query] = path.split("?");
    const route = format.parse(asked.method ?? "GET", `/${plain}`);
    if (!route) return new Problem("notFound", `${repository.name} has nothing at ${plain}`);
    try {
      return await service.serve(
        route,
        requestOf(asked, `/${plain}`, query.join("?"), root),
        bound,
      );
    } catch (error) {
      // It is asked of the next one: a repository without upstreams says no to all that it does not have.
      const isNo = (kind: string) =>
        kind === "notFound" ||
        kind === "methodNotAllowed" ||
        (kind === "offline" && !base.hasUpstreams);
      if (error instanceof Problem && isNo(error.kind)) return error;
      throw error;
    }
  }

  return {
    base,
    root,
    unavailable: () => null,
    async fetch(asked) {
      const found = await serve(asked);
      if (found instanceof Problem) return responseOf(repository.name, 404, new Headers(), null);
      const headers = new Headers(found.headers);
      const etag = found.etag === undefined ? null : `"${found.etag}"`;
      if (etag) headers.set("etag", etag);
      if (found.encoding) headers.set("content-encoding", found.encoding);
      const isSame = etag !== null && asked.headers?.["if-none-match"] === etag;
      const { detail } = found.cache ?? {};
      // The copy that is here is as old as the one there: that it could not be brought up to date is told of both.
      if (isSame && detail)
        throw new Problem(
          detail === "slow" ? "unreachable" : detail,
          `${repository.name} could not bring it up to date`,
        );
      const response = isSame
        ? responseOf(repository.name, 304, headers, null)
        : responseOf(repository.name, found.status, headers, found, rangeOf(asked));
      return { ...response, isCurrent: found.isCurrent ?? (() => false) };
    },
  };
}

function rangeOf({ headers = {} }: UpstreamRequest): string | undefined {
  return Object.entries(headers).find(([name]) => name.toLowerCase() === "range")?.[1];
}

function requestOf(asked: UpstreamRequest, path: string, query: string, root: string): Request {
  const headers = new Map(
    Object.entries(asked.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const bytes = Buffer.from(asked.body ?? "");
  const ofUs = "this server";
  return {
    id: ofUs,
    method: asked.method ?? "GET",
    path,
    query,
    base: root.slice(0, -1),
    client: ofUs,
    address: "",
    isInner: true,
    header: (name) => headers.get(name) ?? null,
    async body(limit) {
      if (bytes.length > limit) throw new Problem("tooLarge", `More than ${limit} bytes were sent`);
      return bytes;
    },
    async *stream() {
      yield bytes;
    },
  };
}
