// Whether a name is close to one that many know: what somebody types who means the other one. Pure.

/** A shorter one is close to too many. */
const SHORTEST = 5;
/** What looks alike in many fonts, as one of them. */
const ALIKE: readonly (readonly [RegExp, string])[] = [
  [/rn/g, "m"],
  [/vv/g, "w"],
  [/[1i|]/g, "l"],
  [/0/g, "o"],
  [/5/g, "s"],
];

/**
 * The popular name that this one may be taken for; null when it is one itself, or close to none. Close is: one letter more, less or another, two
 * neighbours swapped, the same but for dots and dashes and for what looks alike, or the same words in another order.
 */
export function similarTo(name: string, popular: Iterable<string>): string | null {
  const wanted = name.toLowerCase();
  const looks = looksOf(wanted);
  const words = wordsOf(wanted);
  let found: string | null = null;
  for (const other of popular) {
    if (other === wanted) return null;
    if (found !== null || other.length < SHORTEST) continue;
    const isClose =
      looksOf(other) === looks ||
      (words !== null && wordsOf(other) === words) ||
      isOneStep(wanted, other);
    if (isClose) found = other;
  }
  return found;
}

function looksOf(name: string): string {
  const plain = name.replaceAll(/[-_.]/g, "");
  return ALIKE.reduce((text, [letters, one]) => text.replaceAll(letters, one), plain);
}

/** Null for a name of one word. */
function wordsOf(name: string): string | null {
  const words = name.split(/[-_.]/).filter(Boolean);
  return words.length > 1 ? words.sort().join("-") : null;
}

/** One insertion, deletion, substitution, or swap of neighbours. */
function isOneStep(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (long.length - short.length > 1) return false;
  let at = 0;
  while (at < short.length && short[at] === long[at]) at += 1;
  if (short.length < long.length) return short.slice(at) === long.slice(at + 1);
  if (short.slice(at + 1) === long.slice(at + 1)) return true;
  return (
    short[at] === long[at + 1] &&
    short[at + 1] === long[at] &&
    short.slice(at + 2) === long.slice(at + 2)
  );
}
