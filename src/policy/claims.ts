// Which names belong to a repository's owner: never asked for upstream, on any path.

/** The first pattern that covers a name, as it is configured, or null. */
export type Claims = (name: string) => string | null;

/**
 * A test for the patterns of `claims`. `*` stands for any text, slashes included; matching ignores case. `spell` is the one
 * spelling of names that the ecosystem takes for the same (PEP 503); patterns are brought to it too.
 */
export function createClaims(
  patterns: readonly string[],
  spell: (text: string) => string = (text) => text,
): Claims {
  if (patterns.length === 0) return () => null;
  const canonical = (text: string) => spell(text).toLowerCase();
  const matchers = patterns.map((pattern) => createMatcher(canonical(pattern.replace(/\/+$/, ""))));
  return (name) => {
    const text = canonical(name);
    return patterns[matchers.findIndex((matches) => matches(text))] ?? null;
  };
}

/** Linear in the length of the name: the parts between the stars are looked for from left to right. */
function createMatcher(pattern: string): (name: string) => boolean {
  const parts = pattern.split("*");
  if (parts.length === 1) return (name) => name === pattern || name.startsWith(`${pattern}/`);
  const first = parts[0]!;
  const last = parts.at(-1)!;
  const middle = parts.slice(1, -1);
  return (name) => {
    if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last))
      return false;
    let at = first.length;
    for (const part of middle) {
      const found = name.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= name.length - last.length;
  };
}
