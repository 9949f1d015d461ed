// `holdfast mirror run`: fetches ahead all that clients of the mirrored suites may ask for.
import type { OperationCall } from "../../../core/operation.ts";
import { Problem } from "../../../core/problem.ts";
import type { Turn } from "../../../core/task.ts";
import type { LookupRow } from "../lookup-file.ts";
import type { AptRepository } from "../memory.ts";
import type { MirrorOptions } from "../options.ts";
import {
  forgetReplacements,
  indexOptions,
  type Lookup,
  poolArtifact,
  poolPath,
  type Replacements,
  replacementsOf,
  useLookup,
} from "../pool.ts";
import { isPrivateFile } from "../private-names.ts";
import type { FileFilter } from "../wanted.ts";
import { catalogOf } from "./catalog.ts";
import { createMeter } from "./meter.ts";
import { createPace } from "./pace.ts";
import { rowsOf } from "./rows.ts";
import { beginSuite, type MirroredSuite } from "./suite.ts";
import { type Missing, pause, type Transferred, transfer, type Wish } from "./transfer.ts";
import { count, missingLines, sizeOf } from "./words.ts";

type Wait = typeof pause;

/** What the report is made of. */
interface Tally {
  files: number;
  bytes: number;
  newFiles: number;
  newBytes: number;
  there: number;
  /** Private names, which are never asked for. */
  claimed: number;
  missing: Missing[];
  left: number;
  ended: string | null;
}

/** True when nothing is missing. Never two at a time on a repository: whoever starts operations sees to that. */
export async function runMirror(
  repository: AptRepository,
  call: OperationCall,
  wait: Wait = pause,
): Promise<boolean> {
  const plan = repository.options.mirror;
  if (plan) return run(repository, plan, call, wait);
  throw new Problem(
    "badRequest",
    `${repository.name} has no \`mirror\` in its configuration: nothing says what to fetch ahead`,
  );
}

async function run(
  repository: AptRepository,
  plan: MirrorOptions,
  call: OperationCall,
  wait: Wait,
): Promise<boolean> {
  const { signal } = call;
  const now = () => repository.now();
  const stored = catalogOf(await repository.stored());
  const meter = createMeter(call, now);
  const pace = createPace(plan.limitRate ?? null, now, meter.came);
  const tally: Tally = {
    files: 0,
    bytes: 0,
    newFiles: 0,
    newBytes: 0,
    there: 0,
    claimed: 0,
    missing: [],
    left: 0,
    ended: null,
  };

  function expected({ size }: Wish): void {
    tally.files += 1;
    tally.bytes += size;
  }

  /** Counts a file. True when it is to be fetched. */
  function lacks(wish: Wish, sha256: string | null): boolean {
    expected(wish);
    const { path, artifact } = wish;
    const row = stored.get(artifact);
    if (!row) return true;
    if (sha256 === null || sha256 === row.sha256) tally.there += 1;
    else missing([{ path, reason: "it is stored with other bytes than its index names" }]);
    return false;
  }

  async function fetch(wishes: Wish[]): Promise<Transferred> {
    const { connections } = plan;
    meter.expect(
      wishes.length,
      wishes.reduce((sum, { size }) => sum + size, 0),
    );
    const settled = meter.settled;
    const result = await transfer(repository, wishes, { connections, pace, signal, wait, settled });
    tally.newFiles += result.files;
    tally.newBytes += result.bytes;
    tally.left += result.left;
    // Stored before, or a client was faster.
    tally.there += wishes.length - result.files - result.missing.length - result.left;
    tally.ended ??= result.ended;
    return result;
  }

  const missing = (some: Missing[]) => void tally.missing.push(...some);
  const suites: MirroredSuite[] = [];
  for (const suite of new Set(plan.suites)) {
    if (signal.aborted || tally.ended !== null) break;
    // All of them, stored or not: one that was lost from disk would be missed later.
    const fetchIndices = (wishes: Wish[]) => {
      for (const wish of wishes) expected(wish);
      return fetch(wishes);
    };
    const begun = await beginSuite(repository, suite, plan, { fetch: fetchIndices, missing });
    if (begun) suites.push(begun);
  }
  if (!signal.aborted && tally.ended === null) {
    forgetReplacements(repository);
    const wishes: Wish[] = [];
    await eachFile(
      repository,
      plan,
      suites,
      await replacementsOf(repository),
      (wish, sha256) => {
        if (wish === null) tally.claimed += 1;
        else if (lacks(wish, sha256)) wishes.push(wish);
      },
      { isBehind: true, signal },
    );
    missing((await fetch(wishes)).missing);
  }
  meter.show();
  return report(repository, call, tally);
}

