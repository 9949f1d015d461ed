// Which names belong to a repository's owner: never asked for upstream, on any path.
import { wildcard } from "./wildcard.ts";

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

/** Without a star it is a name, or all that stands below it. */
function createMatcher(pattern: string): (name: string) => boolean {
  if (pattern.includes("*")) return wildcard(pattern);
  return (name) => name === pattern || name.startsWith(`${pattern}/`);
}
