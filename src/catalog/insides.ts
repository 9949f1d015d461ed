// What is in stored files: looked at once, by a worker, and kept by the digest of their bytes.
import type { FileRow } from "../core/catalog.ts";
import type { Inside } from "../core/inside.ts";
import { Problem } from "../core/problem.ts";
import type { Database } from "../store/database.ts";

/** Larger ones nobody waits for. Bytes. */
export const LARGEST = 48 * 2 ** 20;
/** Kept for as many files; what goes is looked at again. */
const KEPT = 20_000;

export interface Insides {
  /** `like`: a file of another version that it is to be compared with. */
  look(
    packageName: string,
    version: string,
    files: readonly FileRow[],
    like?: string | null,
  ): Promise<{ inside: Inside | null; file: string | null; why: string | null }>;
}

export interface InsideDeps {
  database: Database;
  format: string;
  /** Another number where it reads otherwise. */
  reader: number;
  /** Which files it can look into, by name; null: none. */
  files: RegExp | null;
  /** Has a worker look. Throws a Problem. */
  work(file: FileRow, packageName: string, version: string): Promise<Inside>;
  now(): number;
}

const NOT_STORED = "None of its files is stored here";

export function createInsides(deps: InsideDeps): Insides {
  const { database, format, reader } = deps;

  async function kept(sha256: string): Promise<Inside | string | null> {
    const [row] = await database.read`SELECT inside FROM insides
      WHERE sha256 = ${sha256} AND format = ${format} AND reader = ${reader}`;
    return row ? JSON.parse(row.inside) : null;
  }

  async function keep(sha256: string, found: Inside | string): Promise<void> {
    const text = JSON.stringify(found);
    await database.write(async (sql) => {
      await sql`INSERT INTO insides (sha256, format, reader, inside, at) VALUES (${sha256}, ${format}, ${reader}, ${text}, ${deps.now()})
        ON CONFLICT (sha256, format) DO UPDATE SET reader = excluded.reader, inside = excluded.inside, at = excluded.at`;
      await sql`DELETE FROM insides WHERE at < (SELECT at FROM insides ORDER BY at DESC LIMIT 1 OFFSET ${KEPT})`;
    });
  }

  return {
    async look(packageName, version, files, like = null) {
      const nothing = (why: string) => ({ inside: null, file: null, why });
      const stored = files.filter(({ isStored }) => isStored);
      if (stored.length === 0) return nothing(NOT_STORED);
      const fitting = stored.filter(({ file }) => deps.files?.test(file));
      const ending = like && /\.[^.]*$/.exec(like)?.[0];
      const file = fitting.find((one) => ending && one.file.endsWith(ending)) ?? fitting[0];
      if (!file) return nothing("None of its files is of a kind that can be looked into");
      if (file.size! > LARGEST) return nothing(`${file.file} is too large to be looked into here`);
      let found = await kept(file.sha256!);
      if (found === null) {
        found = await lookInto(file, packageName, version);
        if (found === null) return nothing("It cannot be looked into just now: ask again");
        await keep(file.sha256!, found);
      }
      if (typeof found === "string") return nothing(found);
      return { inside: found, file: file.file, why: null };
    },
  };

  /** Why not, for what is no archive and never will be one; null for what may work the next time. */
  async function lookInto(
    file: FileRow,
    packageName: string,
    version: string,
  ): Promise<Inside | string | null> {
    try {
      return await deps.work(file, packageName, version);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return error.kind === "malformed" ? `${file.file}: ${error.message}` : null;
    }
  }
}
