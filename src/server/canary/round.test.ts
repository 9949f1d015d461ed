import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { removeTemp, tempFolder } from "../../../test/support/temp.ts";
import { createRepository, type Mounted } from "../../cache/repository.ts";
import type { RepositoryConfig } from "../../config/resolve.ts";
import type { CanaryAsk, CanaryRole } from "../../core/canary.ts";
import type { AnyFormat } from "../../core/format.ts";
import type { PolicyRule } from "../../core/policy.ts";
import { reply } from "../../core/reply.ts";
import { formats } from "../../formats/index.ts";
import { type CanaryName, canaryNames } from "../../jobs/canaries.ts";
import type { Waiver } from "../../policy/waiver.ts";
import { type Layout, openLayout } from "../../store/layout.ts";
import { placeScratch, type ScratchPlace } from "../../store/scratch.ts";
import { type RoundDeps, runRound } from "./round.ts";

let root: string;
let layout: Layout;
let scratch: ScratchPlace;
beforeEach(async () => {
  root = tempFolder("canary");
  layout = openLayout(root);
  scratch = await placeScratch(layout, "canary");
});
afterEach(async () => {
  await scratch.close();
  removeTemp(root);
});

const NO_WAIVERS = { revision: () => 0, all: () => [] };
type Create = typeof createRepository;
const MINUTE = 60_000;
const DAY = 86_400_000;
const LICENCE = { allow: ["Apache-2.0"], deny: [], unknown: "block" as const };

/** Of a repository that says nothing of its own, or no more than it must. */
function optionsOf({ options }: AnyFormat): unknown {
  const plain = options.safeParse({});
  return plain.success ? plain.data : options.parse({ unverified: true });
}

const settingsOf = (
  format: AnyFormat,
  name = "main",
  more: Partial<RepositoryConfig> = {},
): RepositoryConfig => ({
  name,
  format: format.name,
  upstreams: [],
  bases: [],
  claims: [],
  freshnessMs: 60_000,
  quota: null,
  offline: false,
  listen: null,
  sources: [],
  hookSecret: null,
  hosted: { trashMs: 0, replace: false, quota: null, quotaPerUser: null, fileLimit: 1 << 20 },
  policy: [],
  options: guarded(format),
  written: {},
  ...more,
});

/** With something that vouches for bytes: what, the canaries bring. */
function guarded(format: AnyFormat): unknown {
  const options = optionsOf(format);
  return format.name === "go"
    ? { ...(options as object), sumdb: { name: "s", key: "k" } }
    : options;
}

const round = (settings: readonly RepositoryConfig[], more: Partial<RoundDeps> = {}) =>
  runRound(settings, {
    scratch,
    formats,
    now: Date.now,
    limitMs: 5 * MINUTE,
    pace: async () => {},
    signal: new AbortController().signal,
    waivers: NO_WAIVERS,
    serving: () => null,
    ...more,
  });

/** What is red, by repository. */
async function red(settings: readonly RepositoryConfig[], more: Partial<RoundDeps> = {}) {
  const { results } = await round(settings, more);
  expect(results.length).toBe(settings.length * canaryNames.length);
  return Object.fromEntries(
    settings.map(({ name }) => [
      name,
      results.flatMap(({ repository, canary, state }) =>
        repository === name && state === "red" ? [canary] : [],
      ),
    ]),
  );
}

const rule = { name: "any", repositories: null, versions: null };

/** Ways in which a guard fails for all of a repository, and what must turn red of it. */
const failures: [what: string, broken: (create: Create) => Create, red: CanaryName[]][] = [
  [
    "no rule counts",
    (create) =>
      (settings, ...rest) =>
        create({ ...settings, policy: [] }, ...rest),
    ["bad", "young"],
  ],
  [
    "rules that block do not count",
    (create) =>
      (settings, ...rest) => {
        const policy = settings.policy.filter(({ block }) => block === undefined);
        return create({ ...settings, policy }, ...rest);
      },
    ["bad"],
  ],
  [
    "rules about ages do not count",
    (create) =>
      (settings, ...rest) => {
        const policy = settings.policy.filter(({ minimumAge }) => minimumAge === undefined);
        return create({ ...settings, policy }, ...rest);
      },
    ["young"],
  ],
  [
    "everything is waived",
    (create) => (settings, format, upstream, shared, bases) =>
      create(
        settings,
        format,
        upstream,
        { ...shared, waivers: { ...shared.waivers, all: () => waiversOf(settings.policy) } },
        bases,
      ),
    ["bad", "young"],
  ],
  [
    "what feeds tell does not count",
    (create) => (settings, format, upstream, shared, bases) => {
      const nothing = { about: async () => [], recall: () => [] };
      const advisories = { ...shared.advisories, ...nothing };
      return create(settings, format, upstream, { ...shared, advisories }, bases);
    },
    ["bad"],
  ],
  [
    "claims do not count",
    (create) =>
      (settings, ...rest) =>
        create({ ...settings, claims: [] }, ...rest),
    ["private"],
  ],
];

