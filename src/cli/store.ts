// Opens the data directory for a command that works beside a running server, or instead of one.
import { existsSync } from "node:fs";
import type { Config } from "../config/resolve.ts";
import { Problem } from "../core/problem.ts";
import { type Blobs, openBlobs } from "../store/blobs.ts";
import { type Database, openDatabase } from "../store/database.ts";
import { type Layout, openLayout } from "../store/layout.ts";
import { openViews, type Views } from "../store/view-files.ts";

export interface OpenStore {
  layout: Layout;
  database: Database;
  blobs: Blobs;
  views: Views;
}

/** Runs `work` on the store of `config`. Throws Problem("notFound") where no server ever stored anything. */
export async function withStore<T>(
  config: Config,
  work: (store: OpenStore) => Promise<T>,
): Promise<T> {
  if (!existsSync(config.data))
    throw new Problem(
      "notFound",
      `There is no data directory at ${config.data}; another can be given with --data`,
    );
  const layout = openLayout(config.data);
  if (!existsSync(layout.database))
    throw new Problem(
      "notFound",
      `${config.data} holds no Holdfast data; another folder can be given with --data`,
    );
  const database = await openDatabase(layout.database);
  try {
    return await work({
      layout,
      database,
      blobs: openBlobs(layout),
      views: openViews(layout.views),
    });
  } finally {
    await database.close();
  }
}
