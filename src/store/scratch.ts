// A data directory for a moment: what is in it goes when it is closed, or else at the next start.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Database, openDatabase } from "./database.ts";
import { type Layout, openLayout } from "./layout.ts";

export interface Scratch {
  readonly layout: Layout;
  readonly database: Database;
  /** Removes all of it. */
  close(): Promise<void>;
}

/** `incoming`: of the data directory, whose disk and rights it shares. One of a name at a time. */
export async function openScratch(
  { incoming }: Pick<Layout, "incoming">,
  name: string,
): Promise<Scratch> {
  const root = join(incoming, name);
  const remove = () => rm(root, { recursive: true, force: true });
  await remove();
  const layout = openLayout(root);
  try {
    const database = await openDatabase(layout.database);
    return {
      layout,
      database,
      async close() {
        await database.close();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
