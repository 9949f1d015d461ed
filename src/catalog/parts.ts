// How names are looked for: in one spelling, and by the parts that people remember of them. Pure.

/** Of a name, as much is looked for. */
const LONGEST = 100;

/** In small letters, with one sign for all that part words (PEP 503 says so of its names, and people do of all). A scope's @ and slashes stay. */
export function fold(name: string): string {
  return name
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[\s._~+-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, LONGEST);
}

export interface Part {
  /** 0 the whole name, 1 its last part behind a slash, 2 a word in it. */
  kind: number;
  /** The name from there on. */
  part: string;
}

/** A name in a few parts, each once, by the best kind that it is of. */
export function partsOf(folded: string): Part[] {
  const parts = new Map<string, number>([[folded, 0]]);
  const slash = folded.lastIndexOf("/");
  if (slash >= 0 && slash < folded.length - 1) parts.set(folded.slice(slash + 1), 1);
  for (const { index } of folded.matchAll(/(?<=[-/@])[^-/@]/g)) {
    const part = folded.slice(index);
    if (!parts.has(part)) parts.set(part, 2);
  }
  return [...parts].slice(0, 20).map(([part, kind]) => ({ kind, part }));
}

/** How well a name answers: below is better. Exact, a scope's name, a beginning, a word's beginning, anything within. */
export function rankOf(folded: string, query: string): number {
  if (folded === query) return 0;
  const last = folded.slice(folded.lastIndexOf("/") + 1);
  if (last === query) return 1;
  if (folded.startsWith(query)) return 2;
  if (last.startsWith(query)) return 3;
  return partsOf(folded).some(({ part }) => part.startsWith(query)) ? 4 : 5;
}

/** Greater than all texts that begin so, and than no other. */
export function endOf(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}
