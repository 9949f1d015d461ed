// The note beside a finished backup: that it came to its end, when, and which catalog belongs to it.
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "../core/problem.ts";
import { guard } from "./guard.ts";
import { FILE_MODE, layoutOf } from "./layout.ts";
import { hashFile } from "./sink.ts";

/** What stands in backup.json beside a finished backup. */
export interface Note {
  holdfast: string;
  /** ISO 8601. */
  madeAt: string;
  /** SHA-256 of the catalog. */
  catalog: string;
}

export const NOTE = "backup.json";
const noteOf = (folder: string) => join(folder, NOTE);

/** On the disk when this resolves. */
export async function writeNote(folder: string, note: Note): Promise<void> {
  const path = noteOf(folder);
  const file = await open(`${path}.new`, "w", FILE_MODE);
  try {
    await guard(file.writeFile(`${JSON.stringify(note)}\n`));
    await guard(file.sync());
  } finally {
    await file.close();
  }
  await guard(rename(`${path}.new`, path));
  await sync(folder);
}

/** Throws Problem("notFound") where no backup was ever finished, Problem("conflict") where its catalog is another one by now. */
export async function readNote(folder: string): Promise<Note> {
  const text = await readFile(noteOf(folder), "utf8").catch(() => null);
  const note = text === null ? null : noteFrom(text);
  if (!note) throw noBackup(folder);
  const { database } = layoutOf(folder);
  const found = await hashFile(database).catch(() => null);
  if (found !== note.catalog)
    throw new Problem(
      "conflict",
      `The catalog ${database} is not the one that was backed up at ${note.madeAt}: the folder was served since, or a backup was cut, or the disk has altered it. \`holdfast verify --data ${folder}\` looks at it as at a data directory`,
    );
  return note;
}

export function noBackup(name: string): Problem {
  return new Problem(
    "notFound",
    `${name} holds no backup that came to its end: \`holdfast backup ${name}\` makes one, or goes on with one that was cut`,
  );
}

/** Null for anything else. */
export function noteFrom(text: string): Note | null {
  try {
    const { holdfast, madeAt, catalog } = JSON.parse(text);
    const isNote = [holdfast, madeAt, catalog].every((value) => typeof value === "string");
    return isNote && !Number.isNaN(Date.parse(madeAt)) ? { holdfast, madeAt, catalog } : null;
  } catch {
    return null;
  }
}

/** Sees to it that a file's bytes, or a folder's names, are on the disk. */
export async function sync(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await guard(file.sync());
  } finally {
    await file.close();
  }
}
