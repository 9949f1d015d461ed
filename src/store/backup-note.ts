// The note beside a finished backup: that it came to its end, when, and which catalog belongs to it.
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "../core/problem.ts";
import { BACKUP, guard, ifThere } from "./guard.ts";
import { FILE_MODE, layoutOf, SHA256 } from "./layout.ts";
import { hashFile } from "./sink.ts";

/** What stands in backup.json beside a finished backup. */
export interface Note {
  holdfast: string;
  /** ISO 8601. */
  madeAt: string;
  /** SHA-256 of the catalog. */
  catalog: string;
  /** SHA-256 of the list of files that it names (backup-generations.ts); not there where it could not be read, and before there were any. */
  files?: string;
  /** Backups of before that can be restored as well, newest first. */
  earlier?: Note[];
  /** In a bucket: files that none of them names are being removed, or that was cut. */
  isPruning?: true;
}

export const NOTE = "backup.json";
/** Of a note that tells of as many backups as may be (backup-generations.ts). Bytes. */
export const NOTE_LIMIT = 4 * 1024 * 1024;
/** The folder of catalogs beside that of the last backup, each by its digest. */
export const CATALOGS = "catalogs";
const noteOf = (folder: string) => join(folder, NOTE);

/** On the disk when this resolves. */
export async function writeNote(folder: string, note: Note): Promise<void> {
  const path = noteOf(folder);
  const file = await open(`${path}.new`, "w", FILE_MODE);
  try {
    await guard(file.writeFile(`${JSON.stringify(note)}\n`), BACKUP);
    await guard(file.sync(), BACKUP);
  } finally {
    await file.close();
  }
  await guard(rename(`${path}.new`, path), BACKUP);
  await sync(folder);
}

/** Null where no backup was ever finished. One that is damaged is not taken for none: what it told of would be removed. */
export async function findNote(folder: string): Promise<Note | null> {
  const text = await ifThere(readFile(noteOf(folder), "utf8"), BACKUP);
  const note = text === null ? null : noteFrom(text);
  if (text === null || note) return note;
  throw new Problem(
    "conflict",
    `${noteOf(folder)} is damaged: it tells which backups there are. Where none of them is wanted any more, remove it`,
  );
}

/** Throws Problem("notFound") where no backup was ever finished, Problem("conflict") where its catalog is another one by now. */
export async function readNote(folder: string): Promise<Note> {
  const note = await findNote(folder);
  if (!note) throw noBackup(folder);
  const { database } = layoutOf(folder);
  const found = await ifThere(hashFile(database), BACKUP);
  if (found !== note.catalog)
    throw new Problem(
      "conflict",
      `The catalog ${database} is not the one that was backed up at ${note.madeAt}: the folder was served since, or a backup was cut, or the disk has altered it. \`holdfast verify --data ${folder}\` looks at it as at a data directory`,
    );
  return note;
}

/** All that a note tells of, newest first. */
export function generationsOf(note: Note): Note[] {
  return [bare(note), ...(note.earlier ?? [])];
}

/** Without those before it. */
export function bare({ earlier: _, isPruning: __, ...note }: Note): Note {
  return note;
}

/** Throws Problem("notFound") where none is that old. `before`: milliseconds since the epoch; null for the last one. */
export function chosen(note: Note, before: number | null, name: string): Note {
  const all = generationsOf(note);
  const found = before === null ? all[0] : all.find((one) => Date.parse(one.madeAt) <= before);
  if (found) return found;
  throw new Problem(
    "notFound",
    `${name} has no backup of ${new Date(before!).toISOString()} or before: the first one is of ${all.at(-1)!.madeAt}`,
  );
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
    return noteOfValue(JSON.parse(text));
  } catch {
    return null;
  }
}

function noteOfValue(value: unknown): Note | null {
  const { holdfast, madeAt, catalog, files, earlier, isPruning } = (value ?? {}) as Partial<Note>;
  if (![holdfast, madeAt, catalog].every((one) => typeof one === "string")) return null;
  if (Number.isNaN(Date.parse(madeAt!)) || !SHA256.test(catalog!)) return null;
  const before = Array.isArray(earlier) ? earlier.map(noteOfValue) : [];
  return {
    ...{ holdfast: holdfast!, madeAt: madeAt!, catalog: catalog! },
    ...(typeof files === "string" && { files }),
    ...(before.length > 0 && { earlier: before.filter((one) => one !== null) }),
    ...(isPruning === true && { isPruning }),
  };
}

/** Sees to it that a file's bytes, or a folder's names, are on the disk. */
export async function sync(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await guard(file.sync(), BACKUP);
  } finally {
    await file.close();
  }
}
