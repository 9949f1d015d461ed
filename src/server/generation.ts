// One configuration at work: its repositories, the pages about them, and the path of their requests. Another configuration is another
// generation; requests that run end on the one that they began with.

import manifest from "../../package.json" with { type: "json" };
import type { ApiDeps } from "../api/deps.ts";
import { createApi } from "../api/index.ts";
import { type App, createApp } from "../app.ts";
import { type Gate, serverGrant } from "../auth/gate.ts";
import type { Spelling } from "../auth/permissions.ts";
import type { Config } from "../config/resolve.ts";
import { settingsOf } from "../config/settings.ts";
import { Problem } from "../core/problem.ts";
import type { GitHooks } from "../hooks/git/receive.ts";
import { publishGiven } from "../jobs/given.ts";
import type { Operable } from "../jobs/operations.ts";
import { createOverviews } from "../jobs/overview.ts";
import { explain, type PolicedRepository } from "../jobs/policy.ts";
import { readCondition } from "../jobs/state.ts";
import { ruledRepository } from "../policy/rules.ts";
import { parseVerifierKey } from "../proof/verifier.ts";
import { createSite, type SiteDeps } from "../web/site.ts";
import { catalogOf } from "./catalog.ts";
import type { Ground } from "./ground.ts";
import { openIdentity } from "./identity.ts";
import type { Held } from "./mounts.ts";
import { peopleOf } from "./people.ts";
import { groundReasons, isAway, storageTrouble, toldNodes } from "./surroundings.ts";

export interface Generation {
  readonly config: Config;
  readonly held: readonly Held[];
  readonly app: App;
  /** Its repositories as the server itself may use them. */
  readonly own: readonly (Operable & Pick<Held, "format" | "service" | "sources">)[];
  /** With the rules that can be about their packages. */
  readonly policed: readonly PolicedRepository[];
  /** No more requests come: it lets go of its repositories when the last response has ended. */
  retire(): void;
}

/** What is told of the server over all configurations. `whyNotProven`: see `SiteDeps`. */
type ShownDeps = Pick<ApiDeps, "runs" | "work" | "retries" | "disk" | "canaries" | "alarms"> &
  Pick<SiteDeps, "whyNotProven">;

export function createGeneration(
  config: Config,
  held: readonly Held[],
  ground: Ground,
  { whyNotProven, ...shownRuns }: ShownDeps,
  gitHook: GitHooks,
  given?: Gate,
): Generation {
  const { shared, auth, log, metrics, accessLog, tally, follower } = ground;
  const { database, now } = shared;
  ground.isAt(config.publicUrl);
  ground.watch(config.ledger.witnessOf.map((key) => parseVerifierKey(key)!));
  const overviews = createOverviews(held, tally, database, now);
  const { version } = manifest;
  const spelling: Spelling = (name) => held.find((one) => one.name === name)?.format.spell;
  const identity = openIdentity(config, ground, spelling);
  const { outside, exchange } = identity;
  const policed = held.map(({ name, format }) => ({
    ...ruledRepository(name, format),
    rules: config.repositories.find((one) => one.name === name)?.policy ?? [],
  }));
  const catalog = catalogOf(held, policed, shared);
  const site = createSite({
    catalog,
    repositories: held.map(({ name, repository: { options }, format }) => ({
      name,
      format,
      options,
    })),
    version,
    api: createApi({
      ...shownRuns,
      version,
      settings: {
        file: config.places.file,
        items: settingsOf(
          config,
          held.map(({ format }) => format),
        ),
      },
      repositories: held.map((one) => ({
        name: one.name,
        format: one.format.name,
        offline: one.offline,
        claims: one.repository.claimPatterns,
        lock: one.format.lock ?? null,
        operations: one.format.operations ?? [],
        spell: one.format.spell ?? ((text) => text),
        hosting: one.hosting,
        publish: (grant, given) => publishGiven(one, grant, given),
      })),
      overview: overviews.read,
      series: ground.series.read,
      forecast: ground.series.forecast,
      auth,
      policed,
      waivers: shared.waivers,
      catalog,
      now,
      hooks: ground.hooks,
      ledgerLog: follower?.log ?? ground.ledgerLog,
      follower: follower && { url: follower.config.url, state: follower.state },
      fetches: ground.fetches,
      board: ground.board,
      nodes: () => toldNodes(ground.nodes?.list() ?? []),
      condition: () =>
        readCondition({
          sources: held,
          database,
          startedAt: tally.startedAt,
          disk: shownRuns.disk,
          diskLow: config.diskLow,
          feeds: ground.advisories.feeds,
          canaries: shownRuns.canaries,
          ground: () => groundReasons(ground),
          isDatabaseAway: () => isAway(ground.away, "database"),
          now,
        }),
      database,
    }),
    people: peopleOf(auth, identity, held, now),
    metrics,
    gitHook,
    ledgerLog: follower
      ? {
          ...follower.log,
          refresh: async () => {},
          loss: ground.ledgerLog.loss,
          tile: follower.tile,
        }
      : ground.ledgerLog,
    follower: follower && { url: follower.config.url, state: follower.state },
    series: ground.series.read,
    now,
    witness: ground.witness,
    overview: overviews.read,
    states: (grant) =>
      held
        .filter(({ name }) => grant.may(name, "read", null))
        .map(({ offline, isHostedOnly, upstreams }) => ({
          offline,
          isHostedOnly,
          away: upstreams().flatMap(({ host, isAway }) => (isAway ? [host] : [])),
        })),
    async explain(grant, purl) {
      const found = await explain(database.read, policed, shared.waivers.all(), now(), purl);
      return found.filter((one) => grant.may(one.repository, "read", one.package));
    },
    ready: ground.away.look,
    trouble: () => storageTrouble(ground),
    whyNotProven,
  });
  const gate =
    given ??
    auth.use({
      access: follower?.rules ?? config.access,
      ...(follower && { shut: follower.shut }),
      spelling,
      repositories: held.map(({ name }) => name),
      outside: follower ? [noPasswords(follower.config.url)] : outside,
      exchange: (token, { repository, package: name }, _audiences, address) =>
        exchange(token, { repositories: [repository], package: name }, address),
    });
  const releases = held.map((one) => one.hold());
  let running = 0;
  let isRetired = false;
  const end = () => {
    if (!isRetired || running > 0) return;
    for (const release of releases) release();
    gate.close?.();
    identity.close();
  };
  return {
    config,
    held,
    policed,
    app: createApp({
      gate,
      behind: shared.changes.behind,
      closed: shared.closed ?? null,
      repositories: new Map(held.map((one) => [one.name, one])),
      site,
      log,
      now,
      accessLog,
      fetches: ground.fetches,
      refused: ground.refused,
      audit: auth.audit,
      isPublic: auth.isPublic,
      enter() {
        running += 1;
        return () => {
          running -= 1;
          end();
        };
      },
    }),
    // What the server does by itself it does with its own grant.
    own: held.map(({ format, service, repository, sources, hold }) => ({
      format,
      sources,
      service,
      repository: repository.for(serverGrant),
      hold,
    })),
    retire() {
      isRetired = true;
      end();
    },
  };
}

/** Nobody's password leaves the server that knows it. */
function noPasswords(url: string) {
  return async () => {
    const message = `Passwords are known to ${url} alone: come with a token that was made there`;
    throw new Problem("unauthenticated", message, { rule: "follow" });
  };
}
