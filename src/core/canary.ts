// Made-up packages by which a server proves that it refuses what it should (server/canary/): what a format tells of them.

/**
 * `good` is to be had; `bad` is blocked before anybody had it, and `revoked` after that; a feed tells that `flagged` is malicious; `young` is held; of `tampered` other bytes come than its
 * documents vouch for; `private` is claimed, and nobody is to be asked for it.
 */
export const canaryRoles = [
  "good",
  "bad",
  "revoked",
  "flagged",
  "young",
  "tampered",
  "private",
] as const;
export type CanaryRole = (typeof canaryRoles)[number];

/** One route by which something of a release leaves. The path is as clients of a repository ask, with its leading slash. */
export type CanaryAsk = { path: string; accept?: string } & (
  | { gives: "bytes"; bytes: Uint8Array }
  /** What resolvers need of a release that they will not take: it is told of what is held. */
  | { gives: "description" }
  /** About this one release. */
  | { gives: "answer" }
  /** By which clients choose. `shows`: whether they can choose the release by this answer. */
  | { gives: "list"; shows(text: string): boolean }
);

/** One package with one release. */
export interface CanaryPackage {
  /** As claims name it. */
  name: string;
  /** As rules name it. */
  purl: string;
  asks: readonly CanaryAsk[];
  /** Paths of lists that are asked for before the release is there: where what is held is held back behind an earlier one. */
  before?: readonly string[];
}

/** What the made-up upstream says. */
export interface CanaryAnswer {
  type: string;
  body: Uint8Array | string;
  /** The package that it is about; null: of many. */
  role: CanaryRole | null;
}

export interface CanaryTimes {
  /** When all were released but one. */
  old: Date;
  young: Date;
}

/** See `Format.canary`. */
export interface Canary<Options> {
  packages: Readonly<Record<CanaryRole, CanaryPackage>>;
  /** Names of packages that its documents are about beside those. */
  others?: readonly string[];
  /** Its lists are signed as a whole: what is blocked stays in them, and is refused. */
  areListsSigned?: true;
  /** The repository's own, without what only its real upstream could answer. */
  options(options: Options): Options;
  /** Why nothing vouches for the bytes of a repository with these options: then none can be told from others. Null: something does. */
  unguarded?(options: Options): string | null;
  /** What the upstream has at a path, which is as a format asks for it; null: nothing. `isBefore`: see `CanaryPackage.before`. */
  upstream(path: string, isBefore: boolean): CanaryAnswer | null;
}

/** Where nothing is: what stands before the paths of the made-up upstream. RFC 2606 §2 */
export const CANARY_ORIGIN = "https://canary.invalid/";
/** What all their names begin with. */
export const CANARY_NAME = "holdfast-canary-";

/** For the formats: one of each role. */
export function canaryPackages(
  make: (role: CanaryRole) => CanaryPackage,
): Canary<unknown>["packages"] {
  return Object.fromEntries(
    canaryRoles.map((role) => [role, make(role)]),
  ) as Canary<unknown>["packages"];
}

/** Answers by path, below the origin. `before`: what is said in their place at first. */
export function canaryUpstream(
  answers: ReadonlyMap<string, CanaryAnswer>,
  before: ReadonlyMap<string, CanaryAnswer> = new Map(),
): Canary<unknown>["upstream"] {
  return (asked, isBefore) => {
    const path = asked.replace(CANARY_ORIGIN, "");
    return (isBefore && before.get(path)) || (answers.get(path) ?? null);
  };
}
