// Ranges of versions as rules write them: `>=1.2 <2 || 3.1.4`, by the order of whichever format.
import type { VersionOrder } from "./policy.ts";

/** Whether a version lies in the range. */
export type Range = (version: string) => boolean;

const PART = /^(>=|<=|>|<|=|!=)?\s*([^\s<>=!|,^~][^\s<>=!|,]*)$/;

/**
 * Reads a range: comparisons (`>=1.2`, `<2`, `=1.0`, `!=1.5`; a bare version is `=`) that must all hold, in alternatives apart by `||`. `*` or the
 * empty text is every version. Throws a RangeError that names the part which cannot be read. Without an `order` only `=` and `!=` can be asked.
 */
export function parseRange(text: string, order: VersionOrder | null): Range {
  const alternatives = text.split("||").map((part) => parseAll(part.trim(), order));
  return (version) => alternatives.some((holds) => holds(version));
}

function parseAll(text: string, order: VersionOrder | null): Range {
  if (text === "" || text === "*") return () => true;
  // "> 1.0" is one comparison, like ">1.0".
  const parts = text
    .replaceAll(/(>=|<=|>|<|!=|=)\s+/g, "$1")
    .split(/[\s,]+/)
    .filter(Boolean)
    .map((part) => parseOne(part, order));
  return (version) => parts.every((holds) => holds(version));
}

function parseOne(text: string, order: VersionOrder | null): Range {
  const match = PART.exec(text);
  if (!match) throw new RangeError(`${JSON.stringify(text)} is no comparison like >=1.2 or 1.2.3`);
  const [, operator = "=", wanted = ""] = match;
  if (order && order(wanted, "") <= 0)
    throw new RangeError(`${JSON.stringify(wanted)} is no version of this format`);
  const same = (version: string) => (order ? order(version, wanted) === 0 : version === wanted);
  if (operator === "=") return same;
  if (operator === "!=") return (version) => !same(version);
  if (!order)
    throw new RangeError(
      `${JSON.stringify(text)}: versions of this format have no order here, so that only exact ones can be named`,
    );
  const holds: Record<string, (sign: number) => boolean> = {
    ">=": (sign) => sign >= 0,
    "<=": (sign) => sign <= 0,
    ">": (sign) => sign > 0,
    "<": (sign) => sign < 0,
  };
  const holdsFor = holds[operator]!;
  return (version) => holdsFor(order(version, wanted));
}
