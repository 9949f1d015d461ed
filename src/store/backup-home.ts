// What a backup is kept in: a folder or a bucket. The engine (backup.ts, restore.ts) says in which order things are done, a home how.
import type { Note } from "./backup-note.ts";
import type { BlobPlace } from "./copy-blobs.ts";
import type { Layout } from "./layout.ts";
import type { LogFiles } from "./log-files.ts";

/** Told of each file that was brought, and how many bytes it has. */
export type Count = (bytes: number) => void;

/** Digests and sizes that a catalog names. `isAwaited`: it may still be on its way to the server. */
export type Named = AsyncIterable<{ sha256: string; size: number; isAwaited: boolean }>;

export interface BackupSource {
  layout: Layout;
  /** Where the files are, where that is not the data directory. */
  files: BlobPlace | null;
}

/** What backups are written to. */
export interface BackupHome {
  /** For people, as the commands take it. */
  readonly name: string;
  /** Throws a Problem where it cannot be, or must not become, the home of a backup of `source`. To be closed. */
  write(source: BackupSource): Promise<BackupWriter>;
}

/**
 * Opens the last backup that came to its end, for a restore into the folder `root`. To be closed. Throws Problem("notFound") where there is none,
 * Problem("conflict") where something else stands in its place.
 */
export type OpenBackup = (root: string) => Promise<BackupReader>;

export interface BackupWriter {
  /** Where the catalog is made, on this machine. */
  readonly made: string;
  readonly log: LogFiles;
  /** Backups that are there and could be restored, newest first. */
  readonly earlier: readonly Note[];
  /** Files that it does not have. Names tell content: what is there is right, or found out later. */
  bring(count: Count): Promise<void>;
  /** Looks for every file that the catalog names, and brings what is not there or was cut. Returns the digests of what is nowhere. */
  require(named: Named, count: Count): Promise<string[]>;
  /**
   * The catalog that was made counts from now on, and before that the one of before does. `finish` puts what belongs to it. Throws Problem("conflict")
   * where another backup came to its end meanwhile. Those of `note.earlier` stay. `list`: of the files that it names; null where that is not known.
   */
  keep(note: Note, finish: () => Promise<void>, list: Uint8Array | null): Promise<void>;
  /** What was written as its list. */
  readList(note: Note): Promise<Uint8Array | null>;
  /**
   * Removes every file that is not needed, and catalogs that `note` does not tell of. Cut anywhere, what is needed is there. Resolves to how many files went; null where
   * another backup has begun meanwhile, and the rest is left to that one.
   */
  prune(note: Note, isNeeded: (sha256: string) => boolean): Promise<number | null>;
  close(): Promise<void>;
}

export interface BackupReader {
  readonly note: Note;
  readonly log: LogFiles;
  /** Puts its catalog at `path`. Throws a Problem where it is not the one that the note tells. */
  takeCatalog(path: string): Promise<void>;
  /** Puts the files that are not there, each hashed. Returns the digests of those that are not true to them: they are left out. */
  bring(to: Layout, count: Count): Promise<string[]>;
  close(): Promise<void>;
}
