// Which names belong to a repository's owner: never asked for upstream, on any path.

/** A test for the patterns of `claims`. `*` stands for any text, slashes included; matching ignores case. */
export function createClaims(patterns: readonly string[]): (name: string) => boolean {
  if (patterns.length === 0) return () => false;
  const matchers = patterns.map((pattern) => createMatcher(pattern.toLowerCase()));
  return (name) => {
    const lower = name.toLowerCase();
    return matchers.some((matches) => matches(lower));
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
