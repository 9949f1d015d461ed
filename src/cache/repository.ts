// One configured repository, put together from the rooms of the cache.

import type { Accounts } from "../core/accounts.ts";
import type { Advisories } from "../core/advisory.ts";
import type { AnyFormat, Service } from "../core/format.ts";
import type { Grant } from "../core/grant.ts";
import type { PolicyRule } from "../core/policy.ts";
import type { OwnedRepository, Repository, UnboundRepository } from "../core/repository.ts";
import type { SourceSettings } from "../core/source.ts";
import type { Upstream } from "../core/upstream.ts";
import type { Mirrors } from "../git/mirrors.ts";
import type { HostedDeps, HostedOptions } from "../hosted/deps.ts";
import { createHosting, type HostedRoom } from "../hosted/hosting.ts";
import type { HostedNames } from "../hosted/names.ts";
import type { Events } from "../ledger/events.ts";
import { createWithheldTold } from "../ledger/withheld.ts";
import { type AskedAdvisories, createPolicy, type Policy } from "../policy/policy.ts";
import { ruledRepository } from "../policy/rules.ts";
import type { Waivers } from "../policy/waivers.ts";
import { createSources, type RepositorySources } from "../sources/sources.ts";
import type { Blobs } from "../store/blobs.ts";
import { type Changes, leavable } from "../store/changes.ts";
import type { Database } from "../store/database.ts";
import type { Leases } from "../store/leases.ts";
import type { ViewFiles } from "../store/view-files.ts";
import type { Transform } from "../worker/job.ts";
import { createAbsences } from "./absences.ts";
import type { Afar } from "./afar.ts";
import { createArtifacts } from "./artifacts.ts";
import { createAsk } from "./ask.ts";
import { type Attested, createAttested } from "./attested.ts";
import { createBinder, type Parts } from "./bound.ts";
import { eitherDocuments } from "./documents/either.ts";
import { createDocuments } from "./documents/get.ts";
import { createHostedDocuments } from "./documents/hosted.ts";
import { createModels } from "./documents/models.ts";
import { createShow } from "./documents/show.ts";
import type { DocumentState } from "./documents/state.ts";
import { createViews, type View } from "./documents/views.ts";
import { createDoor } from "./door.ts";
import { createKept } from "./kept.ts";
import { localOf } from "./local.ts";
import type { Lru } from "./lru.ts";
import type { Naming } from "./named.ts";
import { createRenew } from "./renew.ts";
import { createRepackCheck } from "./repacked.ts";
import { createSeen } from "./seen.ts";
import { similarEvents } from "./similar.ts";
import type { Soundness } from "./soundness.ts";
import type { StoredArtifact } from "./stored-reply.ts";
import { createTasks } from "./tasks.ts";
import { createTold } from "./told.ts";
import type { Uses } from "./uses.ts";
import { createWithheld } from "./withheld.ts";

export interface RepositorySettings {
  name: string;
  options: unknown;
  claims: string[];
  freshnessMs: number;
  hosted: HostedOptions;
  /** Rules that may be about its packages, in their order. */
  policy: readonly PolicyRule[];
  hasUpstreams?: boolean;
  /** Code hosts that releases are made from. */
  sources?: readonly SourceSettings[];
  /** No code host is asked. */
  offline?: boolean;
}

/** What all repositories of a server share. */
export interface Shared {
  views: ViewFiles;
  blobs: Blobs;
  database: Database;
  changes: Changes;
  naming: Naming;
  /** What this server may do for all that share the data. */
  leases: Leases;
  soundness: Soundness;
  uses: Uses;
  /** Where clients are sent for large files; without it nowhere. */
  afar?: Afar;
  events: Events;
  transform: Transform;
  viewMemory: Lru<{ digest: string; view: View }>;
  artifactMemory: Lru<StoredArtifact>;
  /** What the server itself may. */
  ownGrant: Grant;
  /** The same as it makes releases of the code at a URL: who published them is told by that. */
  sourceGrant(url: string): Grant;
  mirrors: Mirrors;
  /** Counts what came of asking a code host for one entry of `sources`. */
  askedSource?(repository: string, names: string, result: "new" | "same" | "failed"): void;
  /** Secrets of the server's own, by name. */
  secret: Repository["secret"];
  /** Accounts as one caller may use them. */
  accounts(grant: Grant): Accounts;
  /** Names of what is published here. */
  hostedNames: HostedNames;
  audit: HostedDeps["audit"];
  waivers: Waivers;
  /** Where the pages that explain releases stand, up to the purl. */
  whyUrl(): string;
  /** What feeds tell is wrong with releases. */
  advisories: AskedAdvisories & Advisories;
  tell: HostedDeps["tell"];
  closed?: HostedDeps["closed"];
  /** Whether the upstream of all is a server that this one follows. */
  isFollower?: boolean;
  /** Whether anonymous callers may read the package: that they do is not written down. */
  isPublic(repository: string, packageName: string): boolean;
  now(): number;
  /** For tests: see `DocumentDeps`. */
  patienceMs?: number;
}