function waiversOf(policy: readonly PolicyRule[]): Waiver[] {
  return policy
    .flatMap(({ packages }) => packages)
    .map((purl, at) => {
      const [, purlType, name] = /^pkg:(\w+)\/(.*)$/.exec(purl)!;
      return {
        id: `w${at}`,
        repository: null,
        purlType: purlType!,
        package: name!,
        versions: "*",
        reason: "all of it",
        owner: "the test",
        createdAt: 0,
        until: null,
      };
    });
}

test("every format has canaries: repositories of one that has none would be said to be proven", () => {
  expect(formats.filter(({ canary }) => !canary).map(({ name }) => name)).toEqual([]);
});

for (const format of formats)
  describe(format.name, () => {
    test("all is green, and nothing is left", async () => {
      expect(await red([settingsOf(format)])).toEqual({ main: [] });
      expect(readdirSync(layout.incoming)).toEqual(["canary.db"]);
      await scratch.close();
      const left = readdirSync(root, { recursive: true, withFileTypes: true });
      expect(left.filter((file) => file.isFile())).toEqual([]);
    });

    test(
      "all is green beside rules and claims for everything, offline, and where nothing is fetched",
      async () => {
        const purl = `pkg:${format.purlType}/*`;
        const policy = [
          { ...rule, name: "none", packages: [purl], block: "nothing comes from outside" },
          { ...rule, name: "older", packages: [purl], minimumAge: 20_000 * DAY },
          { ...rule, name: "feeds", packages: [purl], advisories: { malicious: "block" as const } },
          { ...rule, name: "made", packages: [purl], provenance: 30 * DAY },
          { ...rule, name: "scripts", packages: [purl], newInstallScript: 14 * DAY },
          { ...rule, name: "names", packages: [purl], similarName: "tell" as const },
          { ...rule, name: "licence", packages: [purl], licence: LICENCE },
        ];
        const settings = [
          settingsOf(format, "ruled", { policy }),
          settingsOf(format, "claimed", { claims: ["*", "*/*", "**"] }),
          settingsOf(format, "offline", { offline: true }),
        ];
        expect(await red(settings)).toEqual({ ruled: [], claimed: [], offline: [] });
      },
      MINUTE,
    );

    // Those of apt are in signed indices: the holes below are through its files.
    const tellsDigests = format.name !== "apt";
    test(`no digest counts: ${tellsDigests ? "tampered" : "which are not in its documents"}`, async () => {
      const create: Create = (settings, one, ...rest) => {
        const options = { ...(settings.options as object), sumdb: false };
        return createRepository({ ...settings, options }, withoutDigests(one), ...rest);
      };
      const expected: CanaryName[] = tellsDigests ? ["tampered"] : [];
      expect(await red([settingsOf(format)], { create })).toEqual({ main: expected });
    });

    for (const [what, broken, expected] of failures)
      test(`${what}: ${expected}`, async () => {
        const create = broken(createRepository);
        expect(await red([settingsOf(format)], { create })).toEqual({ main: expected });
      });

    test(
      "a hole in any one route turns the canary red that is there for it",
      async () => {
        const holes = await holesOf(format);
        expect(holes.length).toBeGreaterThan(5);
        const settings = holes.map((_, at) => settingsOf(format, `hole${at}`));
        const create: Create = (one, ...rest) => {
          const hole = holes[Number(/\d+$/.exec(one.name)![0])]!;
          return withHole(hole, one, ...rest);
        };
        const found = await red(settings, { create });
        const told = (at: number, names: unknown) => ({ ...holes[at]!.told, red: names });
        expect(settings.map(({ name }, at) => told(at, found[name]))).toEqual(
          holes.map(({ canary }, at) => told(at, [canary])),
        );
      },
      MINUTE,
    );

    test("all kinds of routes are asked by which the matrix of policy has something leave", async () => {
      const { packages } = await canaryOf(format);
      const asked = packages.good.asks.map(({ path }) => format.parse("GET", path)?.kind);
      expect([...new Set(asked)].sort()).toEqual(matrixKinds(format.name));
    });
  });

/** Its documents vouch for nothing. */
function withoutDigests(format: AnyFormat): AnyFormat {
  const documents = Object.entries(format.documents).map(([kind, type]) => {
    const facts: typeof type.facts = async (...given) =>
      (await type.facts(...given)).map((fact) => ({ ...fact, integrity: null }));
    return [kind, { ...type, facts }];
  });
  return { ...format, documents: Object.fromEntries(documents) };
}

