// For the tests of this room: a small format, an upstream that can lie, and a repository on a temporary data directory.
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { z } from "zod";
import { createCurrent } from "../advisories/current.ts";
import { knownAdvisories } from "../advisories/known.ts";
import { nothingTaken, takeIn } from "../advisories/take.ts";
import { checkTar } from "../archive/check.ts";
import type { Artifact } from "../core/artifact.ts";
import type { AuditEntry } from "../core/audit.ts";
import type { DocumentRef } from "../core/document.ts";
import type { AnyFormat } from "../core/format.ts";

import type { Told } from "../core/hook.ts";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import type { PolicyRule } from "../core/policy.ts";
import { Problem } from "../core/problem.ts";
import { isFile, isStream, type Reply, reply } from "../core/reply.ts";
import type { Request } from "../core/request.ts";
import type { SourceSettings } from "../core/source.ts";
import { bodyParts, grantOf, unexpectedParts } from "../core/testkit.ts";
import type { Upstream, UpstreamRequest, UpstreamResponse } from "../core/upstream.ts";
import { openMirrors } from "../git/mirrors.ts";
import { type HostedOptions, hostedDefaults } from "../hosted/deps.ts";
import { openHostedNames } from "../hosted/names.ts";
import { createEvents } from "../ledger/events.ts";
import { openWaivers } from "../policy/waivers.ts";
import { objectFile, openTestBlobs } from "../store/bucket-testkit.ts";
import { createChanges, type News } from "../store/changes.ts";
import { type Layout, layoutOf, openLayout } from "../store/layout.ts";
import { alone, type Leases } from "../store/leases.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { openViewFiles } from "../store/view-files.ts";
import type { Call, Job } from "../worker/job.ts";
import { createTransform } from "../worker/work.ts";
import { createLru } from "./lru.ts";
import { createNaming } from "./named.ts";
import { createRepository, type Mounted, type Shared } from "./repository.ts";
import { createSecrets } from "./secrets.ts";
import { createSoundness } from "./soundness.ts";
import { createUses } from "./uses.ts";

const TOYS = { ecosystem: "Toys", purlType: "toy" };
const asRead = (text: string) => ({ text, deflated: deflateRawSync(text) });

/** The grant of who may do all. */
export const everything = grantOf("", () => true);

type ToyFile =
  | string
  | null
  | { integrity: string | null; location?: string; version?: string; publishedAt?: string };

/** An index is `{"files": {"<file>": "<SRI>"}}`; its only view is the names, and what the overlay says of them. */
export const toy: AnyFormat = {
  name: "toy",
  purlType: "toy",
  advisories: TOYS,
  withholds: true,
  compareVersions: (a, b) => Number.parseFloat(a || "-1") - Number.parseFloat(b || "-1"),
  hosts: true,
  options: z.unknown(),
  documents: {
    index: {
      complete: true,
      limit: 64 * 1024 * 1024,
      async facts(source, _ref, skip) {
        const { files } = (await source.json()) as { files?: Record<string, ToyFile> };
        if (typeof files !== "object") throw new Problem("malformed", "Not an index");
        return Object.entries(files).flatMap(([file, said]) => {
          if (said === "odd") skip?.({ what: file, why: "it is odd" });
          if (said === "odd") return [];
          const entry = typeof said === "object" && said !== null ? said : { integrity: said };
          return [{ file, version: "1", ...entry }];
        });
      },
      async extract(source, _ref, files) {
        const all = ((await source.json()) as { files: Record<string, string> }).files;
        return Object.fromEntries(Object.entries(all).filter(([file]) => files.has(file)));
      },
      compose: ({ releases, state }) =>
        JSON.stringify({
          files: Object.fromEntries(
            releases.flatMap(({ files }) => files.map(({ file }) => [file, null])),
          ),
          state,
        }),
      async *render({ source, overlay, withheld = {} }, { variant }) {
        if (variant === "missing") throw new Problem("notFound", "No such part");
        const { files } = (await source.json()) as { files: Record<string, string> };
        const file = /^file\/(.*)/.exec(variant)?.[1];
        if (file && !Object.hasOwn(files, file)) throw new Problem("notFound", "No such file");
        yield JSON.stringify({
          files: Object.keys(files).filter((name) => !Object.hasOwn(withheld, name)),
          overlay: Object.entries(overlay).map(([file, { state, entry }]) => [file, state, entry]),
        });
      },
    },
  },
  artifacts: {
    any: { check: async () => {} },
    tarball: { check: (file) => checkTar(file, ".tar.gz") },
    vouched: null,
    parts: { check: async () => {}, isReadInParts: true },
  },
  parse: () => null,
  access: () => ({ action: "read", package: null }),
  mount: () => ({ serve: async () => reply(500, "text/plain", "") }),
  problem: (problem) => reply(problem.status, "text/plain", problem.message),
  setup: () => [],
};

