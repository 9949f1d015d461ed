// Files that were let in because the checksum database had no record of their module: held against it as soon as there is one.
import type { Operation, RunOperation } from "../../core/operation.ts";
import { Problem } from "../../core/problem.ts";
import type { OwnRepository, Repository } from "../../core/repository.ts";
import type { Task } from "../../core/task.ts";
import type { Checksums } from "./checksums.ts";
import { hashMod, hashZip } from "./dirhash.ts";
import type { GoOptions } from "./options.ts";

/** A module's zip or go.mod whose first bytes are pinned without proof. */
export interface Provisional {
  module: string;
  version: string;
  kind: "zip" | "mod";
}

const KEY = "provisional";
/** A repository with more is one whose database knows nothing: the newest are watched. */
const LIMIT = 10_000;
const EVERY_MS = 60 * 60 * 1000;

const fileOf = ({ version, kind }: Provisional) => `${version}.${kind}`;
const isSame = (a: Provisional, b: Provisional) =>
  a.module === b.module && a.version === b.version && a.kind === b.kind;

async function read(
  repository: OwnRepository,
): Promise<{ list: Provisional[]; bytes: Uint8Array | null }> {
  const bytes = (await repository.kept(KEY))?.bytes ?? null;
  return { list: bytes ? JSON.parse(Buffer.from(bytes).toString()) : [], bytes };
}

/** Two at a time may each have one to add. */
async function change(
  repository: OwnRepository,
  to: (list: Provisional[]) => Provisional[],
): Promise<void> {
  for (;;) {
    const { list, bytes } = await read(repository);
    const next = to(list);
    if (next === list) return;
    if (await repository.swap(KEY, Buffer.from(JSON.stringify(next)), bytes)) return;
  }
}

/** Has the file looked at again, see `recheckOperation`. */
export function noteProvisional(repository: OwnRepository, one: Provisional): Promise<void> {
  return change(repository, (list) =>
    list.some((other) => isSame(one, other)) ? list : [...list, one].slice(-LIMIT),
  );
}

/** In the worker: the go.sum hash of a stored file, in base64. */
export const dirhash: Task = async ({ options, files }) =>
  options.kind === "zip" ? hashZip(files[0]!) : hashMod(files[0]!);

export const recheckOperation: Operation<GoOptions> = {
  name: "go recheck",
  summary: "Hold modules that were let in without a checksum against the database again",
  details: `The checksum database may not have known a module when it was fetched first. The server does this by itself every hour. A file that proves false is
served no more: an event tells, and \`holdfast unpin\` lets the true one in. Ends with 1 when one proved false.`,
  every: ({ sumdb }) => (sumdb === false ? null : EVERY_MS),
  isQuiet: true,
};

export function recheckWith(checksums: Checksums): RunOperation<GoOptions> {
  return async (repository, { progress, say, signal }) => {
    const { list } = await read(repository);
    let isTrue = true;
    let unknown = 0;
    for (const [at, one] of list.entries()) {
      if (signal.aborted) return false;
      progress(at, list.length, `${one.module}@${one.version}`);
      const verdict = await check(repository, checksums, one);
      if (verdict === "unknown") {
        unknown += 1;
        continue;
      }
      if (verdict === "false") isTrue = false;
      say(`${one.module}@${one.version} (${one.kind}): ${verdict}`);
      await change(repository, (all) => all.filter((other) => !isSame(one, other)));
    }
    const none = unknown ? `; ${unknown} have none still` : "";
    say(
      list.length
        ? `${list.length} let in without a record were looked at${none}`
        : "No module was let in without a record",
    );
    return isTrue;
  };
}

/** `gone`: no longer stored, so that it is verified when it is fetched again. */
type Verdict = "true" | "false" | "unknown" | "gone";

async function check(
  repository: Repository<GoOptions>,
  checksums: Checksums,
  one: Provisional,
): Promise<Verdict> {
  const { module, version, kind } = one;
  let expected: string | null;
  try {
    expected = await checksums.expected(module, version, kind, () => {});
  } catch (error) {
    // It cannot be asked now, or still refuses: the next turn comes.
    if (error instanceof Problem) return "unknown";
    throw error;
  }
  if (expected === null) return "unknown";
  const file = fileOf(one);
  const stored = (await repository.stored(module)).find((row) => row.file === file);
  if (!stored) return "gone";
  const hash = await repository.work<string>("dirhash", { kind }, [stored.sha256]);
  if (expected.endsWith(`-${hash}`)) return "true";
  await repository.remove([{ package: module, file }]);
  repository.report({
    kind: "tampered",
    package: module,
    version,
    file,
    message: `${file} of ${module}, fetched before the checksum database had a record of it, is not what the record says: it is served no more; \`holdfast unpin\` lets the true one in`,
    detail: { sha256: stored.sha256, found: hash, expected },
  });
  return "false";
}
