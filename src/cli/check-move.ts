// What doctor looks at of moves: that what stands here is no half of one and has not left, and that catalog and files belong to each other.
import type { Config } from "../config/resolve.ts";
import { storeUrl } from "../config/store.ts";
import { Problem } from "../core/problem.ts";
import { hasCatalog, readCatalog } from "../server/database.ts";
import { besideOf, refuseFiles } from "../server/files.ts";
import { nameOf, saidOf } from "../server/move-places.ts";
import { openBucket } from "../store/bucket.ts";
import { layoutOf } from "../store/layout.ts";
import { whyNot } from "../store/tenure.ts";
import type { Finding } from "./finding.ts";

const BEHIND =
  "Which of them goes on? docs/scale.md and docs/operation.md tell of catalogs that were put back, and of two that have one place for files";

type Place = Pick<Config, "data" | "database" | "store">;

/** Nothing where all is as a server needs it, and where catalog or bucket cannot be asked: other checks say so. */
export async function checkMove(config: Place): Promise<Finding[]> {
  const moved = await moveOf(config);
  return moved ? [moved] : checkFiles(config);
}

async function moveOf(config: Place): Promise<Finding | null> {
  const move = await saidOf(config).catch(() => null);
  if (!move) return null;
  const [name, day] = [nameOf(config), move.at.slice(0, 10)];
  if (move.state === "left")
    return {
      state: "bad",
      subject: "move",
      text: `what was in ${name} was moved to ${move.other} on ${day}: no server starts here`,
      hint: "The configuration must name that. docs/scale.md says what brings it back",
    };
  return {
    state: "bad",
    subject: "move",
    text: `${name} is the half of a move from ${move.other} that began on ${day}: no server starts here before it has come to its end`,
    hint: `Stop the server on ${move.other}, and run \`holdfast move --finish\` with the configuration of that and the same --to as before`,
  };
}

async function checkFiles(config: Place): Promise<Finding[]> {
  const layout = layoutOf(config.data);
  const bucket = config.store && openBucket(config.store, config.store);
  try {
    const catalog = hasCatalog(config, layout) ? await readCatalog(config, layout) : null;
    try {
      await refuseFiles(config, layout, catalog, bucket);
      const why = catalog && (await whyNot(catalog, besideOf(config, layout, catalog)));
      return why === null ? [] : [{ state: "bad", subject: "store", text: why, hint: BEHIND }];
    } finally {
      await catalog?.close();
    }
  } catch (error) {
    if (!(error instanceof Problem && error.kind === "conflict")) return [];
    return [
      {
        state: "bad",
        subject: "store",
        text: `${config.store ? storeUrl(config.store) : config.data}: ${error.message}`,
        hint: "No server starts so. docs/scale.md tells how files and catalog are brought together",
      },
    ];
  }
}
