// What doctor looks at of code hosts: git itself, whether each host answers and takes the credentials, and what the catalog says of the code that was had.
import type { Config, RepositoryConfig } from "../config/resolve.ts";
import { Problem } from "../core/problem.ts";
import { type SourceSettings, sourceMatcher } from "../core/source.ts";
import { askHost, gitVersion } from "../git/ask.ts";
import { readSources, type SourceRow } from "../sources/rows.ts";
import type { Finding } from "./finding.ts";
import { readStore } from "./store.ts";

/** No code is called so: a host that is asked for it tells at least that it is there. */
const NOTHING = "holdfast-doctor-asks";

interface Asked {
  url: string;
  /** Whether it is code that was had, or that the configuration names: not one that is made up. */
  isKnown: boolean;
  ms: number;
  /** Null when it answered. */
  problem: Problem | null;
}

/** Asks each code host once, all at the same time. */
export async function checkSources(config: Config, now: () => number): Promise<Finding[]> {
  const withCode = config.repositories.filter(({ sources }) => sources.length > 0);
  if (withCode.length === 0) return [];
  const [version, ...found] = await Promise.all([
    gitVersion(),
    ...withCode.map((repository) => check(config, repository, now)),
  ]);
  if (version === null)
    return [
      {
        state: "bad",
        subject: "git",
        text: "cannot be run, and packages are made from code with it",
        hint: "Install git, in /usr/local/bin, /usr/bin or /bin. What was released is served all the same",
      },
    ];
  return [{ state: "good", subject: "git", text: `version ${version}` }, ...found.flat()];
}

async function check(
  config: Config,
  { name: subject, offline, sources }: RepositoryConfig,
  now: () => number,
): Promise<Finding[]> {
  const rows = await readStore(config, ({ database }) => readSources(database.read, subject)).catch(
    () => [], // nothing is stored yet, or not in a way of this version: other checks say so
  );
  const findings = sources.map(async (source): Promise<Finding[]> => {
    const matcher = sourceMatcher(source);
    const own = rows.filter(({ root, url }) => matcher(root)?.url === url);
    const had = ofCode(subject, source, own);
    if (offline)
      return [
        { state: "skipped", subject, text: `${source.names}: offline, no code host is asked` },
      ];
    return [answer(subject, source, await ask(source, own, now)), ...had];
  });
  return (await Promise.all(findings)).flat();
}

async function ask(source: SourceSettings, own: SourceRow[], now: () => number): Promise<Asked> {
  const last = own.toSorted((a, b) => b.refreshedAt - a.refreshedAt)[0];
  const url = last?.url ?? sourceMatcher(source)(source.names.replaceAll("*", NOTHING))!.url;
  const isKnown = last !== undefined || !source.git.includes("{");
  const began = now();
  const problem = await askHost(url, source).then(
    () => null,
    (error) => {
      if (error instanceof Problem) return error;
      throw error;
    },
  );
  return { url, isKnown, ms: now() - began, problem };
}

function answer(subject: string, source: SourceSettings, asked: Asked): Finding {
  const { url, isKnown, ms, problem } = asked;
  const { host, protocol } = new URL(url);
  const where = `${source.names} at ${host || "this machine"}`;
  const isThere = problem === null || (problem.kind === "notFound" && !isKnown);
  if (isThere)
    return { state: "good", subject, text: `${where}: the code host answers in ${ms} ms` };
  const hasLogin = [source.token, source.password, source.sshKeyFile].some((one) => one);
  // To strangers many hosts say nothing of what they have.
  if (problem.kind === "refused" && !isKnown && !hasLogin)
    return {
      state: "skipped",
      subject,
      text: `${where}: the code host answers, and whether it wants credentials shows with the first code`,
    };
  const login = protocol === "ssh:" ? "sshKeyFile and hostKeyFile" : "the token or password";
  const hint =
    problem.kind === "refused"
      ? `Look at ${login} of this source: may it read that code?`
      : problem.kind === "notFound"
        ? "Was it removed or renamed there, or may these credentials not see it?"
        : "Is there a way to it, does it need a proxy or a ca of its own (sources: proxy, ca)?";
  return {
    state: problem.kind === "notFound" ? "warning" : "bad",
    subject,
    text: `${where}: ${problem.message}`,
    hint: `${hint} What was released of it is served all the same`,
  };
}

/** What the server wrote down when it asked. */
function ofCode(subject: string, { names }: SourceSettings, own: SourceRow[]): Finding[] {
  const failing = own.filter(({ failure }) => failure !== null);
  const first = failing.toSorted((a, b) => a.refreshedAt - b.refreshedAt)[0];
  if (!first) return [];
  const since = new Date(first.refreshedAt).toISOString().slice(0, 16).replace("T", " ");
  return [
    {
      state: "warning",
      subject,
      text: `${names}: of ${own.length} codes ${failing.length} could not be asked the last time, ${first.root} not since ${since}: ${first.failure}`,
      hint: "What was seen of them is served. `holdfast sources refresh` asks again",
    },
  ];
}
