// The one description of the configuration: it validates, documents itself and makes the JSON Schema.
import { z } from "zod";
import { Access } from "./access.ts";
import { Alarms } from "./alarms.ts";
import { Database } from "./database.ts";
import { type FedFormat, Feeds } from "./feeds.ts";
import { Follow } from "./follow.ts";
import { Hooks, Mail } from "./hooks.ts";
import { Ledger } from "./ledger.ts";
import { Login, TrustedPublishers } from "./login.ts";
import { Policy, type RuledFormat } from "./policy.ts";
import { Processes } from "./processes.ts";
import { sourcesKeys } from "./sources.ts";
import { Store } from "./store.ts";
import { Upstream } from "./upstream.ts";
import { builtInRepositories } from "./upstreams.ts";
import {
  DiskShare,
  Duration,
  HttpUrl,
  Listen,
  Path,
  Size,
  SocketMode,
  TrustedProxy,
} from "./values.ts";

/** What this room needs to know of a format. */
export interface FormatOptions extends RuledFormat, FedFormat {
  readonly options: z.ZodType;
  /** Options that name files (`Format.fileOptions`): paths in the file, what they hold in `options`. */
  readonly fileOptions?: readonly string[];
  /** Whether packages can be published in its repositories. */
  readonly hosts?: true;
  /** Whether packages can be made from the code of a code host. */
  readonly fromCode?: true;
}

/** Design §4.3: a repository's name is its URL prefix. */
export const REPOSITORY_NAME = /^[a-z0-9][a-z0-9._-]*$/;

/** Another repository of this file, in place of an upstream. */
export const Base = z
  .strictObject({
    repository: z
      .string()
      .regex(REPOSITORY_NAME, "expected the name of a repository")
      .describe(
        "A repository of this file and of the same format. It is asked without a network; what it does not have is asked of the next entry. What it claims, or what is published in it, is had of it alone. Who may read this repository may read what it is built on",
      )
      .meta({ examples: ["staging"] }),
  })
  .meta({ id: "Base", title: "repository" });

const Bound = Size.refine((bytes) => bytes > 0, "must be more than 0B");

/** The keys that every repository has, whatever its format. */
export const commonKeys = {
  upstreams: z
    .array(z.union([Upstream, Base]))
    .default([])
    .describe(
      "Where to fetch from: upstreams, or other repositories. Tried in order: the next one when one is unreachable, or when a repository does not have it",
    )
    .meta({ examples: [[{ repository: "staging" }]] }),
  claims: z
    .array(z.string().regex(/^\S+$/, "expected a name pattern without spaces, like @acme/*"))
    .default([])
    .describe(
      "Names that are yours: never asked for upstream, on any path. `*` stands for any text, slashes included",
    )
    .meta({ examples: [["@acme/*", "acme-*"]] }),
  freshness: Duration.prefault("5m")
    .describe("How long a document is served without asking upstream whether it has changed")
    .meta({ examples: ["1h"] }),
  offline: z
    .boolean()
    .default(false)
    .describe("Never opens an outward connection for this repository")
    .meta({ examples: [true] }),
  quota: Bound.optional()
    .describe(
      "Bytes of fetched files. When there are more, those that can be fetched again are removed, those used longest ago first. What is published here has a quota of its own",
    )
    .meta({ examples: ["50GB"] }),
  listen: Listen.optional()
    .describe(
      "An additional address where this repository stands at the root, so that clients of the server it replaces need no change",
    )
    .meta({ examples: ["0.0.0.0:4873"] }),
};

/** The keys of repositories in which packages can be published. */
export const hostedKeys = {
  hosted: z
    .strictObject({
      trash: Duration.prefault("30d")
        .describe(
          "How long what was removed can be restored. `0d` is not at all: its bytes go at once",
        )
        .meta({ examples: ["90d"] }),
      replace: z
        .boolean()
        .default(false)
        .describe(
          "Whether a file may be published again with other bytes, with an event each time: for snapshots alone. Whoever has it already may have the other one",
        )
        .meta({ examples: [true] }),
      quota: Bound.optional()
        .describe(
          "Bytes of all that is published here and of what is said of it, with what lies in the trash",
        )
        .meta({ examples: ["500GiB"] }),
      quotaPerUser: Bound.optional()
        .describe("The same of one user, or one CI job")
        .meta({ examples: ["50GiB"] }),
      fileLimit: Bound.prefault("5GiB")
        .describe("Bytes of one file")
        .meta({ examples: ["500MiB"] }),
    })
    .prefault({})
    .describe("What is published here"),
};

