// Copies of the log for backups, as it was when their catalog was taken: the two know the same of each other.
import { noteText, parseCheckpoint } from "../../proof/checkpoint.ts";
import { FULL, hashesAtLevel } from "../../proof/tile.ts";
import { bundleOf, staticPath } from "../../proof/tlog-tiles.ts";
import type { Query } from "../../store/database.ts";
import type { LogFiles } from "../../store/log-files.ts";
import { replay } from "./replay.ts";
import { CHECKPOINT, KEY } from "./start.ts";
import { readState } from "./state.ts";
import { readEntries, readTile } from "./tree.ts";

/**
 * Puts what the catalog knows of the log at `from` to `to`, and of that only what is not there yet. What it returns puts the checkpoint there,
 * which is for when the catalog is in its place. Throws DamagedLog where the log is not whole.
 */
export async function copyLog(
  catalog: Query,
  from: LogFiles,
  to: LogFiles,
): Promise<() => Promise<void>> {
  const [note, key] = [await readState(catalog, CHECKPOINT), await from.read(KEY)];
  const before = await to.read(KEY);
  if (before && (!key || Buffer.compare(before, key) !== 0)) await to.remove("."); // of another log
  if (!key) return async () => {};
  await to.write(KEY, key);
  if (note === null) return async () => {};
  const { size } = parseCheckpoint(noteText(note)!)!;
  for (let level = -1; hashesAtLevel(size, Math.max(0, level)) > 0; level += 1) {
    const count = hashesAtLevel(size, Math.max(0, level));
    for (let index = 0; index * FULL < count; index += 1) {
      const width = Math.min(FULL, count - index * FULL);
      const path = staticPath({ level, index, width });
      if (await to.has(path)) continue;
      const bytes =
        level < 0
          ? bundleOf(await readEntries(from, size, index))
          : await readTile(from, level, index, width);
      await to.write(path, bytes);
      if (width === FULL) await to.remove(`${path}.p`);
    }
  }
  return () => to.write(CHECKPOINT, note);
}

/** What is wrong with the files of a log, as far as its catalog knows them; empty where nothing is. */
export async function checkLog(catalog: Query, files: LogFiles): Promise<string[]> {
  const note = await readState(catalog, CHECKPOINT);
  if (note === null) return [];
  const wrong: string[] = [];
  await replay({
    files,
    tree: parseCheckpoint(noteText(note)!)!,
    tell: (line) => wrong.push(line),
    each() {},
  });
  return wrong;
}
