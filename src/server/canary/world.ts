// A server in small for one round of canaries: the same rooms as behind every request, on a directory of their own, with upstreams that are objects in memory.
import { Readable } from "node:stream";
import { createCurrent } from "../../advisories/current.ts";
import { jsonEntry } from "../../advisories/entries.ts";
import { knownAdvisories } from "../../advisories/known.ts";
import { nothingTaken, takeIn } from "../../advisories/take.ts";
import { type App, createApp } from "../../app.ts";
import { serverGrant, sourceGrant } from "../../auth/gate.ts";
import { createLru } from "../../cache/lru.ts";
import { createNaming } from "../../cache/named.ts";
import { createRepository, type Mounted, type Shared } from "../../cache/repository.ts";
import { createSecrets } from "../../cache/secrets.ts";
import { createSoundness } from "../../cache/soundness.ts";
import { createUses } from "../../cache/uses.ts";
import type { RepositoryConfig } from "../../config/resolve.ts";
import type { Accounts } from "../../core/accounts.ts";
import { CANARY_ORIGIN, type Canary, type CanaryAnswer } from "../../core/canary.ts";
import type { AnyFormat } from "../../core/format.ts";
import type { Log } from "../../core/log.ts";
import { createMetrics } from "../../core/metrics.ts";
import { reply } from "../../core/reply.ts";
import type { Upstream } from "../../core/upstream.ts";
import { openMirrors } from "../../git/mirrors.ts";
import { openHostedNames } from "../../hosted/names.ts";
import { createAccessLog } from "../../http/accesslog.ts";
import { createEvents } from "../../ledger/events.ts";
import { openWaivers } from "../../policy/waivers.ts";
import { openBlobs } from "../../store/blobs.ts";
import { createChanges } from "../../store/changes.ts";
import { alone } from "../../store/leases.ts";
import type { ScratchPlace } from "../../store/scratch.ts";
import { openViewFiles } from "../../store/view-files.ts";
import type { Site } from "../../web/site.ts";
import { createTransform } from "../../worker/work.ts";
import { ecosystems } from "../ground.ts";

/** What a request was answered with. `body`: null where the answer broke off before its end. */
export interface Seen {
  status: number;
  body: Uint8Array | null;
}

/** One repository of the small server. */
export interface CanaryMount {
  ask(method: string, path: string, headers?: Record<string, string>): Promise<Seen>;
  /** What its upstream was asked for so far. */
  readonly asked: readonly string[];
  /** How many answers that were something it gave so far. */
  given(): number;
  /** Whether these very bytes were among them, leaving out the first ones. */
  gave(bytes: Uint8Array, after?: number): boolean;
  close(): Promise<void>;
}

export interface CanaryWorld {
  /** Puts a repository to work in the place of the one that had its name. `isBefore`: see `CanaryPackage.before`. */
  mount(
    settings: RepositoryConfig,
    format: AnyFormat,
    canary: Canary<unknown>,
    isBefore: boolean,
  ): CanaryMount;
  /** A feed tells that all versions of the package are malicious. */
  tell(format: AnyFormat, packageName: string): Promise<void>;
  /** Its clock goes on by so much at once. */
  advance(milliseconds: number): void;
  /** Leaves nothing. */
  close(): Promise<void>;
}

export interface WorldDeps {
  scratch: Pick<ScratchPlace, "open">;
  formats: readonly AnyFormat[];
  now(): number;
  /** Awaited before each request, with the milliseconds that the one before took. */
  pace(tookMs: number): Promise<void>;
  /** For tests, which break what the canaries watch. */
  create?: typeof createRepository;
}

const MEMORY = 1 << 20;
/** No route that canaries ask for is about accounts. */
const NOBODY = Object.freeze({}) as Accounts;
const silent: Log = { write() {}, repeat: () => () => {} };
const nowhere: Site = {
  parse: () => null,
  access: () => ({ action: "open", package: null }),
  serve: async () => reply(404, "text/plain", ""),
  problem: (problem) => reply(problem.status, "text/plain", problem.message),
};

