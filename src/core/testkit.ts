// For the tests of formats: the parts of a Repository that a test does not expect to be used.
import type { Accounts } from "./accounts.ts";
import type { Advisory, ToldAdvisories } from "./advisory.ts";
import type { Format, Service } from "./format.ts";
import { type Grant, issueGrant, type Permissions } from "./grant.ts";
import type { Hosting } from "./hosting.ts";
import { memo } from "./memo.ts";
import { nobody } from "./principal.ts";
import type { Repository } from "./repository.ts";
import type { Request } from "./request.ts";
import type { Sources } from "./source.ts";

type Part = "model" | "fetch" | "work" | "derive" | "stored" | "pinned" | "remove" | "swap";

function unexpected(name: Part) {
  return async (): Promise<never> => {
    throw new Error(`The test's repository has no ${name}`);
  };
}

/** The grant of a user, or of nobody when the name is empty. */
export function grantOf(name: string, may: Permissions["may"]): Grant {
  const principal = name ? { ...nobody, kind: "user" as const, name } : nobody;
  return issueGrant({ audience: name, principal, fault: null, may });
}

/** A part of which a test expects nothing to be used. */
function unexpectedAll<T extends object>(name: string): T {
  return new Proxy({} as T, {
    get(_target, key) {
      throw new Error(`The test's repository has no ${name}.${String(key)}`);
    },
  });
}

export const unexpectedParts: Pick<
  Repository,
  | Part
  | "hasUpstreams"
  | "mayBlock"
  | "withheld"
  | "secret"
  | "heard"
  | "catchUp"
  | "claimPatterns"
  | "accounts"
  | "hosting"
  | "sources"
  | "advisories"
> = {
  hasUpstreams: true,
  mayBlock: false,
  withheld: async () => ({}),
  claimPatterns: [],
  heard: () => null,
  catchUp: async () => {},
  secret: async () => new Uint8Array(32).fill(7),
  accounts: unexpectedAll<Accounts>("accounts"),
  hosting: unexpectedAll<Hosting>("hosting"),
  sources: {
    patterns: [],
    for: () => null,
    roots: async () => [],
    refresh: async () => true,
  } satisfies Sources,
  advisories: toldOf(null),
  model: unexpected("model"),
  fetch: unexpected("fetch"),
  work: unexpected("work"),
  derive: unexpected("derive"),
  stored: unexpected("stored"),
  pinned: unexpected("pinned"),
  remove: unexpected("remove"),
  swap: unexpected("swap"),
};

/** What feeds tell; null: there is none. */
export function toldOf(advisories: readonly Advisory[] | null): ToldAdvisories {
  const about = async (name: string) => (advisories ?? []).filter((one) => one.package === name);
  return {
    about,
    state: async () =>
      advisories && { readAt: "2026-11-20T06:00:00.000Z", newestAt: null, failing: [] },
    aboutAll: async (names) =>
      new Map(await Promise.all(names.map(async (name) => [name, await about(name)] as const))),
    byId: async (id) => (advisories ?? []).filter((one) => one.id === id),
    async *all() {
      yield* advisories ?? [];
    },
  };
}

/** A high one, of all versions below 1.2.0 unless told. */
export function advisoryOf(changes: Partial<Advisory> & { package: string }): Advisory {
  return {
    id: "GHSA-aaaa-bbbb-cccc",
    aliases: [],
    purlType: "npm",
    kind: "vulnerability",
    summary: "It leaks",
    details: "",
    severity: "high",
    cvss: null,
    score: null,
    cwes: [],
    url: "",
    publishedAt: "2026-01-01T00:00:00.000Z",
    modifiedAt: "2026-01-02T00:00:00.000Z",
    withdrawnAt: null,
    versions: [],
    ranges: [{ introduced: "0", fixed: "1.2.0", lastAffected: null }],
    raw: () => "{}",
    feed: "osv",
    ...changes,
  };
}

/** How a request is read that has this body. */
export function bodyParts(bytes: Uint8Array | string = ""): Pick<Request, "body" | "stream"> {
  return {
    body: async () => Buffer.from(bytes),
    async *stream() {
      yield Buffer.from(bytes);
    },
  };
}

/** Numbers from 0 up to 1 that are the same in every run. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 8) / 0x1000000;
  };
}

const services = memo((_: Repository) => new Map<string, unknown>());

/** The format at work on a test's repository: the same service for as long as the repository lives. */
export function serviceOf<Route extends { kind: string }, Options>(
  format: Format<Route, Options>,
  repository: Repository<Options>,
): Service<Route, Options> {
  const known = services(repository);
  const own = Object.assign(Object.create(repository), { for: () => repository });
  if (!known.has(format.name)) known.set(format.name, format.mount(own));
  return known.get(format.name) as Service<Route, Options>;
}
