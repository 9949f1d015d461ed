// The normalized form of a version, by which Composer knows a release: what its mirrors' URLs are made with.
// composer/semver, VersionParser::normalize

const MODIFIER = String.raw`[._-]?(?:(stable|beta|b|rc|alpha|a|patch|pl|p)(\d*(?:[.-]\d+)*))?([.-]?dev)?`;
const CLASSICAL = new RegExp(String.raw`^v?(\d{1,5})(\.\d+)?(\.\d+)?(\.\d+)?${MODIFIER}$`, "i");
const DATED = new RegExp(
  String.raw`^v?(\d{4}(?:[.:-]?\d{2}){1,6}(?:[.:-]?\d{1,3})?)${MODIFIER}$`,
  "i",
);
const BRANCH = /^v?(\d+)(\.(?:\d+|[x*]))?(\.(?:\d+|[x*]))?(\.(?:\d+|[x*]))?$/i;
const LONGEST = 255;

const STABILITY: Record<string, string> = {
  a: "alpha",
  b: "beta",
  p: "patch",
  pl: "patch",
  rc: "RC",
};

/** `v1.2` → `1.2.0.0`, `1.x-dev` → `1.9999999.9999999.9999999-dev`, `dev-main` stays. Null for what is no version. */
export function normalizeVersion(text: string): string | null {
  if (text.length > LONGEST) return null;
  let version = text.trim();
  version = /^([^,\s]+) +as +([^,\s]+)$/.exec(version)?.[1] ?? version;
  version = version.replace(/@(?:stable|rc|beta|alpha|dev)$/i, "");
  if (["master", "trunk", "default"].includes(version)) version = `dev-${version}`;
  if (/^dev-/i.test(version)) return `dev-${version.slice("dev-".length)}`;
  version = /^([^,\s+]+)\+\S+$/.exec(version)?.[1] ?? version;

  const classical = CLASSICAL.exec(version);
  if (classical) {
    const [, major, minor, patch, fourth] = classical;
    const numbers = `${major}${minor ?? ".0"}${patch ?? ".0"}${fourth ?? ".0"}`;
    return withModifier(numbers, classical.slice(5));
  }
  const dated = DATED.exec(version);
  if (dated) return withModifier(dated[1]!.replace(/\D/g, "."), dated.slice(2));
  return normalizeNumericBranch(version);
}

/** True for branches: what they hold changes with every commit. */
export function isBranch(normalized: string): boolean {
  return normalized.startsWith("dev-") || normalized.endsWith("-dev");
}

function withModifier(numbers: string, [stability, number, dev]: (string | undefined)[]): string {
  const name = stability?.toLowerCase();
  if (stability === "stable") return numbers;
  const suffix = name ? `-${STABILITY[name] ?? name}${(number ?? "").replace(/^[.-]+/, "")}` : "";
  return `${numbers}${suffix}${dev ? "-dev" : ""}`;
}

/** `1.x-dev`: a branch that ends in "-dev" is named by numbers, or it would begin with "dev-". */
function normalizeNumericBranch(version: string): string | null {
  const name = /^(.*?)[.-]?dev$/i.exec(version)?.[1];
  const normalized = name === undefined ? null : normalizeBranch(name);
  return normalized?.startsWith("dev-") ? null : normalized;
}

/** `1.x` → `1.9999999.9999999.9999999-dev`, `main` → `dev-main`. Null for a name that no constraint could ask for. VcsRepository::validateBranch */
export function normalizeBranch(text: string): string | null {
  const name = text.trim();
  if (name.length > LONGEST || /[,|\s]/.test(name)) return null;
  const match = BRANCH.exec(name);
  if (!match) return `dev-${name}`;
  const parts = match.slice(1).map((part) => (part ?? ".x").replace(/[X*]/g, "x"));
  return `${parts.join("").replaceAll("x", "9999999")}-dev`;
}
