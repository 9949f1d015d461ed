// Opens the data directory for a command that works beside a running server, or instead of one.
import { existsSync } from "node:fs";
import { createNaming, type Naming } from "../cache/named.ts";
import type { Config } from "../config/resolve.ts";
import { Problem } from "../core/problem.ts";
import { hasCatalog, openCatalog, readCatalog } from "../server/database.ts";
import { besideOf, openFiles, requireFiles, requireNoted } from "../server/files.ts";
import { isShared, joinNodes } from "../server/nodes.ts";
import type { Blobs } from "../store/blobs.ts";
import type { Database, ReadDatabase } from "../store/database.ts";
import { type Layout, layoutOf, openLayout } from "../store/layout.ts";
import { lockData } from "../store/lock.ts";
import { openTenure } from "../store/tenure.ts";
import { openViewFiles, type ViewFiles } from "../store/view-files.ts";

export interface ReadStore {
  database: ReadDatabase;
  blobs: Blobs;
  views: ViewFiles;
}

export interface HeldStore extends ReadStore {
  database: Database;
  naming: Naming;
}

type Place = Pick<Config, "data" | "database" | "store">;

export function hasStore(config: Place): boolean {
  return hasCatalog(config, layoutOf(config.data));
}

/** For who did not mean to begin one. */
export function newStore({ data }: Config): string {
  return `A new data directory was made for it: ${data}. A server on another one knows nothing of it: give the same --config or --data (or HOLDFAST_CONFIG, HOLDFAST_DATA) as the server has`;
}

/** Throws Problem("notFound") where no server ever stored anything. */
export function requireStore(config: Place): Layout {
  const { data } = config;
  const layout = layoutOf(data);
  if (hasCatalog(config, layout)) return layout;
  if (!existsSync(data))
    throw new Problem(
      "notFound",
      `There is no data directory at ${data}; another can be given with --data, or with the --config that the server has`,
    );
  throw new Problem(
    "notFound",
    `${data} holds no Holdfast data; another folder can be given with --data`,
  );
}

/** Runs `work`, which changes nothing, also beside a running server. */
export async function readStore<T>(
  config: Place,
  work: (store: ReadStore) => Promise<T>,
): Promise<T> {
  const layout = requireStore(config);
  const database = await readCatalog(config, layout);
  try {
    await requireNoted(config, database);
    const { blobs } = openFiles(config, layout, () => {}, true);
    return await work({ database, blobs, views: openViewFiles(layout.views) });
  } finally {
    await database.close();
  }
}

/** Runs `work` in place of a server. Throws Problem("conflict") while another process holds the data directory. */
export async function holdStore<T>(
  config: Config,
  work: (store: HeldStore) => Promise<T>,
): Promise<T> {
  requireStore(config);
  const layout = openLayout(config.data);
  const lock = lockData(layout.lock);
  try {
    const database = await openCatalog(config, layout);
    try {
      const files = openFiles(config, layout, () => {});
      await requireFiles(config, layout, database, files);
      const { blobs } = files;
      const place = isShared(config) ? config.database : null;
      const clocks = { now: Date.now, elapsed: () => performance.now() };
      const { leases, leave } = await joinNodes(place, { log: null, ...clocks });
      const naming = createNaming(
        database,
        blobs,
        leases,
        openTenure(database, besideOf(config, layout, database), Date.now),
      );
      try {
        return await work({ database, blobs, views: openViewFiles(layout.views), naming });
      } finally {
        await leave();
      }
    } finally {
      await database.close();
    }
  } finally {
    lock.release();
  }
}