test("where nothing vouches for bytes nothing is said to be proven of them", async () => {
  const go = formats.find(({ name }) => name === "go")!;
  const { results } = await round([settingsOf(go, "main", { options: optionsOf(go) })]);
  expect(results.filter(({ state }) => state !== "green")).toEqual([
    {
      repository: "main",
      canary: "tampered",
      state: "unproven",
      why: "it has no checksum database (sumdb), so nothing vouches for modules",
    },
  ]);
});

test("where nothing can be opened all are red, and why is said once", async () => {
  const open = () => Promise.reject(new Error("no room on the disk"));
  const { results, failure } = await round([settingsOf(formats[0]!)], { scratch: { open } });
  expect(failure).toBe("no room on the disk");
  expect(results).toEqual(
    canaryNames.map((canary) => ({
      repository: "main",
      canary,
      state: "red",
      why: "no room on the disk",
    })),
  );
});

test("what hangs is red, and leaves nothing either", async () => {
  const create: Create = (...given) => {
    const mounted = createRepository(...given);
    const serve = () => new Promise<never>(() => {});
    return { ...mounted, service: { ...mounted.service, serve } };
  };
  const { results } = await round([settingsOf(formats[0]!)], { create, limitMs: 10 });
  expect([...new Set(results.map(({ why }) => why))]).toEqual(["it did not end within 0.01 s"]);
  expect(readdirSync(layout.incoming)).toEqual(["canary.db"]);
});

test("a round that is ended asks for nothing more", async () => {
  const ending = new AbortController();
  const settings = formats.map((format) => settingsOf(format, format.name));
  let asked = 0;
  const pace = async () => {
    asked += 1;
    if (asked === 150) ending.abort();
    ending.signal.throwIfAborted();
  };
  await round(settings, { signal: ending.signal, pace });
  expect(asked).toBeLessThan(160);
  expect(readdirSync(layout.incoming)).toEqual(["canary.db"]);
});

interface Hole {
  canary: CanaryName;
  ask: CanaryAsk;
  method: string;
  told: object;
}

function canaryOf(format: AnyFormat) {
  const now = Date.now();
  const times = { old: new Date(now - 3_650 * DAY), young: new Date(now - DAY) };
  return format.canary!(times);
}

/** Each route of each package through which it must not leave. */
async function holesOf(format: AnyFormat): Promise<Hole[]> {
  const { packages, areListsSigned } = await canaryOf(format);
  const canaryFor: Record<CanaryRole, CanaryName> = {
    good: "good",
    bad: "bad",
    revoked: "bad",
    flagged: "bad",
    young: "young",
    tampered: "tampered",
    private: "private",
  };
  return (Object.keys(canaryFor) as CanaryRole[]).flatMap((role) =>
    packages[role].asks.flatMap((ask) => {
      const canary = canaryFor[role];
      const { gives, path } = ask;
      // A good one is let through on all of them.
      if (role === "good") return [];
      if (role === "tampered" && gives !== "bytes") return [];
      if (role === "young" && gives === "description") return [];
      if (canary === "bad" && areListsSigned && gives === "list") return [];
      const methods = gives === "bytes" ? ["GET", "HEAD"] : ["GET"];
      return methods.map((method) => ({
        canary,
        ask,
        method,
        told: { role, path, method, accept: ask.accept },
      }));
    }),
  );
}

/** The route goes past everything: to a repository without rules and claims, or to the bytes that came. */
function withHole(
  { ask, method }: Hole,
  ...[settings, format, upstream, shared]: Parameters<Create>
): Mounted {
  const guardedOne = createRepository(settings, format, upstream, shared);
  // Before there are rules.
  if (settings.policy.length === 0) return guardedOne;
  const open = createRepository({ ...settings, policy: [], claims: [] }, format, upstream, shared);
  const isTampered = ask.gives === "bytes" && ask.path.includes("tampered");
  return {
    ...guardedOne,
    service: {
      ...guardedOne.service,
      async serve(route, request, repository) {
        const isHole =
          request.path === ask.path &&
          request.method === method &&
          (ask.accept === undefined || request.header("accept") === ask.accept);
        if (!isHole) return guardedOne.service.serve(route, request, repository);
        if (isTampered) return reply(200, "application/octet-stream", "others");
        return open.service.serve(route, request, open.repository.for(shared.ownGrant));
      },
    },
    async close() {
      await open.close();
      await guardedOne.close();
    },
  };
}

/** Kinds of routes by which test/policy-matrix.test.ts has something leave. */
function matrixKinds(format: string): string[] {
  const text = readFileSync("test/policy-matrix.test.ts", "utf8");
  const subject = new RegExp(
    `\\n  ${format}: \\{\\n[\\s\\S]*?\\n    routes: \\{\\n([\\s\\S]*?)\\n    \\},`,
  );
  const routes = subject.exec(text)![1]!;
  const kinds = routes.matchAll(/^ {6}"?([\w-]+)"?: (?:\{|\[)/gm);
  return [...kinds].map(([, kind]) => kind!).sort();
}
