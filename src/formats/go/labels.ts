// What a proxy says is the latest version of a module, as people are shown it.
import { gunzipped } from "../../core/gunzip.ts";
import type { Labels } from "../../core/labels.ts";
import type { Task } from "../../core/task.ts";
import { infoDocument, latestRef, parseInfoBytes } from "./info.ts";

export const labels: Labels = {
  documents: (module) => [latestRef(module)],
};

export const labelsTask: Task = async ({ options, files: [document] }) => {
  const pieces: Uint8Array[] = [];
  const bounds = { limit: infoDocument.limit, packed: document!.size };
  for await (const piece of gunzipped(document!.chunks(), bounds)) pieces.push(piece);
  const { Version } = parseInfoBytes(Buffer.concat(pieces), options.package);
  return { latest: Version };
};
