// A folder of this machine for a catalog on its way from or to a bucket: gone when the work is done, or else at the next time.
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { isAlive } from "./holder.ts";

const NAME = /^holdfast-backup-(\d+)-/;

/** `parent`: where temporary files go. Removes what one that was killed has left there. */
export async function withScratch<T>(
  parent: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  for (const name of await readdir(parent)) {
    const pid = Number(NAME.exec(name)?.[1] ?? 0);
    if (pid > 0 && (await isLeft(join(parent, name), pid)))
      await rm(join(parent, name), { recursive: true, force: true });
  }
  const folder = await mkdtemp(join(parent, `holdfast-backup-${process.pid}-`)); // for its owner alone
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function isLeft(path: string, pid: number): Promise<boolean> {
  const owner = (await stat(path).catch(() => null))?.uid;
  if (owner === undefined || owner !== process.getuid?.()) return false;
  return isAlive({ pid, host: hostname(), since: "", listens: [] }) === false;
}
