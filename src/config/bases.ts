// Repositories that are built on others: on such as there are, of their own format, and never in a circle.
import type { Path } from "./errors.ts";
import { nearest } from "./nearest.ts";

type Complain = (path: Path, message: string) => void;

interface Wanted {
  base: string;
  path: Path;
}

/** `repositories`: as the file has them, over the built-in ones. */
export function checkBases(
  repositories: Readonly<Record<string, unknown>>,
  complain: Complain,
): void {
  const all = new Map(
    Object.entries(repositories)
      .filter(([, entry]) => entry !== false)
      .map(([name, entry]) => [name, basesOf(name, entry)] as const),
  );
  for (const [name, wanted] of all)
    for (const { base, path } of wanted) {
      const mistake = mistakeOf(name, base, repositories, all);
      if (mistake) complain(path, mistake);
    }
}

function basesOf(name: string, entry: unknown): Wanted[] {
  const list = (entry as { upstreams?: unknown } | null)?.upstreams;
  if (!Array.isArray(list)) return [];
  return list.flatMap((item, at) => {
    const base = (item as { repository?: unknown } | null)?.repository;
    const path = ["repositories", name, "upstreams", at, "repository"];
    return typeof base === "string" ? [{ base, path }] : [];
  });
}

function mistakeOf(
  name: string,
  base: string,
  repositories: Readonly<Record<string, unknown>>,
  all: ReadonlyMap<string, Wanted[]>,
): string | null {
  if (!all.has(base)) {
    const meant = nearest(base, [...all.keys()]);
    return `there is no repository ${base}${meant ? ` (did you mean "${meant}"?)` : ""}`;
  }
  const formatOf = (of: string) => (repositories[of] as { format?: unknown } | null)?.format;
  if (formatOf(name) !== formatOf(base))
    return `${base} speaks ${formatOf(base)}: a repository is built on such as speak its own format, ${formatOf(name)}`;
  const circle = wayTo(name, base, all, new Set());
  return (
    circle && `${[name, ...circle].join(" is built on ")}: no repository can be built on itself`
  );
}

/** How one leads to another, or null. */
function wayTo(
  wanted: string,
  from: string,
  all: ReadonlyMap<string, Wanted[]>,
  seen: Set<string>,
): string[] | null {
  if (from === wanted) return [from];
  if (seen.has(from)) return null;
  seen.add(from);
  for (const { base } of all.get(from) ?? []) {
    const rest = wayTo(wanted, base, all, seen);
    if (rest) return [from, ...rest];
  }
  return null;
}
