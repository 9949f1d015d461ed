// A data directory for a moment: what is in it goes when it is closed, or else at the next start. Nothing of it is ever made to last on the disk.
import { copyFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Database, openDatabase } from "./database.ts";
import { type Layout, openLayout } from "./layout.ts";

export interface Scratch {
  readonly layout: Layout;
  readonly database: Database;
  /** Removes all of it. */
  close(): Promise<void>;
}

export interface ScratchPlace {
  /** One at a time. */
  open(): Promise<Scratch>;
  close(): Promise<void>;
}

/** `incoming`: of the data directory, whose disk and rights it shares. Makes an empty database, which takes a while, and is copied from then on. */
export async function placeScratch(
  { incoming }: Pick<Layout, "incoming">,
  name: string,
): Promise<ScratchPlace> {
  const root = join(incoming, name);
  const empty = join(incoming, `${name}.db`);
  const remove = (path: string) => rm(path, { recursive: true, force: true });
  const removeEmpty = () => Promise.all(["", "-wal", "-shm"].map((end) => remove(empty + end)));
  await remove(root);
  await removeEmpty();
  await (await openDatabase(empty, { lasts: false })).close();
  return {
    async open() {
      await remove(root);
      const layout = openLayout(root);
      try {
        await copyFile(empty, layout.database);
        const database = await openDatabase(layout.database, { lasts: false });
        return {
          layout,
          database,
          async close() {
            await database.close();
            await remove(root);
          },
        };
      } catch (error) {
        await remove(root);
        throw error;
      }
    },
    async close() {
      // What cannot go any more, on a disk that is broken, keeps no server from its end.
      await remove(root).catch(() => {});
      await removeEmpty().catch(() => {});
    },
  };
}
