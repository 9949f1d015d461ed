// Go's semantic versions: validity, canonical form and order. https://go.dev/ref/mod#versions
// Not the npm library: Go has no bound on numbers, allows v1 and v1.2, and ignores build metadata in order.

const NUMBER = "(0|[1-9]\\d*)";
const IDENTIFIER = "(?:0|[1-9]\\d*|\\d*[A-Za-z-][0-9A-Za-z-]*)";
const BUILD = "[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*";
const VERSION = new RegExp(
  `^v${NUMBER}(?:\\.${NUMBER}(?:\\.${NUMBER}(?:-(${IDENTIFIER}(?:\\.${IDENTIFIER})*))?(?:\\+(${BUILD}))?)?)?$`,
);
const PSEUDO =
  /^v\d+\.(0\.0-|\d+\.\d+-([^+]*\.)?0\.)\d{14}-[A-Za-z0-9]+(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/;

interface Version {
  numbers: [string, string, string];
  /** Empty for a release. */
  prerelease: string;
  build: string;
}

function parse(version: string): Version | null {
  const match = VERSION.exec(version);
  if (!match) return null;
  const numbers: Version["numbers"] = [match[1]!, match[2] ?? "0", match[3] ?? "0"];
  return { numbers, prerelease: match[4] ?? "", build: match[5] ?? "" };
}

/** vMAJOR.MINOR.PATCH[-PRERELEASE], with "+incompatible" kept and other build metadata dropped; null when it is no version. */
export function canonical(version: string): string | null {
  const parsed = parse(version);
  if (!parsed) return null;
  const text = `v${parsed.numbers.join(".")}${parsed.prerelease && `-${parsed.prerelease}`}`;
  return parsed.build === "incompatible" ? `${text}+incompatible` : text;
}

/** True for versions that were made from a commit. https://go.dev/ref/mod#pseudo-versions */
export function isPseudo(version: string): boolean {
  return parse(version) !== null && PSEUDO.test(version);
}

/** The time of the commit that it was made from, which stands in it: ISO 8601. Null for every other version. */
export function pseudoTime(version: string): string | null {
  if (!isPseudo(version)) return null;
  const [, year, month, day, hour, minute, second] =
    /[.-](\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)-/.exec(version)!;
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}

export function isPrerelease(version: string): boolean {
  return (parse(version)?.prerelease ?? "") !== "";
}

function compareNumber(a: string, b: string): number {
  if (a.length !== b.length) return a.length < b.length ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareIdentifier(a: string, b: string): number {
  const numeric = /^\d+$/;
  if (numeric.test(a) !== numeric.test(b)) return numeric.test(a) ? -1 : 1;
  if (numeric.test(a)) return compareNumber(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

function comparePrerelease(a: string, b: string): number {
  if (a === b) return 0;
  if (!a || !b) return a ? -1 : 1;
  const left = a.split(".");
  const right = b.split(".");
  for (const [at, identifier] of left.entries()) {
    const other = right[at];
    if (other === undefined) return 1;
    const order = compareIdentifier(identifier, other);
    if (order !== 0) return order;
  }
  return -1;
}

/** Negative when `a` comes before `b`. An invalid version comes before all valid ones; build metadata does not count. */
export function compareVersions(a: string, b: string): number {
  const left = parse(a);
  const right = parse(b);
  if (!left || !right) return (left ? 1 : 0) - (right ? 1 : 0);
  for (const [at, number] of left.numbers.entries()) {
    const order = compareNumber(number, right.numbers[at]!);
    if (order !== 0) return order;
  }
  return comparePrerelease(left.prerelease, right.prerelease);
}

/** The highest release, else the highest pre-release, else null. Pseudo-versions never stand for "latest" here. */
export function highest(versions: readonly string[]): string | null {
  const tagged = versions.filter((version) => parse(version) && !isPseudo(version));
  const releases = tagged.filter((version) => !isPrerelease(version));
  const candidates = releases.length ? releases : tagged;
  return candidates.reduce<string | null>(
    (best, version) => (best === null || compareVersions(best, version) < 0 ? version : best),
    null,
  );
}
