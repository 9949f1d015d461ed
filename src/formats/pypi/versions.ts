// The normal form of a version. https://packaging.python.org/en/latest/specifications/version-specifiers/ (PEP 440)

const VERSION = new RegExp(
  [
    "^v?(?:(\\d+)!)?(\\d+(?:\\.\\d+)*)",
    "(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?(\\d*))?",
    "(?:-(\\d+)|[-_.]?(post|rev|r)[-_.]?(\\d*))?",
    "(?:[-_.]?(dev)[-_.]?(\\d*))?",
    "(?:\\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$",
  ].join(""),
);

const PRE: Record<string, string> = { alpha: "a", beta: "b", preview: "rc", pre: "rc", c: "rc" };

/** True for what PEP 440 calls a version, in whatever spelling. */
export function isVersion(text: string): boolean {
  return text.length <= 200 && VERSION.test(text.trim().toLowerCase());
}

const number = (digits: string) => digits.replace(/^0+(?=\d)/, "") || "0";

/** The one spelling of a version ("1.0-Beta.2" → "1.0b2"); a text that is no version comes back trimmed and as it is. */
export function normalizeVersion(text: string): string {
  const trimmed = text.trim();
  if (trimmed.length > 200) return trimmed;
  const match = VERSION.exec(trimmed.toLowerCase());
  if (!match) return trimmed;
  const [, epoch, release, pre, preNumber, bare, post, postNumber, dev, devNumber, local] = match;
  let normal = release!.split(".").map(number).join(".");
  if (epoch && number(epoch) !== "0") normal = `${number(epoch)}!${normal}`;
  if (pre) normal += `${PRE[pre] ?? pre}${number(preNumber!)}`;
  if (bare ?? post) normal += `.post${number(bare ?? postNumber!)}`;
  if (dev) normal += `.dev${number(devNumber!)}`;
  if (local) {
    const parts = local.split(/[-_.]/).map((part) => (/^\d+$/.test(part) ? number(part) : part));
    normal += `+${parts.join(".")}`;
  }
  return normal;
}

/** The same for all spellings of versions that are equal: "1.0" and "1". PEP 440: "zero padded to match". */
export function canonicalVersion(text: string): string {
  return normalizeVersion(text).replace(/^((?:\d+!)?\d+(?:\.\d+)*?)(?:\.0+)+(?!\.?\d)/, "$1");
}

const FIRST = -1n;
const LAST = 1n << 1024n;
const PHASES: Record<string, bigint> = { a: 0n, b: 1n, rc: 2n };
const NORMAL =
  /^(?:(\d+)!)?(\d+(?:\.\d+)*)(?:(a|b|rc)(\d+))?(?:\.post(\d+))?(?:\.dev(\d+))?(?:\+(.+))?$/;

/** What versions are compared by, part by part; null for what is none. */
function keyOf(version: string): { numbers: bigint[]; release: bigint[]; local: string } | null {
  const match = NORMAL.exec(canonicalVersion(version));
  if (!match) return null;
  const [, epoch = "0", release = "", phase, pre, post, dev, local = ""] = match;
  // PEP 440: a developmental release comes before the pre-releases of what it leads to.
  const isDevAlone = dev !== undefined && phase === undefined && post === undefined;
  const noPhase = isDevAlone ? FIRST : LAST;
  return {
    numbers: [
      BigInt(epoch),
      phase === undefined ? noPhase : PHASES[phase]!,
      BigInt(pre ?? 0),
      post === undefined ? FIRST : BigInt(post),
      dev === undefined ? LAST : BigInt(dev),
    ],
    release: release.split(".").map(BigInt),
    local,
  };
}

function compare<T>(a: readonly T[], b: readonly T[], one: (a: T, b: T) => number): number {
  for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
    const order = one(a[at]!, b[at]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

const byNumber = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0);

/** PEP 440: numbers come after words. */
function byLocal(a: string, b: string): number {
  const [isNumber, isOther] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (isNumber && isOther) return byNumber(BigInt(a), BigInt(b));
  if (isNumber !== isOther) return isNumber ? 1 : -1;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Older before newer, as PEP 440 has it; what is no version before all that are. */
export function compareVersions(a: string, b: string): number {
  const [one, other] = [keyOf(a), keyOf(b)];
  if (!one || !other) return Number(one !== null) - Number(other !== null);
  const [epoch, ...rest] = one.numbers;
  const [otherEpoch, ...otherRest] = other.numbers;
  const locals = [one.local, other.local].map((local) => local.split(".").filter(Boolean));
  return (
    byNumber(epoch!, otherEpoch!) ||
    compare(one.release, other.release, byNumber) ||
    compare(rest, otherRest, byNumber) ||
    compare(locals[0]!, locals[1]!, byLocal)
  );
}

/** PEP 440: what installers take only where they are told to. */
export function isPrerelease(version: string): boolean {
  return /(a|b|rc|\.dev)\d+/.test(normalizeVersion(version).replace(/\+.*$/, ""));
}
