// Versions as Debian has them: what one is, and which of two is the later one. deb-version(7)

/** Letters, digits and ". + ~ -", with an epoch before a colon and a revision behind the last dash. */
const VERSION = /^(?:(\d{1,9}):)?(\d[A-Za-z0-9.+~-]*?)(?:-([A-Za-z0-9.+~]+))?$/;
const LONGEST = 200;

export function isVersion(text: string): boolean {
  return text.length <= LONGEST && VERSION.test(text);
}

/** As it stands in names of files: without its epoch. */
export function withoutEpoch(version: string): string {
  return version.replace(/^\d+:/, "");
}

/** Without epoch and revision: what the tarball of the authors is called after. */
export function upstreamPart(version: string): string {
  return VERSION.exec(version)?.[2] ?? version;
}

/** Less than 0 when `a` is the earlier one. Both are to be versions. */
export function compareVersions(a: string, b: string): number {
  const [, epochA = "0", upstreamA = a, revisionA = "0"] = VERSION.exec(a) ?? [];
  const [, epochB = "0", upstreamB = b, revisionB = "0"] = VERSION.exec(b) ?? [];
  return (
    Number(epochA) - Number(epochB) ||
    compareParts(upstreamA, upstreamB) ||
    compareParts(revisionA, revisionB)
  );
}

/** Runs of what is no digit, and numbers, in turn. */
function compareParts(a: string, b: string): number {
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a, i)) || (j < b.length && !isDigit(b, j))) {
      const difference = orderOf(a, i) - orderOf(b, j);
      if (difference) return difference;
      i += 1;
      j += 1;
    }
    const [numberA, numberB] = [numberAt(a, i), numberAt(b, j)];
    i += numberA.length;
    j += numberB.length;
    const [digitsA, digitsB] = [numberA.replace(/^0+/, ""), numberB.replace(/^0+/, "")];
    if (digitsA.length !== digitsB.length) return digitsA.length - digitsB.length;
    if (digitsA !== digitsB) return digitsA < digitsB ? -1 : 1;
  }
  return 0;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

function numberAt(text: string, at: number): string {
  let end = at;
  while (end < text.length && isDigit(text, end)) end += 1;
  return text.slice(at, end);
}

/** A tilde before the end, the end as a digit, letters before all else. */
function orderOf(text: string, at: number): number {
  if (at >= text.length || isDigit(text, at)) return 0;
  const character = text[at]!;
  if (character === "~") return -1;
  return /[A-Za-z]/.test(character) ? character.charCodeAt(0) : character.charCodeAt(0) + 256;
}