/** Each file that the indices name and the filter lets through, once; null for a claimed one. */
async function eachFile(
  repository: AptRepository,
  plan: MirrorOptions,
  suites: readonly MirroredSuite[],
  replacements: Replacements,
  use: (wish: Wish | null, sha256: string | null) => void,
  turn: Turn,
): Promise<void> {
  const seen = new Set<string>();
  for (const { folder, release, naming } of suites)
    for (const index of naming)
      await eachRow(
        repository,
        { suite: folder, release, ...index },
        filterOf(plan),
        (row) => {
          const path = poolPath(folder, row.path);
          // The same bytes in all suites: what differs is refused when a release comes.
          if (seen.has(path)) return;
          seen.add(path);
          const artifact = poolArtifact(path, row, release.origin, replacements);
          use(
            isPrivateFile(repository, path, row.package)
              ? null
              : { path, size: row.size, artifact },
            row.sha256,
          );
        },
        turn,
      );
}

/** Null when all are wanted: then the lookup file that clients' requests need too is enough. */
function filterOf({ filter }: MirrorOptions): FileFilter | null {
  if (!filter) return null;
  const { packages, notPackages, sections, notSections } = filter;
  const lists = {
    ...(packages.length > 0 && { include: packages }),
    ...(notPackages.length > 0 && { exclude: notPackages }),
    ...(sections.length > 0 && { sections }),
    ...(notSections.length > 0 && { excludeSections: notSections }),
  };
  return Object.keys(lists).length > 0 ? lists : null;
}

/** Nobody waits for the rows of a mirror. Of a run that is stopped there are none. */
async function eachRow(
  repository: AptRepository,
  index: Lookup & { sha256: string },
  filter: FileFilter | null,
  use: (row: LookupRow) => void,
  turn: Turn,
): Promise<void> {
  if (!filter)
    return useLookup(repository, index, async (file) => {
      for await (const rows of rowsOf(file)) rows.forEach(use);
    });
  const options = { ...indexOptions(index), filter };
  const file = await repository.derive("wanted", options, [index.sha256], turn).catch((error) => {
    if (turn.signal?.aborted) return null;
    throw error;
  });
  if (!file) return;
  try {
    for await (const rows of rowsOf(file)) rows.forEach(use);
  } finally {
    await file.close();
  }
}

function report(repository: AptRepository, { say, signal }: OperationCall, tally: Tally): boolean {
  const { missing, left, ended, claimed } = tally;
  for (const line of missingLines(missing)) say(line);
  const rest = `${count(left, "file")} left: the next run goes on from here`;
  if (ended !== null) say(`Ended early: ${ended}. ${rest}`);
  else if (signal.aborted) say(`Stopped. ${rest}`);
  if (claimed > 0) say(`${count(claimed, "file")} of claimed packages left out`);
  say(
    `${repository.name}: ${count(tally.files, "file")} (${sizeOf(tally.bytes)}): ` +
      `${tally.newFiles.toLocaleString("en-US")} new (${sizeOf(tally.newBytes)}), ` +
      `${tally.there.toLocaleString("en-US")} already there, ${missing.length.toLocaleString("en-US")} missing`,
  );
  return missing.length === 0 && ended === null && !signal.aborted;
}
