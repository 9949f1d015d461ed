// A route to its answer, through the cache and the checksum database.
import type { Artifact } from "../../core/artifact.ts";
import { memo } from "../../core/memo.ts";
import { cannotAsk, Problem } from "../../core/problem.ts";
import { type CacheStatus, type Reply, reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import { type Checksums, lookupPath } from "./checksums.ts";
import { type CodeModule, codeModule } from "./code/serve.ts";
import { latestRef, queryRef } from "./info.ts";
import { listRef } from "./list.ts";
import { modulePurl, versionPath } from "./names.ts";
import type { GoOptions } from "./options.ts";
import { noteProvisional } from "./provisional.ts";
import type { GoRoute } from "./routes.ts";
import type { Shown, SumdbClient } from "./sumdb/client.ts";
import { highest, pseudoTime } from "./version.ts";
import type { Vulndb } from "./vulndb.ts";

type GoRepository = Repository<GoOptions>;

/** What a route is answered from. */
interface Context {
  repository: GoRepository;
  checksums: Checksums;
}
type FileKind = "info" | "mod" | "zip";

const TEXT = "text/plain; charset=UTF-8";
const JSON_TYPE = "application/json";
const CONTENT_TYPES: Record<FileKind, string> = {
  info: JSON_TYPE,
  mod: TEXT,
  zip: "application/zip",
};
const LIST_HEADERS = { "content-type": TEXT };
const INFO_HEADERS = { "content-type": JSON_TYPE };
const IMMUTABLE = "public, max-age=31536000, immutable";

type FileRoute = { kind: FileKind; module: string; version: string };

const namesOf = memo(({ module, version, kind }: FileRoute) => ({
  path: versionPath(module, version, kind),
  purl: modulePurl(module, version),
}));

function artifactOf(context: Context, route: FileRoute, unknown: () => void): Artifact {
  const { module, version, kind } = route;
  const { path, purl } = namesOf(route);
  return {
    kind,
    package: module,
    version,
    file: `${version}.${kind}`,
    purl,
    contentType: CONTENT_TYPES[kind],
    path,
    namedBy: [],
    ...(kind === "zip"
      ? {
          datedBy: () => [listRef(module), queryRef(module, version)],
          madeAt: () => pseudoTime(version),
        }
      : { isDescription: true }),
    integrity: async () => {
      if (kind !== "info") return integrityOf(context, { module, version, kind }, unknown);
      await context.checksums.assertIngest();
      return null; // no database has a checksum of it: what it says is looked at (artifacts.ts)
    },
  };
}

/** What the checksum database says. `unknown` is called where it has no such module, and the first bytes that come will be pinned. */
async function integrityOf(
  { repository, checksums }: Context,
  { module, version, kind }: { module: string; version: string; kind: "mod" | "zip" },
  unknown: () => void,
): Promise<string | null> {
  let isUnknown = false;
  const expected = await checksums.expected(module, version, kind, () => {
    isUnknown = true;
  });
  // What is pinned already was told of when it was: here, or at the server that this one follows, where it may be one of its own.
  if (isUnknown && (await repository.pinned(module, `${version}.${kind}`)) === null) unknown();
  return expected;
}

async function serveFile(route: FileRoute, request: Request, context: Context): Promise<Reply> {
  const { module, version } = route;
  const { repository } = context;
  let isUnknown = false;
  const artifact = artifactOf(context, route, () => {
    isUnknown = true;
  });
  const found = await repository.artifact(artifact, request);
  if (route.kind === "zip" && found.cache?.hit === false) keepInfo(context, module, version);
  // Not before: what the upstream does not have either is nothing that an operator must know of.
  if (isUnknown) {
    await noteProvisional(repository, { module, version, kind: route.kind as "zip" | "mod" });
    repository.report({
      kind: "unsigned",
      package: module,
      version,
      file: artifact.file,
      message: `${module}@${version} is not in the checksum database; the first bytes seen of ${artifact.file} are pinned until it is`,
    });
  }
  return found;
}

/** Behind: `go get` has no use for it, and `go mod download` wants it, perhaps when nobody can be asked any more. Who asks for it is told why it is not here. */
function keepInfo(context: Context, module: string, version: string): void {
  const info = artifactOf(context, { kind: "info", module, version }, () => {});
  context.repository.fetch(info).catch(() => {});
}

/** The upstream's @latest, and where it has none, or that one is withheld, the highest version of the list. */
async function serveLatest(module: string, request: Request, context: Context): Promise<Reply> {
  try {
    return await context.repository.view(
      latestRef(module),
      { variant: "latest", base: "" },
      INFO_HEADERS,
    );
  } catch (error) {
    // An upstream that never had one cannot be asked again when it is away: its list says as much.
    if (!(error instanceof Problem)) throw error;
    if (!["notFound", "blocked"].includes(error.kind) && !cannotAsk(error)) throw error;
    return deriveLatest(module, request, context, error);
  }
}

async function deriveLatest(
  module: string,
  request: Request,
  context: Context,
  reason: Problem,
): Promise<Reply> {
  const list = await context.repository.read(listRef(module), { variant: "list", base: "" });
  const version = highest(new TextDecoder().decode(list.bytes).split("\n"));
  if (version === null) {
    if (reason.kind !== "notFound") throw reason;
    throw new Problem("notFound", `No version of ${module} is tagged`);
  }
  try {
    const info = await serveFile({ kind: "info", module, version }, request, context);
    const headers = { ...info.headers, "content-type": JSON_TYPE, "cache-control": "no-cache" };
    return { ...info, headers, ranges: false, isShared: false };
  } catch (error) {
    if (!cannotAsk(error)) throw error;
    // The commit time is optional, and a lower version that happens to be stored would be a wrong answer.
    const body = JSON.stringify({ Version: version });
    return { ...reply(200, JSON_TYPE, body), cache: list.cache };
  }
}

function shown(found: Shown, contentType: string, cacheControl: string, isStored = true): Reply {
  const cache: CacheStatus = found.fetched
    ? { hit: false, fwd: "uri-miss", stored: isStored }
    : { hit: true };
  return { ...reply(200, contentType, found.bytes, { "cache-control": cacheControl }), cache };
}

type SumdbRoute = Extract<GoRoute, { database: string }>;

function clientFor(route: SumdbRoute, { client }: Checksums): SumdbClient {
  // 404 makes the go command ask that database directly.
  if (client?.name !== route.database)
    throw new Problem("notFound", `The checksum database ${route.database} is not proxied here`);
  return client;
}

async function serveSumdb(route: SumdbRoute, { repository, checksums }: Context): Promise<Reply> {
  const client = clientFor(route, checksums);
  if (route.kind === "sumdb-supported") return reply(200, TEXT, "");
  if (route.kind === "sumdb-latest") return shown(await client.latest(), TEXT, "no-cache");
  if (route.kind === "sumdb-lookup") {
    const { module, version } = route;
    repository.refuseClaimed(module);
    if (checksums.isPrivate(module))
      throw new Problem(
        "notFound",
        `${module} is private (noSumdb): the checksum database is not asked for it`,
        { rule: "noSumdb" },
      );
    const found = await client.lookup(lookupPath(module, version), module, version);
    if (!found)
      throw new Problem("notFound", `${module}@${version} is not in the checksum database`);
    return shown(found, TEXT, "no-cache");
  }
  const { tile } = route;
  const isData = tile.level < 0;
  const found = await (isData ? client.data(tile) : client.tile(tile));
  if (!found) throw new Problem("notFound", `The tree of ${client.name} has no such tile yet`);
  return shown(found, isData ? TEXT : "application/octet-stream", IMMUTABLE, !isData);
}

async function serveCode(
  route: Exclude<GoRoute, { database: string } | { kind: "vulndb" }>,
  request: Request,
  context: Context,
  code: CodeModule,
): Promise<Reply> {
  switch (route.kind) {
    case "list":
    case "latest":
      return code[route.kind]();
    case "query":
      return code.query(route.query);
    default:
      await code.publish(route.version, route.kind);
      return serveFile(route, request, context);
  }
}

export function serve(
  route: GoRoute,
  request: Request,
  repository: GoRepository,
  checksums: Checksums,
  vulndb: Vulndb,
): Promise<Reply> {
  const context = { repository, checksums };
  if (route.kind === "vulndb") return vulndb.serve(route, repository);
  if (!("database" in route)) {
    const code = codeModule(route.module, repository);
    if (code) return serveCode(route, request, context, code);
  }
  switch (route.kind) {
    case "list":
      return repository.view(listRef(route.module), { variant: "list", base: "" }, LIST_HEADERS);
    case "latest":
      return serveLatest(route.module, request, context);
    case "query": {
      const ref = queryRef(route.module, route.query);
      return repository.view(ref, { variant: "query", base: "" }, INFO_HEADERS);
    }
    case "info":
    case "mod":
    case "zip":
      return serveFile(route, request, context);
    default:
      return serveSumdb(route, context);
  }
}
