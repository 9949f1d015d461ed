// dist-tags, as people are shown them: the author's, and not those that clients are sent. npm/registry docs/responses/package-metadata.md
import { gunzipped } from "../../core/gunzip.ts";
import { readJsonObject } from "../../core/json-stream.ts";
import type { Labels } from "../../core/labels.ts";
import type { Task } from "../../core/task.ts";
import { textsOf } from "../../inside/parts.ts";
import { documents } from "./documents.ts";

export const labels: Labels = {
  documents: (name) => [{ kind: "packument", key: name }],
  hosted: (state) => textsOf(state["tags"]),
};

/** Of a document of any size, in flat memory. */
export const labelsTask: Task = async ({ files: [document] }) => {
  const { limit } = documents["packument"]!;
  const text = gunzipped(document!.chunks(), { limit, packed: document!.size });
  for await (const part of readJsonObject(text, "versions"))
    if (part.kind === "field" && part.key === "dist-tags") return textsOf(part.value);
  return {};
};
