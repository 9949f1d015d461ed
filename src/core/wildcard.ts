// Patterns in which * stands for any text: of claims, of mirrors, of Composer's lists.

/**
 * A test for one pattern, slashes included, case as it is. Linear in the length of the text: the parts between the stars are looked for from
 * left to right, where a regular expression would try the stars against each other.
 */
export function wildcard(pattern: string): (text: string) => boolean {
  const [first = "", ...middle] = pattern.split("*");
  const last = middle.pop();
  if (last === undefined) return (text) => text === first;
  return (text) => {
    if (text.length < first.length + last.length) return false;
    if (!text.startsWith(first) || !text.endsWith(last)) return false;
    let at = first.length;
    for (const part of middle) {
      const found = text.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= text.length - last.length;
  };
}