export type Behaviour = (request: UpstreamRequest) => Promise<UpstreamResponse> | UpstreamResponse;

/** An upstream without a network: what it says is a function, and what it was asked is kept. */
export function fakeUpstream(): Upstream & {
  asked: string[];
  behave: Behaviour;
  away: "offline" | "unreachable" | null;
} {
  const fake = {
    asked: [] as string[],
    away: null as "offline" | "unreachable" | null,
    behave: (() => answer(404)) as Behaviour,
    unavailable: () => fake.away,
    async fetch(request: UpstreamRequest) {
      if (fake.away) throw new Problem(fake.away, "The upstream is away");
      fake.asked.push(request.path);
      return fake.behave(request);
    },
  };
  return fake;
}

export function answer(
  status: number,
  body: Uint8Array | string | AsyncIterable<Uint8Array> = "",
  headers: Record<string, string> = {},
): UpstreamResponse {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    if (typeof body === "string") yield Buffer.from(body);
    else if (body instanceof Uint8Array) yield body;
    else yield* body;
  }
  return {
    status,
    headers: new Headers(headers),
    body: chunks(),
    isDelimited: true,
    async discard() {},
    upstream: "upstream.example.test",
    url: "",
    isRedirected: false,
  };
}

export function sri(bytes: Uint8Array, algorithm = "sha512"): string {
  return `${algorithm}-${createHash(algorithm).update(bytes).digest("base64")}`;
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export const index: DocumentRef = { kind: "index", key: "thing", package: "thing", path: "thing" };

export function artifact(file: string, changes: Partial<Artifact> = {}): Artifact {
  return {
    kind: "any",
    package: "thing",
    version: "1",
    file,
    purl: "pkg:toy/thing@1",
    contentType: "application/octet-stream",
    path: `thing/${file}`,
    namedBy: [index],
    ...changes,
  };
}

export function request(changes: Partial<Request> = {}): Request {
  return {
    id: "t",
    method: "GET",
    path: "/",
    query: "",
    base: "http://localhost/toy",
    client: "127.0.0.1:1",
    address: "127.0.0.1",
    header: () => null,
    ...bodyParts(),
    ...changes,
  };
}

export interface AlsoOptions {
  claims?: string[];
  format?: AnyFormat;
  bases?: readonly Mounted[];
  hasUpstreams?: boolean;
  sources?: readonly SourceSettings[];
}

/** All bytes of a reply; throws what its stream throws. */
export async function bytesOf(of: Reply): Promise<Uint8Array> {
  if (of.body === null) return new Uint8Array();
  if (typeof of.body === "string") return Buffer.from(of.body);
  if (isFile(of.body)) return Bun.file(of.body.path).bytes();
  if (!isStream(of.body)) return of.body;
  const parts: Uint8Array[] = [];
  for await (const part of of.body.chunks) parts.push(part);
  return Buffer.concat(parts);
}

/** A repository on a new data directory. `restart` gives another one on the same directory. */
export async function openToy(
  options: {
    claims?: string[];
    freshnessMs?: number;
    hashedFirst?: number;
    format?: AnyFormat;
    hosted?: Partial<HostedOptions>;
    policy?: PolicyRule[];
    isPublic?: (repository: string, packageName: string) => boolean;
    /** As another server on the same catalog and the same files, which asks the same upstream. */
    beside?: { layout: Layout; upstream: ReturnType<typeof fakeUpstream> };
    leases?: Leases;
    news?: News;
    afar?: Shared["afar"];
    patienceMs?: number;
    /** Of a server that follows another one. */
    following?: Pick<Shared, "isFollower" | "closed">;
  } = {},
) {
  const { leases = alone } = options;
  const root = mkdtempSync(join(tmpdir(), "holdfast-cache-"));
  const upstream = options.beside?.upstream ?? fakeUpstream();
  const log: string[] = [];
  const audited: AuditEntry[] = [];
  const told: Told[] = [];
  const jobs: Job["op"][] = [];
  const worker = {
    fails: (_job: Job): Problem | null => null,
    waits: async (_job: Job, _call?: Call): Promise<void> => {},
  };
  const clock = { shift: 0 };
  const now = () => Date.now() + clock.shift;
  const format = options.format ?? toy;

  async function open() {
    const {
      root: home,
      blobs: files,
      database: catalog,
    } = options.beside?.layout ?? layoutOf(root);
    const layout: Layout = { ...openLayout(root), blobs: files, database: catalog };
    const database = await openTestDatabase(layout.database);
    const events = createEvents(
      database,
      createLog("json", (line) => log.push(line)),
      createMetrics(),
      now,
    );
    const transform = createTransform([format]);
    const blobs = openTestBlobs(
      layout,
      { isFalse: (sha256) => void soundness.condemn(sha256).catch(() => {}) },
      home,
    );
    const changes = createChanges(options.news);
    const naming = createNaming(database, blobs, leases);
    const soundness = createSoundness({
      blobs,
      database,
      changes,
      naming,
      events,
      ...(options.hashedFirst !== undefined && { hashedFirst: options.hashedFirst }),
    });
    const uses = createUses(database);
    const settingsOf = (name: string, claims: string[]) => ({
      name,
      options: {},
      claims,
      hosted: { ...hostedDefaults, ...options.hosted },
      freshnessMs: options.freshnessMs ?? 60_000,
      policy: options.policy ?? [],
    });
    const advisories = createCurrent(knownAdvisories(database.read, [TOYS]));
    const shared: Shared = {
      views: openViewFiles(layout.views),
      database,
      changes,
      naming,
      leases,
      soundness,
      uses,
      events,
      blobs,
      async transform(job, call) {
        jobs.push(job.op);
        const failure = worker.fails(job);
        if (failure) throw failure;
        await worker.waits(job, call);
        return transform(job);
      },
      viewMemory: createLru(1 << 20),
      artifactMemory: createLru(1 << 20),
      ownGrant: everything,
      sourceGrant: () => everything,
      mirrors: openMirrors(layout.git),
      secret: createSecrets(database, now),
      accounts: () => unexpectedParts.accounts,
      hostedNames: await openHostedNames(database, changes),
      audit: async (_sql, entry) => void audited.push(entry),
      tell: async (_sql, one) => void told.push(one),
      isPublic: options.isPublic ?? (() => true),
      whyUrl: () => "/-/why/",
      waivers: await openWaivers({
        database,
        changes,
        audit: async (_sql, entry) => void audited.push(entry),
        now,
      }),
      advisories,
      now,
      ...(options.afar && { afar: options.afar }),
      ...(options.patienceMs !== undefined && { patienceMs: options.patienceMs }),
      ...options.following,
    };
    /** As if a feed had told it. */
    const advise = async (record: Record<string, unknown>) => {
      const text = JSON.stringify({ modified: new Date(now()).toISOString(), ...record });
      const entry = { id: String(record["id"]), mark: text, read: async () => asRead(text) };
      const { changed } = advisories;
      const each = (async function* () {
        yield entry;
      })();
      const deps = { database, ecosystems: [TOYS], changed, note: async () => {} };
      await takeIn(deps, "feed", each, nothingTaken(), { isForward: false });
    };
    const mounted = createRepository(
      settingsOf("toy", options.claims ?? []),
      format,
      upstream,
      shared,
    );
    /** Another repository on the same data. */
    const also = (name: string, from: Upstream, more: AlsoOptions = {}) =>
      createRepository(
        {
          ...settingsOf(name, more.claims ?? []),
          hasUpstreams: more.hasUpstreams ?? true,
          sources: more.sources ?? [],
        },
        more.format ?? format,
        from,
        shared,
        more.bases,
      );
    const repository = mounted.repository.for(everything);
    return {
      layout,
      database,
      changes,
      events,
      blobs,
      naming,
      soundness,
      uses,
      repository,
      unbound: mounted.repository,
      mounted,
      also,
      hosting: mounted.hosting,
      waivers: shared.waivers,
      advise,
    };
  }
  let current = await open();
  return {
    upstream,
    log,
    /** What the audit log was told. */
    audited,
    /** What hooks were to be told. */
    told,
    /** Publishing, for a grant. */
    get hosting() {
      return current.hosting;
    },
    /** What was done by the worker's functions. */
    jobs,
    /** Tests make it end some jobs with a Problem in place of doing them, or wait before it does. */
    worker,
    clock,
    get layout() {
      return current.layout;
    },
    get blobs() {
      return current.blobs;
    },
    /** Where a blob's file stands, or would stand. */
    blobPath: (digest: string) => objectFile(current.layout, digest),
    get soundness() {
      return current.soundness;
    },
    get naming() {
      return current.naming;
    },
    get mounted() {
      return current.mounted;
    },
    get also() {
      return current.also;
    },
    get database() {
      return current.database;
    },
    get changes() {
      return current.changes;
    },
    get advise() {
      return current.advise;
    },
    get waivers() {
      return current.waivers;
    },
    get repository() {
      return current.repository;
    },
    /** The same, for other grants. */
    get unbound() {
      return current.unbound;
    },
    /** What those who work on all repositories need. */
    get shared() {
      return { ...current, now };
    },
    async eventKinds(): Promise<string[]> {
      await current.events.settled();
      return (await current.events.list({ limit: 100 })).map(({ kind }) => kind);
    },
    events: () => current.events.settled().then(() => current.events.list({ limit: 100 })),
    async restart() {
      await current.mounted.close();
      await current.soundness.close();
      await current.events.settled();
      await current.database.close();
      current = await open();
    },
    async close() {
      await current.mounted.close();
      await current.soundness.close();
      await current.events.settled();
      await current.database.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