const general = {
  listen: Listen.prefault("127.0.0.1:4653")
    .describe(
      "Address and port to serve on, or a socket file (`unix:/run/holdfast/holdfast.sock`) for a proxy on this machine. Flag `--listen`, variable `HOLDFAST_LISTEN`",
    )
    .meta({ examples: ["0.0.0.0:4653"] }),
  processes: Processes,
  data: Path.prefault("./data")
    .describe(
      "The folder that holds everything the server stores. Flag `--data`, variable `HOLDFAST_DATA`",
    )
    .meta({ examples: ["/var/lib/holdfast"] }),
  database: Database,
  store: Store,
  publicUrl: HttpUrl.optional()
    .describe("How clients reach this server. Without it, it is taken from each request")
    .meta({ examples: ["https://packages.example.com"] }),
  access: Access,
  policy: Policy,
  feeds: Feeds,
  fetches: Duration.prefault("365d")
    .describe(
      "How long it is kept who was sent which release, to tell them when it turns out to be bad. `0d` is not at all",
    )
    .meta({ examples: ["90d"] }),
  login: Login,
  trustedPublishers: TrustedPublishers,
  hooks: Hooks,
  mail: Mail,
  ledger: Ledger,
  follow: Follow,
  diskLow: Size.prefault("1GiB")
    .describe(
      "Free bytes on the disk of the data directory below which that is an event (`disk-low`). `0B` is never",
    )
    .meta({ examples: ["20GiB"] }),
  alarms: Alarms,
  disk: z
    .strictObject({
      keepFree: DiskShare.prefault("0B")
        .describe(
          "What is to stay free on the disk of the data directory, in bytes or as a part of it. Below that, fetched files that can be fetched again are removed, those used longest ago first. `0B` is never",
        )
        .meta({ examples: ["10%"] }),
      until: DiskShare.optional()
        .describe("Until so much is free. Without it until `keepFree` is")
        .meta({ examples: ["15%"] }),
    })
    .prefault({})
    .describe("Room on the disk. docs/operation.md tells more"),
  trustedProxies: z
    .array(TrustedProxy)
    .default([])
    .describe(
      "Whose `X-Forwarded-*` headers are believed. `unix:` is whoever comes through a socket file",
    )
    .meta({ examples: [["127.0.0.1", "10.0.0.0/8"]] }),
  socketMode: SocketMode.prefault("0660")
    .describe("Who may open the socket files that `listen` names: it is the mode of each")
    .meta({ examples: ["0666"] }),
  tls: z
    .strictObject({
      certificate: Path.describe(
        "PEM file: the server's own certificate, then those between it and its authority",
      ).meta({ examples: ["/etc/holdfast/packages.pem"] }),
      key: Path.describe("PEM file with its private key, without a passphrase").meta({
        examples: ["/etc/holdfast/packages.key"],
      }),
    })
    .optional()
    .describe(
      "Serves over HTTPS, here and on the ports of repositories. When the files change they are read again, without a restart",
    ),
  offline: z
    .boolean()
    .default(false)
    .describe("Never opens an outward connection. Flag `--offline`")
    .meta({ examples: [true] }),
  traces: z
    .strictObject({
      endpoint: HttpUrl.describe(
        "Where a collector takes OTLP over HTTP as JSON, with its path",
      ).meta({ examples: ["http://127.0.0.1:4318/v1/traces"] }),
      sample: z
        .number()
        .min(0)
        .max(1)
        .default(1)
        .describe("Which share of the requests is traced, from 0 to 1")
        .meta({ examples: [0.1] }),
      incoming: z
        .boolean()
        .default(false)
        .describe(
          "Whether a request with a `traceparent` is a part of that trace, which then says whether it is kept",
        )
        .meta({ examples: [true] }),
      outgoing: z
        .boolean()
        .default(false)
        .describe("Whether upstreams are told a `traceparent`")
        .meta({ examples: [true] }),
    })
    .optional()
    .describe("Traces for OpenTelemetry: requests, fetches from upstreams, writes of the catalog"),
  logs: z
    .strictObject({
      style: z
        .enum(["auto", "json", "text"])
        .default("auto")
        .describe("`auto` is text on a terminal and JSON elsewhere")
        .meta({ examples: ["json"] }),
    })
    .prefault({})
    .describe("One line for each thing that happened, on standard output"),
  cache: z
    .strictObject({
      memory: Size.prefault("64MiB")
        .describe("Memory for rendered documents. What does not fit is read from disk")
        .meta({ examples: ["256MiB"] }),
    })
    .prefault({})
    .describe("What is kept in memory"),
  scrub: Duration.prefault("30d")
    .describe(
      "How often every stored file is hashed again, slowly and beside all else, so that a disk that alters bits is noticed. `0d` is never",
    )
    .meta({ examples: ["7d"] }),
  requests: z
    .strictObject({
      memory: Size.refine((bytes) => bytes >= 1024 * 1024, "must be 1MiB at least")
        .prefault("64MiB")
        .describe(
          "Memory for what clients send, of all requests together. Who finds none left for ten seconds is told to come again. Uploads that are written to disk need none",
        )
        .meta({ examples: ["256MiB"] }),
      silence: Duration.refine((ms) => ms > 0, "must be longer than 0s")
        .prefault("30s")
        .describe("How long a client may be silent while it sends something")
        .meta({ examples: ["10s"] }),
      time: Duration.refine((ms) => ms > 0, "must be longer than 0s")
        .prefault("60s")
        .describe("How long a client may take to send something, and a second more for each 64KiB")
        .meta({ examples: ["5m"] }),
    })
    .prefault({})
    .describe("The bodies of requests: audits, and what is published"),
};

