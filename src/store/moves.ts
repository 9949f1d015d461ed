// What is said of a catalog that is moved: that it is a copy which is not whole yet, or that it has left. It stands with the catalog: in a file beside
// SQLite's, or in a table of PostgreSQL's.
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "../core/problem.ts";
import type { Database, Query } from "./database.ts";
import { guard } from "./guard.ts";
import { FILE_MODE, type Layout } from "./layout.ts";

export interface Move {
  /** "arriving": it becomes the copy of another one. "left": it was copied, and the copy is in use. */
  state: "arriving" | "left";
  /** Where that other one is: a folder, or a URL without a password. */
  other: string;
  /** ISO 8601. */
  at: string;
}

type Root = Pick<Layout, "root">;

const fileIn = ({ root }: Root) => join(root, "move.json");

/** Of the catalog that is a file in the folder. Throws an Error when what stands there is damaged. */
export function readFolderMove(layout: Root): Move | null {
  const file = fileIn(layout);
  if (!existsSync(file)) return null;
  try {
    const { state, other, at } = JSON.parse(readFileSync(file, "utf8"));
    const isMove = ["arriving", "left"].includes(state) && typeof other === "string";
    if (isMove) return { state, other, at: String(at) };
  } catch {
    // Below.
  }
  throw new Error(`${file} is damaged: it says whether what is here was moved`);
}

/** It is on the disk when this resolves. */
export async function writeFolderMove(layout: Root, move: Move): Promise<void> {
  const path = fileIn(layout);
  const file = await open(`${path}.new`, "w", FILE_MODE);
  try {
    await guard(file.writeFile(`${JSON.stringify(move)}\n`));
    await guard(file.sync());
  } finally {
    await file.close();
  }
  await guard(rename(`${path}.new`, path));
  await syncFolder(layout.root);
}

export async function removeFolderMove(layout: Root): Promise<void> {
  rmSync(fileIn(layout), { force: true });
  await syncFolder(layout.root);
}

async function syncFolder(root: string): Promise<void> {
  const folder = await open(root, "r");
  try {
    await guard(folder.sync());
  } finally {
    await folder.close();
  }
}

/** Where a catalog is made that is not whole yet. */
export const arrivingIn = ({ database }: Layout) => `${database}.arriving`;

/** Takes its name from the catalog that is a file there, if it still has it: nothing opens it by mistake. It stays until somebody removes it. */
export function setCatalogAside({ root, database }: Layout): void {
  if (!existsSync(database)) return;
  const names = readdirSync(root);
  for (let number = 1; ; number += 1) {
    const name = `${database}.left-${number}`;
    if (names.some((one) => join(root, one) === name)) continue;
    renameSync(database, name);
    return;
  }
}

export async function readMove(sql: Query): Promise<Move | null> {
  const [row] = await sql`SELECT state, other, at FROM moves`;
  return row ? { state: row.state, other: row.other, at: row.at } : null;
}

/** Null: nothing is to be said of it any more. */
export async function writeMove(database: Database, move: Move | null): Promise<void> {
  await database.write(
    async (sql) => {
      await sql`DELETE FROM moves`;
      if (move)
        await sql`INSERT INTO moves (state, other, at) VALUES (${move.state}, ${move.other}, ${move.at})`;
    },
    { durable: true },
  );
}

/** Throws Problem("conflict") where no server may start on it. `name`: of the place. */
export function refuseMoved(move: Move | null, name: string): void {
  if (move?.state === "arriving")
    throw new Problem(
      "conflict",
      `${name} is to be what ${move.other} is, and the move has not come to its end: \`holdfast move --finish\` there ends it. docs/scale.md tells more`,
    );
  if (move?.state === "left")
    throw new Problem(
      "conflict",
      `What was in ${name.replace(/^The /, "the ")} was moved to ${move.other} on ${move.at.slice(0, 10)}: the configuration must name that. docs/scale.md says what brings it back`,
    );
}
