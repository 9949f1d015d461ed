// What is done with suites from the server's own machine, or over the API: packages go from one to another, or leave one, and keys are changed.
import type { Operation, OperationCall } from "../../../core/operation.ts";
import { Problem } from "../../../core/problem.ts";
import type { AptRepository, AptRun } from "../memory.ts";
import type { AptOptions } from "../options.ts";
import { suitesOf } from "./publish.ts";
import type { Member } from "./suite-state.ts";

const WHICH = {
  package: "Of this package, binary or source",
  version: "This version of it alone",
  source: "All that was built of this source package, and itself",
};
const HOUR = 60 * 60_000;

export const suiteOperations: Operation<AptOptions>[] = [
  {
    name: "apt promote",
    summary: "Put packages of one suite into another one as well",
    details: `The very same files, without copying any. They stay in the first suite. Without --version: the versions that it has.`,
    values: { ...WHICH, from: "The suite that has them", to: "The suite that gets them" },
  },
  {
    name: "apt remove",
    summary: "Take packages out of a suite",
    details: `Clients no longer see them there. What no suite has any more goes to the trash when \`hosted.grace\` is over, and can be restored from there. To take files
away at once, from all suites: holdfast unpublish.`,
    values: { ...WHICH, suite: "Out of this suite" },
  },
  {
    name: "apt key",
    summary: "Show the keys that sign a repository, make a new one, or retire the old ones",
    details: `After --rotate every release is signed by the new key and by those before it, and /-/key.asc has all of them. When the clients have fetched it, --retire lets
go of the old ones.`,
    flags: {
      rotate: "Make a key that signs from now on, beside those before it",
      retire: "Sign with the newest key alone",
    },
  },
  {
    name: "apt tidy",
    summary: "Make releases anew that are due, and let go of what no client needs any more",
    details: `Old generations, and packages that no suite has any more, stay for as long as \`hosted.grace\` says. The server does this by itself.`,
    every: ({ hosted }) =>
      hosted ? Math.max(60_000, Math.min(HOUR, (hosted.validFor ?? HOUR) / 4)) : null,
  },
];

export const suiteRuns: Record<string, AptRun> = {
  "apt promote": promote,
  "apt remove": remove,
  "apt key": changeKeys,
};

async function promote(repository: AptRepository, call: OperationCall): Promise<boolean> {
  const suites = suitesOf(repository);
  const [from, to] = [needed(call, "from"), needed(call, "to")];
  for (const suite of [from, to]) suites.check(suite);
  if (from === to) throw new Problem("badRequest", `${from} is the suite that they come from`);
  const found = await chosen(repository, from, call);
  await suites.edit(to, { add: found.map(({ file }) => file), why: `promoted by ${by(call)}` });
  for (const one of found) call.say(`${nameOf(one)} is in ${to} now`);
  return true;
}

async function remove(repository: AptRepository, call: OperationCall): Promise<boolean> {
  const suites = suitesOf(repository);
  const suite = needed(call, "suite");
  suites.check(suite);
  const found = await chosen(repository, suite, call);
  await suites.edit(suite, { drop: found.map(({ file }) => file), why: `removed by ${by(call)}` });
  for (const one of found) call.say(`${nameOf(one)} is in ${suite} no more`);
  return true;
}

/** What is meant of a suite. Throws Problem("notFound") where it has none of that. */
async function chosen(
  { suites }: AptRepository,
  suite: string,
  { values = {} }: OperationCall,
): Promise<Member[]> {
  const { package: name, source, version } = values;
  if ((name === undefined) === (source === undefined))
    throw new Problem("badRequest", "Which packages? Either --package or --source is needed");
  const paths = new Set(await suites!.members(suite));
  const all = [...(await suites!.known()).values()];
  const found = all.filter(
    ({ file, metadata }) =>
      paths.has(file) &&
      (name === undefined || metadata.package === name) &&
      (source === undefined || sourceOf(file) === source) &&
      (version === undefined || metadata.version === version),
  );
  const what = `${name ?? source}${version === undefined ? "" : ` ${version}`}`;
  if (found.length === 0) throw new Problem("notFound", `${suite} has no ${what}`);
  return found;
}

/** As the folder in the pool is called. */
function sourceOf(path: string): string {
  return path.split("/").at(-2)!;
}

async function changeKeys(
  repository: AptRepository,
  { flags, say }: OperationCall,
): Promise<boolean> {
  const suites = suitesOf(repository);
  if (flags.has("rotate") && flags.has("retire"))
    throw new Problem(
      "badRequest",
      "Either --rotate or --retire: clients need time to fetch the new key before the old ones go",
    );
  if (flags.has("rotate")) await suites.signing.rotate();
  if (flags.has("retire")) {
    const count = await suites.signing.retire();
    say(count ? `${count} old keys sign no more` : "There is no old key");
  }
  for (const suite of suites.options.suites) await suites.edit(suite, {});
  const { all } = await suites.signing.keys();
  for (const [at, key] of all.entries())
    say(
      `${key.getFingerprint().toUpperCase()} ${at === 0 ? "signs" : "signs as well, until it is retired"}`,
    );
  return true;
}

function needed({ values = {} }: OperationCall, key: string): string {
  const value = values[key];
  if (value) return value;
  throw new Problem("badRequest", `--${key} is needed`);
}

function by({ values = {} }: OperationCall): string {
  return values["by"] || "somebody";
}

function nameOf({ metadata: { package: name, version, architecture } }: Member): string {
  return `${name} ${version} (${architecture})`;
}
