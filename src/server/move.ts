// Copies everything stored to another place: what is known, the files, and the append-only log. As often as one likes while servers run here; the last
// time without them: then what is there is found to be the same, and takes over.
import { Problem } from "../core/problem.ts";
import { catchUp } from "../ledger/log/start.ts";
import { copyBlobs } from "../store/copy-blobs.ts";
import { type CopiedTable, copyTable, digestOf } from "../store/copy-tables.ts";
import { layoutOf } from "../store/layout.ts";
import { refuseMoved, setCatalogAside } from "../store/moves.ts";
import { allTables, type Table } from "../store/tables.ts";
import {
  copyTheLog,
  type Moved,
  type MoveOptions,
  type MoveStep,
  moveFiles,
  proveFiles,
} from "./move-files.ts";
import {
  isSameFiles,
  type MovePlace,
  type MoveSource,
  type MoveTarget,
  nameOf,
  openSource,
  openTarget,
  requireBucket,
  saidOf,
} from "./move-places.ts";

/**
 * Throws Problem("conflict") where a place is not one to move from or to, or in use; and a Problem where the two are not the same in the end. A move that was
 * cut is gone on with by the same call.
 */
export async function move(from: MovePlace, to: MovePlace, options: MoveOptions): Promise<Moved> {
  if (nameOf(from) === nameOf(to)) return moveFiles(from, to, options);
  const tables = allTables();
  const said = await saidOf(from);
  if (said?.state === "left" && said.other === nameOf(to) && options.isLast)
    return takeOver(from, to, tables);
  const source = await openSource(from, options.isLast);
  try {
    if (!isSameFiles(from, to)) await requireBucket(to, from, source.catalog);
    const target = await openTarget(to, from, tables);
    try {
      const moved = await copyAll(source, target, tables, {
        ...options,
        areFilesThere: isSameFiles(from, to),
      });
      if (!options.isLast || (moved.faults.length > 0 && !options.mayBeDamaged)) return moved;
      await source.leave(to);
      await target.seal();
      return { ...moved, isDone: true };
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** What was cut after the source had left. */
async function takeOver(from: MovePlace, to: MovePlace, tables: readonly Table[]): Promise<Moved> {
  if (!from.database) setCatalogAside(layoutOf(from.data));
  // There is nothing left to be done, or somebody has removed what was there.
  if ((await saidOf(to))?.state !== "arriving") refuseMoved(await saidOf(from), nameOf(from));
  const target = await openTarget(to, from, tables);
  try {
    await target.seal();
  } finally {
    await target.close();
  }
  return { tables: [], files: null, faults: [], isDone: true };
}

type CopyOptions = MoveOptions & { areFilesThere: boolean };

async function copyAll(
  source: MoveSource,
  target: MoveTarget,
  tables: readonly Table[],
  { isLast, areFilesRead, areFilesThere, told }: CopyOptions,
): Promise<Moved> {
  const faults: string[] = [];
  // Bytes first: what a row names is there.
  const files = areFilesThere
    ? null
    : await copyBlobs(source.blobs, target.blobs, (done) => told("files", done));
  const copied: CopiedTable[] = [];
  const rows = counting("rows", told);
  for (const table of tables)
    copied.push(await copyTable(table, source.tables, target.tables, rows));
  const catalog = await target.catalog();
  try {
    if (!areFilesThere) faults.push(...(await copyTheLog(catalog, source, target, isLast)));
    if (!isLast) return { tables: copied, files, faults, isDone: false };
    await requireSame(copied, tables, target, counting("comparing rows", told));
    const { lost, isLogWhole } = await proveFiles(catalog, source, target, files, {
      areFilesRead,
      told,
    });
    faults.push(...lost);
    // What several servers share is read by a single one from its files.
    if (areFilesThere && isLogWhole) await catchUp(catalog.read, target.log);
    return { tables: copied, files, faults, isDone: false };
  } finally {
    await catalog.close();
  }
}

/** Of what was written this time: reads it there, and compares it with what was read here. All else was just found to be the same, row by row. */
async function requireSame(
  copied: readonly CopiedTable[],
  tables: readonly Table[],
  target: MoveTarget,
  told: (rows: number) => void,
): Promise<void> {
  for (const [at, table] of tables.entries()) {
    const here = copied[at]!;
    if (here.added + here.removed === 0) continue;
    const there = await digestOf(table, target.tables, told);
    if (there.rows !== here.rows || there.digest !== here.digest)
      throw new Problem(
        "conflict",
        `${table.name} is not there what it is here (${there.rows} rows of ${here.rows}, ${there.digest} for ${here.digest}): something else writes to one of them. Nothing has changed hands`,
      );
  }
}

function counting(step: MoveStep, told: MoveOptions["told"]): (more: number) => void {
  let done = 0;
  return (more) => {
    done += more;
    told(step, done);
  };
}