export async function openWorld({
  scratch: place,
  formats,
  now: clock,
  pace,
  create = createRepository,
}: WorldDeps): Promise<CanaryWorld> {
  let ahead = 0;
  let tookMs = 0;
  const now = () => clock() + ahead;
  const scratch = await place.open();
  const { database, layout } = scratch;
  const metrics = createMetrics();
  const audit = async () => {};
  const blobs = openBlobs(layout);
  const changes = createChanges();
  const naming = createNaming(database, blobs, alone);
  const events = createEvents(database, silent, metrics, now);
  const soundness = createSoundness({ blobs, database, changes, naming, events });
  const uses = createUses(database);
  const advisories = createCurrent(knownAdvisories(database.read, ecosystems));
  const shared: Shared = {
    views: openViewFiles(layout.views),
    database,
    changes,
    events,
    blobs,
    naming,
    leases: alone,
    soundness,
    uses,
    transform: createTransform(formats),
    viewMemory: createLru(MEMORY),
    artifactMemory: createLru(MEMORY),
    ownGrant: serverGrant,
    sourceGrant,
    mirrors: openMirrors(layout.git),
    secret: createSecrets(database, now),
    accounts: () => NOBODY,
    hostedNames: await openHostedNames(database, changes),
    audit,
    tell: audit,
    isPublic: () => true,
    waivers: await openWaivers({ database, changes, audit, now }),
    whyUrl: () => "/-/why/",
    advisories,
    now,
  };

  async function tell(format: AnyFormat, name: string): Promise<void> {
    const ecosystem = format.advisories?.ecosystem;
    const id = `MAL-${name.replaceAll(/[^A-Za-z0-9]+/g, "-")}`;
    const ranges = [{ type: "ECOSYSTEM", events: [{ introduced: "0" }] }];
    const affected = [{ package: { ecosystem, name }, ranges }];
    const record = { id, modified: new Date(now()).toISOString(), affected };
    const entries = [jsonEntry(id, Buffer.from(JSON.stringify(record)))];
    const { changed } = advisories;
    const deps = { database, ecosystems, changed, note: async () => {} };
    await takeIn(deps, "canary", Readable.from(entries), nothingTaken(), { isForward: false });
  }

  function mount(
    settings: RepositoryConfig,
    format: AnyFormat,
    canary: Canary<unknown>,
    isBefore: boolean,
  ): CanaryMount {
    const asked: string[] = [];
    const given: (Uint8Array | string)[] = [];
    const upstream = inMemory((path) => {
      asked.push(path);
      const found = canary.upstream(path, isBefore);
      if (found) given.push(found.body);
      return found;
    });
    const mounted = create(
      {
        ...settings,
        options: canary.options(settings.options),
        sources: [],
        offline: false,
        hasUpstreams: true,
      },
      format,
      upstream,
      shared,
    );
    const app = appOf(settings.name, mounted);
    const paced = async (...[method, path, headers = {}]: Parameters<CanaryMount["ask"]>) => {
      await pace(tookMs);
      const begun = performance.now();
      const seen = await ask(app, method, `/${settings.name}${path}`, headers);
      tookMs = performance.now() - begun;
      return seen;
    };
    return {
      asked,
      given: () => given.length,
      gave: (bytes, after = 0) => given.slice(after).some((one) => one === bytes),
      ask: paced,
      close: () => mounted.close(),
    };
  }

  function appOf(name: string, mounted: Mounted): App {
    return createApp({
      gate: { identify: () => serverGrant },
      repositories: new Map([[name, mounted]]),
      site: nowhere,
      log: silent,
      now,
      accessLog: createAccessLog(silent, metrics),
      fetches: { note() {}, noteLocked() {} },
      refused: { note() {} },
      audit: { note() {} },
      isPublic: () => true,
    });
  }

  return {
    mount,
    tell,
    advance(milliseconds) {
      ahead += milliseconds;
    },
    async close() {
      await soundness.close();
      await events.settled();
      await uses.flush().catch(() => {});
      await scratch.close();
    },
  };
}

function inMemory(answer: (path: string) => CanaryAnswer | null): Upstream {
  return {
    unavailable: () => null,
    async fetch({ path }) {
      const found = answer(path);
      const body = Buffer.from(found?.body ?? "");
      return {
        status: found ? 200 : 404,
        headers: new Headers({
          "content-type": found?.type ?? "text/plain",
          "content-length": String(body.length),
        }),
        body: (async function* () {
          yield body;
        })(),
        isDelimited: true,
        async discard() {},
        upstream: "canary.invalid",
        url: path.startsWith("https://") ? path : CANARY_ORIGIN + path,
        isRedirected: false,
      };
    },
  };
}

async function ask(
  app: App,
  method: string,
  path: string,
  headers: Record<string, string>,
): Promise<Seen> {
  const { response, status } = await app({
    method,
    path,
    query: "",
    origin: "http://canary.invalid",
    address: "127.0.0.1",
    client: "127.0.0.1:0",
    header: (name) => headers[name.toLowerCase()] ?? null,
    body: async () => new Uint8Array(),
    async *stream() {},
  });
  try {
    return { status, body: new Uint8Array(await response.arrayBuffer()) };
  } catch {
    return { status, body: null };
  }
}
