// Where things stand in the data directory. Names are digests and numbers, never anything from a URL.
//
//   data/                     for its owner alone, like all that is in it
//     blobs/sha256/ab/cdef…   whole, true to their name, read-only
//     copies/sha256/ab/cdef…  the same of what is kept in a bucket; may be removed at any time
//     views/ab/cdef…/…        rendered documents; may be removed at any time
//     evidence/sha256/…       bytes that were refused, for an investigation
//     incoming/               downloads under way; emptied at start
//     log/                    the append-only log: key, checkpoint, tile/… (ledger/log/)
//     followed/               a copy of the log of the server that this one follows (follow/)
//     git/<sha256>/           mirrors of code hosts, by the digest of their URL (git/mirror.ts)
//     move.json               that the catalog is not whole yet, or has left (moves.ts)
//     tenure.json             the last word that the catalog left beside its files (tenure-file.ts)
//     holdfast.db             the catalog (SQLite, with -wal and -shm beside it)
//     lock.db                 held by the running server
//     lock.json               which process that is, and where it listens
//     processes.db            held by its other processes, where it has several
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "../core/problem.ts";
import { ifThere } from "./guard.ts";

const { W_OK, X_OK } = constants;

/** Private names, tokens' hashes, what a team installs: nobody else's business. */
export const FOLDER_MODE = 0o700;
export const FILE_MODE = 0o600;
export const READ_ONLY = 0o400;
/** Group and others. */
const OTHERS = 0o077;
/** A folder that many users share. */
const STICKY = 0o1000;

export interface Layout {
  readonly root: string;
  readonly blobs: string;
  readonly copies: string;
  readonly views: string;
  readonly evidence: string;
  readonly incoming: string;
  readonly git: string;
  readonly log: string;
  readonly followed: string;
  readonly database: string;
  readonly lock: string;
}

/** Where things stand, or would stand: nothing is made. */
export function layoutOf(root: string): Layout {
  return {
    root,
    blobs: join(root, "blobs", "sha256"),
    copies: join(root, "copies", "sha256"),
    views: join(root, "views"),
    evidence: join(root, "evidence", "sha256"),
    incoming: join(root, "incoming"),
    git: join(root, "git"),
    log: join(root, "log"),
    followed: join(root, "followed"),
    database: join(root, "holdfast.db"),
    lock: join(root, "lock.db"),
  };
}

/** What says of a folder that a restore into it has not come to its end, and of which backup. */
export function restoreMark(root: string): string {
  return join(root, "restore.json");
}

/** Throws Problem("conflict") for a folder that a restore into it has not come to its end. */
export function refuseUnrestored(root: string): void {
  if (existsSync(restoreMark(root)))
    throw new Problem(
      "conflict",
      `A restore into ${root} was cut: \`holdfast restore BACKUP --data ${root}\` goes on with it`,
    );
}

/** Makes what is missing. */
export function openLayout(root: string): Layout {
  const layout = layoutOf(root);
  for (const folder of [layout.blobs, layout.views, layout.evidence, layout.incoming])
    mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
  return layout;
}

/** Throws a Problem where what is kept there cannot be had, or nothing new be kept. Folders that were removed by hand are made again when they are needed. */
export async function requireUsable({ root, blobs, incoming }: Layout): Promise<void> {
  for (const folder of [root, blobs, incoming])
    if ((await ifThere(access(folder, W_OK | X_OK).then(() => true))) === null && folder === root)
      throw new Problem("unusable", "The data directory is not there", {
        cause: new Error(`ENOENT ${root}`),
      });
}

/** Where a blob's file stands, or would stand, below `folder`. Throws a TypeError for what is no digest. */
export function fileOf(folder: string, sha256: string): string {
  if (!SHA256.test(sha256)) throw new TypeError(`Not a SHA-256: ${sha256}`);
  return join(folder, sha256.slice(0, 2), sha256.slice(2));
}

export const SHA256 = /^[0-9a-f]{64}$/;

/**
 * Takes a data directory of ours from other users, which earlier versions let in. A folder that holds nothing of ours, or that many share,
 * is left as it is. Returns what was done, for the log: one sentence, or null.
 */
export function tighten(root: string): string | null {
  if (!existsSync(join(root, "holdfast.db"))) return null;
  const { mode } = statSync(root);
  if (!(mode & OTHERS) || mode & STICKY) return null;
  const before = (mode & 0o777).toString(8).padStart(4, "0");
  try {
    chmodSync(root, FOLDER_MODE);
    return `The data directory ${root} was open to other users (${before}): it is its owner's alone now`;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return `The data directory ${root} is open to other users (${before}), and that cannot be changed (${code})`;
  }
}

/** Makes an empty file for its owner alone where there is none; a database takes the mode of its file for those beside it. */
export function makePrivate(path: string): void {
  closeSync(openSync(path, "a", FILE_MODE));
}

/** Removes what a crash left half-written: of one process, or all of it. Only for the one that holds the lock. */
export function emptyIncoming(layout: Pick<Layout, "incoming">, pid?: number): void {
  for (const name of readdirSync(layout.incoming))
    if (pid === undefined || name.startsWith(`${pid}-`))
      rmSync(join(layout.incoming, name), { force: true, recursive: true });
}