/** A repository, and its format at work on it. */
export interface Mounted {
  format: AnyFormat;
  repository: UnboundRepository;
  service: Service;
  /** What is published in it, for one caller. */
  hosting(grant: Grant): HostedRoom;
  /** Its code hosts, whoever asks. */
  sources: RepositorySources;
  /** Whether the name is its own, or of one that it is built on: published there, or claimed. */
  owns(packageName: string): boolean;
  /** Whether something is published under the name, in it or in one that it is built on. */
  hosts(packageName: string): boolean;
  /** False where nothing but what is stored or published is ever had. */
  hasUpstreams: boolean;
  hostedKeys: Parts["hostedKeys"];
  /** What its rules and the waivers say of a release. */
  decide: Policy["decide"];
  /** Who made its files. */
  attested: Attested;
  /** Brings the stored documents of a package up to date, and says how many there are. Throws a Problem where the upstream cannot be asked. */
  renew(packageName: string): Promise<number>;
  /** Lets go of what it holds. Nothing is asked of it afterwards. */
  close(): Promise<void>;
}

export function createRepository(
  settings: RepositorySettings,
  format: AnyFormat,
  upstream: Upstream,
  shared: Shared,
  /** What it is built on: `upstream` asks them for what none of them owns. */
  bases: readonly Mounted[] = [],
): Mounted {
  const { name, options } = settings;
  const { database, blobs, now } = shared;
  const isHosted = (packageName: string) => shared.hostedNames.has(name, packageName);
  const changes = leavable(shared.changes);
  // One that has published it goes before one that claims it for nothing yet.
  const baseOf = (packageName: string) =>
    bases.find((base) => base.hosts(packageName)) ?? bases.find((base) => base.owns(packageName));
  const sources = createSources(
    {
      repository: name,
      offline: settings.offline ?? false,
      mirrors: shared.mirrors,
      count: (names, result) => shared.askedSource?.(name, names, result),
      database,
      changes,
      events: shared.events,
      now,
      blobs,
      hosting: (url) => hosting(shared.sourceGrant(url)),
    },
    settings.sources ?? [],
  );
  const claims = [...settings.claims, ...sources.claims];
  const door = createDoor(
    name,
    claims,
    format.spell,
    isHosted,
    (packageName) => baseOf(packageName) !== undefined,
    sources.above,
  );
  const elsewhere = (packageName: string): Mounted | null => {
    if (bases.length === 0 || door.whose(packageName) !== "base") return null;
    return baseOf(packageName)!;
  };
  const transform: Transform = (job, call) => shared.transform(job, { ...call, repository: name });
  const report: Repository["report"] = (event) => shared.events.report(name, event);
  let heard = 0;
  for (const kind of ["document", "hosted", "kept"] as const)
    changes.on(
      kind,
      ({ repository: where }, from) => {
        if (from === "elsewhere" && where === name) heard += 1;
      },
      () => {
        heard += 1;
      },
    );
  const values = createKept({ repository: name, database, changes, now });
  let parts: Parts; // complete before anybody asks
  const boundTo = createBinder(() => parts);
  const unbound: Parts["unbound"] = {
    name,
    options,
    hasUpstreams: settings.hasUpstreams ?? true,
    mayBlock: settings.policy.some(({ block }) => block !== undefined),
    report,
    now,
    claimPatterns: claims,
    secret: shared.secret,
    heard: () => (changes.isShared ? heard : null),
    catchUp: changes.catchUp,
    claims: (packageName) => door.whose(packageName) !== "upstream",
  };
  const repository: UnboundRepository = {
    ...unbound,
    ...values,
    ask: (question) => boundTo(shared.ownGrant).ask(question),
    for: boundTo,
    own() {
      owned ??= { ...boundTo(shared.ownGrant), hosting: hosting(shared.ownGrant) };
      return owned;
    },
  };
  let owned: OwnedRepository | null = null;
  const service: Service = format.mount(repository);
  const absences = createAbsences({
    repository: name,
    database,
    unavailable: () => upstream.unavailable(),
    now,
  });
  const common = {
    repository: name,
    absences,
    types: format.documents,
    upstream,
    blobs,
    database,
    changes,
    naming: shared.naming,
    leases: shared.leases,
    transform,
    report,
    now,
  };
  const ruled = ruledRepository(name, format);
  const policy = createPolicy(settings.policy, ruled, shared.waivers, {
    feeds: shared.advisories,
    whyUrl: shared.whyUrl,
  });
  const fetched = createDocuments({
    ...common,
    format: format.name,
    freshnessMs: settings.freshnessMs,
    isFollower: shared.isFollower ?? false,
    ...(shared.patienceMs !== undefined && { patienceMs: shared.patienceMs }),
    storeEvent: (sql, event) => shared.events.store(sql, name, event),
    announce: (event) => shared.events.announce(name, event),
    hasDigests: (format.alsoPinned ?? []).length > 0,
    firstMet: similarEvents(format, policy),
    repacked: format.contentDigest ? createRepackCheck({ ...common, format }) : null,
    admit: service.admit
      ? (candidate) => service.admit!(candidate, boundTo(shared.ownGrant))
      : null,
  });
  const composed = createHostedDocuments({ ...common, format: format.name, files: shared.views });
  const documents = eitherDocuments(
    isHosted,
    (packageName) => elsewhere(packageName) !== null,
    composed,
    fetched,
  );
  const attested = createAttested({
    ...common,
    find: service.provenance ?? null,
    own: () => boundTo(shared.ownGrant),
  });
  const withheld = createWithheld({
    ...common,
    documents,
    policy,
    told: createWithheldTold({ ...common, events: shared.events }),
    isHosted,
    wantProvenance: attested.want,
    datedBy: format.datedBy,
    factNames: format.factNames,
    waivers: shared.waivers,
    values,
  });
  const models = createModels({ types: format.documents, documents, isSound, now });
  const tasks = createTasks({
    repository: name,
    format: format.name,
    blobPath: (sha256) => localOf(blobs, sha256),
    files: shared.views,
    transform,
  });
  const views = createViews({
    repository: name,
    format: format.name,
    types: format.documents,
    documents,
    files: shared.views,
    transform,
    memory: shared.viewMemory,
    now,
  });
  const artifacts = createArtifacts({
    ...common,
    soundness: shared.soundness,
    uses: shared.uses,
    ...(shared.afar && { afar: shared.afar }),
    format,
    documents,
    memory: shared.artifactMemory,
    withheld,
    isHosted,
    isElsewhere: (packageName) => elsewhere(packageName) !== null,
    stored: attested.stored,
    isPrivate: (packageName) => isHosted(packageName) && !shared.isPublic(name, packageName),
  });
  let turn = 0;
  changes.on(
    "hosted",
    ({ repository }) => {
      if (repository === name) turn += 1;
    },
    () => {
      turn += 1;
    },
  );
  const hosting = createHosting(
    { ...shared, names: shared.hostedNames },
    {
      ...settings.hosted,
      repository: name,
      format: format.name,
      promoted: format.promoted ?? null,
      abandoned: format.abandoned ?? null,
      staying: format.staying ?? null,
      canHost: format.hosts ?? false,
      turn: () => turn,
      claims: door.claims,
      bases: () => bases.map((base) => base.hosting(shared.ownGrant)),
      elsewhere(packageName) {
        const base = elsewhere(packageName);
        return base && { name: base.repository.name, room: base.hosting(shared.ownGrant) };
      },
    },
  );

  const show = createShow({ ...common, documents, views, withheld, isSound });
  const ask = createAsk(upstream, absences);
  parts = {
    unbound,
    door,
    database,
    show,
    withheld,
    models,
    artifacts,
    ask,
    tasks,
    absences,
    values,
    accounts: shared.accounts,
    hosting,
    sources,
    told: createTold(shared.advisories, format.advisories?.purlType ?? null),
    hostedKeys,
    elsewhere: (packageName) => elsewhere(packageName)?.repository.for(shared.ownGrant) ?? null,
    seen: createSeen({
      isOf: (packageName, from) => elsewhere(packageName)?.repository.for(shared.ownGrant) === from,
      isPrivate: (packageName) => !shared.isPublic(name, packageName),
    }),
  };

  function hostedKeys(kind: string, text: string): string[] {
    const type = format.documents[kind];
    if (!type?.complete || !type.compose) return [];
    const own = shared.hostedNames.list(name, text);
    if (bases.length === 0) return own;
    return [...new Set([...own, ...bases.flatMap((base) => base.hostedKeys(kind, text))])];
  }

  async function isSound({ blob, isHosted }: DocumentState): Promise<boolean> {
    if (isHosted) return false; // composing it again is all that can be done
    return shared.soundness.checkNow(blob);
  }

  return {
    format,
    repository,
    service,
    hosting,
    sources,
    hostedKeys,
    decide: policy.decide,
    attested,
    renew: createRenew({ ...common, documents }),
    hasUpstreams: settings.hasUpstreams ?? true,
    hosts: (packageName) => isHosted(packageName) || bases.some((base) => base.hosts(packageName)),
    owns: (packageName) => door.whose(packageName) !== "upstream",
    async close() {
      changes.end();
      await attested.close();
      await service.close?.();
    },
  };
}
