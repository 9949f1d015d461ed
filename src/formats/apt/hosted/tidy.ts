// What left the suites, and generations that others took the place of: kept for a while, for clients that have older lists, and then no more.
import type { PackageFile } from "../../../core/hosting.ts";
import type { UnboundRepository } from "../../../core/repository.ts";
import type { AptOptions } from "../options.ts";
import { type GenerationMetadata, membersOf, type SuiteState, suiteFolder } from "./suite-state.ts";

type Unbound = UnboundRepository<AptOptions>;

/** Beyond these the oldest go, however young they are. */
const GENERATIONS = 500;

const leftKey = (path: string) => `hosted/left/${path}`;

/** To be told when a package leaves a suite, or is about to come back into one. */
export function noteLeft(repository: Pick<Unbound, "keep">, path: string): Promise<void> {
  return repository.keep(leftKey(path), Buffer.from("1"), { evictable: true });
}

/** `alone`: see `Suites.alone`. Says how many files of packages it moved to the trash. */
export async function tidySuites(
  unbound: Unbound,
  alone: <T>(suite: string, work: () => Promise<T>) => Promise<T>,
  forgetKept: (folder: string) => void,
): Promise<number> {
  const { hosted } = unbound.options;
  if (!hosted) return 0;
  const old = unbound.now() - hosted.grace;
  const members = new Set<string>();
  for (const suite of hosted.suites) {
    // An index that goes must not be one that a new generation names.
    const found = await alone(suite, () => tidySuite(unbound, forgetKept, suite, old));
    for (const path of found) members.add(path);
  }
  const { hosting } = unbound.own();
  const all = await hosting.all();
  const needed = withParts(all, members);
  let removed = 0;
  for (const { kind, file, publishedAt, package: name } of all) {
    if (kind !== "pool" || needed.has(file) || publishedAt > old) continue;
    if (await isYoung(unbound, file, old)) continue;
    await hosting.remove(name, { file });
    removed += 1;
  }
  return removed;
}

/** Whether it left a suite after `old`. */
async function isYoung(unbound: Unbound, path: string, old: number): Promise<boolean> {
  const left = await unbound.kept(leftKey(path));
  if (left) return left.at > old;
  // Nobody knows any more when that was.
  await noteLeft(unbound, path);
  return true;
}

function withParts(all: readonly PackageFile[], members: ReadonlySet<string>): ReadonlySet<string> {
  const known = membersOf(all);
  const parts = [...members].flatMap((path) => known.get(path)?.metadata.parts ?? []);
  return new Set([...members, ...parts]);
}

/** Returns the suite's members. */
async function tidySuite(
  unbound: Unbound,
  forgetKept: (folder: string) => void,
  suite: string,
  old: number,
): Promise<string[]> {
  const folder = suiteFolder(suite);
  const { hosting } = unbound.own();
  const found = await hosting.read(folder);
  if (!found) return [];
  const { generation, members } = found.state as unknown as SuiteState;
  const newest = [...found.releases].reverse();
  // A release is needed until a while after the next one came.
  const isKept = (at: number) =>
    at <= unbound.options.generations || (at < GENERATIONS && newest[at - 1]!.publishedAt > old);
  const kept = newest.filter(({ version }, at) => version === generation || isKept(at));
  const gone = newest.filter((release) => !kept.includes(release));
  if (gone.length === 0) return members;
  const named = new Set(kept.flatMap(({ metadata }) => digestsIn(metadata as GenerationMetadata)));
  const files = found.releases.flatMap((one) => one.files).map(({ file }) => file);
  await hosting.forget(folder, {
    versions: gone.map(({ version }) => version),
    files: files.filter((file) => !named.has(file)),
  });
  forgetKept(folder);
  return members;
}

function digestsIn({ text }: GenerationMetadata): string[] {
  return [...text.matchAll(/^ ([0-9a-f]{64}) /gm)].map(([, digest]) => digest!);
}
