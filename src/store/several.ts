// Several values in one place of a query: both databases are given the same text for it, with a `?` for each.

/** What stands in a template in place of one value. */
export class Several {
  readonly values: readonly unknown[];
  /** How many of them stand in brackets together; null for none. */
  readonly width: number | null;
  constructor(values: readonly unknown[], width: number | null) {
    this.values = values;
    this.width = width;
  }
}

/**
 * `` file IN (${list(files)}) ``. At most some thousand. Filled up with its last value to a power of two, so that few statements are prepared. In an
 * empty one nothing is found.
 */
export function list(values: readonly unknown[]): Several {
  const filled = values.length === 0 ? [null] : [...values];
  while ((filled.length & (filled.length - 1)) !== 0) filled.push(filled.at(-1));
  return new Several(filled, null);
}

/** `` VALUES ${tuples(rows)} ``: at least one, and all of one length. */
export function tuples(rows: readonly (readonly unknown[])[]): Several {
  return new Several(rows.flat(), rows[0]!.length);
}

const SIZES = [64, 16, 4, 1];

/** Rows in portions of few different sizes, for statements of `tuples`: a text for each number of rows would be prepared for each. */
export function* portions<Row>(rows: readonly Row[]): Generator<readonly Row[]> {
  for (let at = 0; at < rows.length; ) {
    const size = SIZES.find((one) => one <= rows.length - at)!;
    yield rows.slice(at, at + size);
    at += size;
  }
}

/** The text of a template, with `mark` of its number (1 and up) for each value that is bound, and these. */
export function spread(
  parts: readonly string[],
  values: readonly unknown[],
  mark: (number: number) => string,
): { text: string; bound: unknown[] } {
  let text = parts[0]!;
  const bound: unknown[] = [];
  const add = (value: unknown) => mark(bound.push(value));
  for (const [at, value] of values.entries())
    text += (value instanceof Several ? textOf(value, add) : add(value)) + parts[at + 1]!;
  return { text, bound };
}

function textOf({ values, width }: Several, add: (value: unknown) => string): string {
  const marks = values.map(add);
  if (width === null) return marks.join(", ");
  const groups: string[] = [];
  for (let at = 0; at < marks.length; at += width)
    groups.push(`(${marks.slice(at, at + width).join(", ")})`);
  return groups.join(", ");
}
