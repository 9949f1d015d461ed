// Which known word somebody probably meant.

/** Edits (insert, delete, replace, swap neighbours) from `a` to `b`: optimal string alignment. */
export function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, before[j - 2]! + 1);
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}

/** The nearest of the known words, or null when none is near enough to be a slip. */
export function nearest(word: string, known: readonly string[]): string | null {
  const lower = word.slice(0, 64).toLowerCase();
  let best: string | null = null;
  let least = Math.ceil(lower.length / 3) + 1;
  for (const candidate of known) {
    const steps = distance(lower, candidate.toLowerCase());
    if (steps < least) {
      best = candidate;
      least = steps;
    }
  }
  return best;
}
