// What this format's questions to the upstream have in common beside core/answers.ts.
import { jsonOf, parseJson } from "../../core/answers.ts";
import { cannotAsk, type Problem } from "../../core/problem.ts";
import type { Answer } from "../../core/question.ts";
import type { Modelled, Repository } from "../../core/repository.ts";
import { rootRef } from "./documents.ts";
import { type Root, readRoot } from "./root.ts";
import { isObject } from "./types.ts";

/** Where no upstream is asked, nothing is had of one. */
export const NO_ROOT: Modelled<Root> = {
  model: readRoot({}),
  digest: "",
  changedAt: 0,
  cache: { hit: true },
};

/** Stands for that of an upstream that was never asked. */
export const UNKNOWN_ROOT: Root = readRoot({ "metadata-url": "p2/%package%.json" });

/** The upstream's packages.json; one with nothing in it where there is no upstream. Throws a Problem. */
export async function rootModel(
  repository: Repository,
  which?: "fresh" | "stored" | "now",
): Promise<Modelled<Root>> {
  try {
    return await repository.model<Root>(rootRef, which);
  } catch (error) {
    // What was fetched while there was one is still there.
    if (repository.hasUpstreams || !cannotAsk(error)) throw error;
    return NO_ROOT;
  }
}

/** What the upstream's packages.json said: clients ask for ours, and so for news of it, at the start of each run. Throws a Problem. */
export async function rootOf(repository: Repository): Promise<Root> {
  return (await rootModel(repository, "stored")).model;
}

/** The JSON object in an answer with status 200; null for anything else. */
export function objectOf(answer: Answer | Problem): Record<string, unknown> | null {
  const value = jsonOf(answer);
  return isObject(value) ? value : null;
}

/** Null when it is no JSON object. */
export function parseObject(bytes: Uint8Array): Record<string, unknown> | null {
  const value = parseJson(bytes);
  return isObject(value) ? value : null;
}

/** Keeps a value that says when it was last true, to the day. */
export async function keepConfirmed(
  repository: Repository,
  key: string,
  bytes: Uint8Array,
): Promise<void> {
  const kept = await repository.kept(key);
  const isRecent = kept !== null && repository.now() - kept.at < CONFIRM_AFTER_MS;
  if (isRecent && Buffer.compare(kept.bytes, bytes) === 0) return;
  await repository.keep(key, bytes, { evictable: true });
}

const CONFIRM_AFTER_MS = 24 * 60 * 60 * 1000;
const BATCH = 50;

/** Some at a time: each is a read or a write of the database. */
export async function inBatches<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += BATCH)
    await Promise.all(items.slice(at, at + BATCH).map(work));
}