/**
 * The keys of a format's own options as the file has them, by name; empty when its schema is not an object. An option that names
 * files is one path or a list of them here, whatever its format makes of it.
 */
export function optionKeys(format: FormatOptions): Record<string, z.ZodType> {
  const files = format.fileOptions ?? [];
  return Object.fromEntries(
    Object.entries(shapeOf(format)).map(([key, schema]) => [
      key,
      files.includes(key) ? asPaths(schema) : schema,
    ]),
  );
}

function asPaths(schema: z.ZodType): z.ZodType {
  const paths = z.union([Path, z.array(Path).min(1)]);
  const { description, examples } = metaOf(schema);
  // Whether it may be left out is the format's to say.
  return (schema.safeParse(undefined).success ? paths.optional() : paths).meta({
    ...(typeof description === "string" ? { description } : {}),
    ...(Array.isArray(examples) ? { examples } : {}),
  });
}

/** What a schema says of itself, also under `optional` and its like. */
function metaOf(schema: z.ZodType): Record<string, unknown> {
  const inner = (schema.def as { innerType?: z.ZodType }).innerType;
  return { ...(inner ? metaOf(inner) : {}), ...schema.meta() };
}

function shapeOf(format: FormatOptions): Record<string, z.ZodType> {
  let schema: unknown = format.options;
  // Under a default, a transformation or a check of the whole.
  while (!(schema instanceof z.ZodObject)) {
    const def = (schema as { def?: { innerType?: unknown; in?: unknown } } | undefined)?.def;
    schema = def?.innerType ?? def?.in;
    if (!schema) return {};
  }
  return schema.shape;
}

function member(format: FormatOptions) {
  return z
    .strictObject({
      format: z.literal(format.name).describe("Which ecosystem's protocol it speaks"),
      ...commonKeys,
      ...(format.fromCode ? sourcesKeys : {}),
      ...optionKeys(format),
      ...(format.hosts ? hostedKeysOf(format) : {}),
    })
    .meta({ title: `${format.name} repository` });
}

/**
 * `hosted` with what a format adds to it: all of that may be left out, for what must be said where packages are published the format's own schema tells.
 */
export function hostedKeysOf(format: FormatOptions): { hosted: z.ZodType } {
  const own = hostedShapeOf(format);
  if (!own) return hostedKeys;
  const { innerType } = hostedKeys.hosted.def;
  const hosted = innerType.extend(z.strictObject(own).partial().shape).prefault({});
  return { hosted: hosted.describe(hostedKeys.hosted.description ?? "") };
}

/** What a format's own option `hosted` holds; null where it has none. */
export function hostedShapeOf(format: FormatOptions): Record<string, z.ZodType> | null {
  const option = shapeOf(format)["hosted"];
  return option ? shapeOf({ ...format, options: option }) : null;
}

/** The whole file. A repository is told apart by its `format`, which also names the options it may have. */
export function configSchema(formats: readonly FormatOptions[]) {
  const members = formats.map(member);
  const builtIn = Object.entries(builtInRepositories).flatMap(([name, repository]) => {
    const format = formats.find((format) => format.name === repository.format);
    if (!format) return [];
    const error = `is built in as ${format.name}: another format needs another name`;
    const own = member(format).extend({ format: z.literal(format.name, error).optional() });
    const schema = z
      .union([z.literal(false), own])
      .optional()
      .describe(`Built in. What is not said here stays as it is; \`false\` switches it off`);
    return [[name, schema] as const];
  });
  const [first, ...rest] = members;
  if (!first) throw new RangeError("A configuration needs at least one format");
  return z.strictObject({
    ...general,
    repositories: z
      .object(Object.fromEntries(builtIn))
      .catchall(z.discriminatedUnion("format", [first, ...rest]))
      .prefault({})
      .describe("By name, which is the first part of their URL"),
  });
}
