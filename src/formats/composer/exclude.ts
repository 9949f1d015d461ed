// What of a package belongs into no archive: `archive.exclude` of its composer.json. Matched without regular expressions, which strangers' patterns can
// hold up for hours.
// https://getcomposer.org/doc/04-schema.md#archive; composer/composer, Package/Archiver/BaseExcludeFilter

const LONGEST = 500;
const MOST = 1_000;

/** One sign of a name: itself, any one, any number of any, or one of some. */
type Sign = { is: string } | "any" | "many" | { oneOf: string; isNot: boolean };
/** `deep`: any number of folders. `hasDot`: whether a name that begins with a dot is meant too. */
type Segment = "deep" | { signs: Sign[]; hasDot: boolean };

interface Rule {
  excludes: boolean;
  /** Whether it is about a path from the top, and not one in any folder. */
  isWhole: boolean;
  segments: Segment[];
}

/** True for the paths of files that one of the rules names; a later rule goes before an earlier one, and `!` takes back. */
export function createExclude(texts: readonly string[]): (path: string) => boolean {
  const rules = texts
    .slice(0, MOST)
    .filter((text) => text.length <= LONGEST)
    .map(ruleOf);
  return (path) => {
    const parts = path.split("/");
    let isExcluded = false;
    for (const rule of rules) if (isNamed(rule, parts)) isExcluded = rule.excludes;
    return isExcluded;
  };
}

/** One with a slash before its end that does not begin with one may begin in the middle of a name. */
function ruleOf(text: string): Rule {
  const rule = text.replace(/^!+/, "");
  const slash = rule.indexOf("/");
  const isName = slash < 0 || slash === rule.length - 1;
  const plain = rule.replace(/^\/+|\/+$/g, "");
  const segments = plain.split("/").map((part, at): Segment => {
    if (part === "**" && at > 0) return "deep";
    return { signs: signsOf(part), hasDot: part.startsWith(".") };
  });
  const [first] = segments;
  if (slash > 0 && !isName && first && first !== "deep")
    segments[0] = { signs: ["many", ...first.signs], hasDot: true };
  return { excludes: !text.startsWith("!"), isWhole: slash === 0, segments };
}

function signsOf(text: string): Sign[] {
  const signs: Sign[] = [];
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]!;
    const end = sign === "[" ? text.indexOf("]", at + 2) : -1;
    if (end > 0) {
      const isNot = text[at + 1] === "^";
      signs.push({ oneOf: text.slice(at + (isNot ? 2 : 1), end), isNot });
      at = end;
    } else if (sign === "*") signs.push("many");
    else if (sign === "?") signs.push("any");
    else if (sign === "\\" && at + 1 < text.length) signs.push({ is: text[++at]! });
    else signs.push({ is: sign });
  }
  return signs;
}

function isNamed({ isWhole, segments }: Rule, parts: readonly string[]): boolean {
  const starts = isWhole ? 1 : parts.length;
  const failed = new Set<number>();
  for (let start = 0; start < starts; start++)
    if (fits(segments, 0, parts, start, failed)) return true;
  return false;
}

/** Whether the path, or a folder that it is in, is what the segments from `at` on say. `failed`: where that was found out before. */
function fits(
  segments: readonly Segment[],
  at: number,
  parts: readonly string[],
  from: number,
  failed: Set<number>,
): boolean {
  if (at === segments.length) return true;
  const key = at * (parts.length + 1) + from;
  if (from >= parts.length || failed.has(key)) return false;
  const [segment, part] = [segments[at]!, parts[from]!];
  const next = (to: number, more: number) => fits(segments, to, parts, from + more, failed);
  const isDeep = segment === "deep";
  const found = isDeep
    ? (at < segments.length - 1 && next(at + 1, 0)) ||
      (!part.startsWith(".") && (at === segments.length - 1 || next(at, 1)))
    : (segment.hasDot || !part.startsWith(".")) && isLike(segment.signs, part) && next(at + 1, 1);
  if (!found) failed.add(key);
  return found;
}

/** Goes back to the last star alone. */
function isLike(signs: readonly Sign[], text: string): boolean {
  let [at, here] = [0, 0];
  let [star, after] = [-1, 0];
  while (here < text.length) {
    const sign = signs[at];
    if (sign === "many") {
      star = at++;
      after = here;
    } else if (sign !== undefined && stands(sign, text[here]!)) {
      at++;
      here++;
    } else if (star >= 0) {
      at = star + 1;
      here = ++after;
    } else return false;
  }
  while (signs[at] === "many") at++;
  return at === signs.length;
}

function stands(sign: Exclude<Sign, "many">, letter: string): boolean {
  if (sign === "any") return true;
  if ("is" in sign) return sign.is === letter;
  return isOneOf(sign.oneOf, letter) !== sign.isNot;
}

function isOneOf(letters: string, letter: string): boolean {
  for (let at = 0; at < letters.length; at++) {
    const to = letters[at + 1] === "-" ? letters[at + 2] : undefined;
    if (to !== undefined && letters[at]! <= letter && letter <= to) return true;
    if (to !== undefined) at += 2;
    else if (letters[at] === letter) return true;
  }
  return false;
}
