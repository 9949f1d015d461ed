// What authors call the releases of a package (dist-tags, branches), of the documents that are stored: read by a worker when somebody looks, and
// remembered for as long as the document is the same.
import type { Labels } from "../core/labels.ts";
import { Problem } from "../core/problem.ts";
import type { Query } from "../store/database.ts";

/** Documents of which it is remembered. */
const KEPT = 2_000;

export interface ReadLabels {
  /** Versions, by label. Empty where nothing is known. */
  of(packageName: string): Promise<Record<string, string>>;
}

export interface LabelDeps {
  sql: Query;
  repository: string;
  /** Null: the format has none. */
  labels: Labels | null;
  /** Has a worker read a stored document. Throws a Problem. */
  work(packageName: string, sha256: string): Promise<Record<string, string>>;
}

export function createLabels({ sql, repository, labels, work }: LabelDeps): ReadLabels {
  const known = new Map<string, Record<string, string>>();

  async function read(packageName: string, sha256: string): Promise<Record<string, string>> {
    const found = known.get(sha256);
    if (found) return found;
    try {
      const made = await work(packageName, sha256);
      // Anew from the beginning: what is looked at again is there again at once.
      if (known.size >= KEPT) known.clear();
      known.set(sha256, made);
      return made;
    } catch (error) {
      // Clients are told what is wrong with a document; a page shows the rest.
      if (error instanceof Problem) return {};
      throw error;
    }
  }

  return {
    async of(packageName) {
      if (!labels) return {};
      const [hosted] = await sql`SELECT state FROM hosted_packages
        WHERE repository = ${repository} AND package = ${packageName}`;
      if (hosted) return labels.hosted?.(JSON.parse(hosted.state)) ?? {};
      const all: Record<string, string> = {};
      for (const { kind, key } of labels.documents(packageName)) {
        const [row] = await sql`SELECT blob FROM documents
          WHERE repository = ${repository} AND kind = ${kind} AND key = ${key}`;
        if (row?.blob) Object.assign(all, await read(packageName, row.blob));
      }
      return all;
    },
  };
}
