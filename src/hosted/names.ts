// The names that belong to a repository because something was published under them: in memory, for they are asked at every request.
import type { Changes } from "../store/changes.ts";
import type { Query, ReadDatabase } from "../store/database.ts";

export interface HostedNames {
  has(repository: string, packageName: string): boolean;
  /** Those of a repository that contain `text`, sorted. */
  list(repository: string, text: string): string[];
}

/** Reads all names, and listens for new ones. A name that was published once stays. */
export async function openHostedNames(
  database: ReadDatabase,
  changes: Changes,
): Promise<HostedNames> {
  const names = new Map<string, Set<string>>();
  const add = (repository: string, name: string) => {
    const all = names.get(repository);
    if (all) all.add(name);
    else names.set(repository, new Set([name]));
  };
  const readAll = async () => {
    for (const { repository, name } of await readNames(database.read)) add(repository, name);
  };
  changes.on(
    "hosted",
    ({ repository, key }) => add(repository, key),
    () => {}, // read again before
  );
  changes.copy("hosted", async (some) => {
    if (some.some(({ key }) => key === "")) await readAll();
  });
  await readAll();
  return {
    has: (repository, name) => names.get(repository)?.has(name) ?? false,
    list: (repository, text) =>
      [...(names.get(repository) ?? [])].filter((name) => name.includes(text)).sort(),
  };
}

async function readNames(sql: Query): Promise<{ repository: string; name: string }[]> {
  const rows = await sql`SELECT repository, package FROM hosted_packages`;
  return rows.map((row: Record<string, string>) => ({
    repository: row["repository"]!,
    name: row["package"]!,
  }));
}
