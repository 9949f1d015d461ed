// A folder as the end of a move: a new one, or the data directory whose files stay where they are. Nothing in it is written over.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { Problem } from "../core/problem.ts";
import { hasOwnCatalog, removeMark } from "./catalog-mark.ts";
import { type Database, openDatabase } from "./database.ts";
import { FOLDER_MODE, type Layout, refuseUnrestored } from "./layout.ts";
import { arrivingIn, readFolderMove, removeFolderMove, writeFolderMove } from "./moves.ts";
import { openSqliteTarget } from "./tables-sqlite.ts";

/** Throws Problem("conflict") for a folder with anything in it but the half of a move from `from`, or a server's data that was moved away. */
export function requireRoom(layout: Layout, areFilesThere: boolean, from: string): void {
  const { root } = layout;
  if (!existsSync(root)) return;
  refuseUnrestored(root);
  const move = readFolderMove(layout);
  if (move?.state === "arriving") {
    if (move.other === from) return;
    throw new Problem(
      "conflict",
      `${root} holds the half of a move from ${move.other}: end that one, or give another folder`,
    );
  }
  if (hasOwnCatalog(layout))
    throw new Problem("conflict", `${root} has a catalog of its own: nothing is written over`);
  if (move || areFilesThere) return;
  if (readdirSync(root).length > 0)
    throw new Problem(
      "conflict",
      `${root} is not empty: nothing is written over. Give a folder that is not there yet`,
    );
}

/** Makes the folder where there is none. */
export async function markArriving(layout: Layout, other: string): Promise<void> {
  mkdirSync(layout.root, { recursive: true, mode: FOLDER_MODE });
  if (readFolderMove(layout)?.state === "arriving") return;
  await writeFolderMove(layout, { state: "arriving", other, at: new Date().toISOString() });
}

/** The catalog of it, which gets its name at the seal; before that `mark` writes into it what it is to say of its files. */
export async function openFolderTarget(
  layout: Layout,
  mark: (database: Database) => Promise<void>,
) {
  const path = arrivingIn(layout);
  // The seal was cut after the name was given.
  if (!existsSync(path) && hasOwnCatalog(layout)) renameSync(layout.database, path);
  const tables = await openSqliteTarget(path);
  return {
    tables,
    close: tables.close,
    async seal() {
      await tables.seal();
      const database = await openDatabase(path);
      await mark(database).finally(database.close);
      // Those of one that was here before belong to other bytes.
      for (const beside of ["-wal", "-shm"])
        for (const name of [path, layout.database]) rmSync(`${name}${beside}`, { force: true });
      renameSync(path, layout.database);
      removeMark(layout);
      await removeFolderMove(layout);
    },
  };
}
