// For the tests of formats: the parts of a Repository that a test does not expect to be used.
import type { Accounts } from "./accounts.ts";
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
  | "claimPatterns"
  | "accounts"
  | "hosting"
  | "sources"
> = {
  hasUpstreams: true,
  mayBlock: false,
  withheld: async () => ({}),
  claimPatterns: [],
  secret: async () => new Uint8Array(32).fill(7),
  accounts: unexpectedAll<Accounts>("accounts"),
  hosting: unexpectedAll<Hosting>("hosting"),
  sources: {
    patterns: [],
    for: () => null,
    roots: async () => [],
    refresh: async () => true,
  } satisfies Sources,
  model: unexpected("model"),
  fetch: unexpected("fetch"),
  work: unexpected("work"),
  derive: unexpected("derive"),
  stored: unexpected("stored"),
  pinned: unexpected("pinned"),
  remove: unexpected("remove"),
  swap: unexpected("swap"),
};

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
