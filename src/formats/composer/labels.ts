// What branches of a package stand for, as people are shown it: which is the default one, and which releases others come before.
// https://getcomposer.org/doc/articles/aliases.md
import { gunzipped } from "../../core/gunzip.ts";
import type { Labels } from "../../core/labels.ts";
import type { Task } from "../../core/task.ts";
import { textsOf } from "../../inside/parts.ts";
import { documents } from "./documents.ts";
import { isObject, type Version } from "./types.ts";
import { readPackage } from "./versions.ts";

export const labels: Labels = {
  documents: (name) => [{ kind: "dev", key: name }],
};

export const labelsTask: Task = async ({ options, files: [document] }) => {
  const pieces: Uint8Array[] = [];
  const bounds = { limit: documents.dev.limit, packed: document!.size };
  for await (const piece of gunzipped(document!.chunks(), bounds)) pieces.push(piece);
  const text = Buffer.concat(pieces).toString("utf8");
  async function* chunks() {
    yield* pieces;
  }
  const source = {
    size: text.length,
    chunks,
    text: async () => text,
    json: async () => JSON.parse(text) as unknown,
  };
  const { releases } = await readPackage(source, options.package);
  return Object.fromEntries(releases.flatMap(({ data }) => labelsOf(data)));
};

function labelsOf({ version, extra, ...data }: Version): [label: string, version: string][] {
  if (typeof version !== "string") return [];
  const aliases = isObject(extra) ? textsOf(extra["branch-alias"]) : {};
  const found: [string, string][] = Object.hasOwn(aliases, version)
    ? [[aliases[version]!, version]]
    : [];
  if (data["default-branch"] === true) found.push(["default branch", version]);
  return found;
}
