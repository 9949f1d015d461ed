// `holdfast ready LOCKFILE`: whether all that a project needs is here before the cable is cut, and fetching what is not.
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import type { Config, RepositoryConfig } from "../config/resolve.ts";
import type { AnyFormat } from "../core/format.ts";
import { LOCK_BYTES } from "../core/lock.ts";
import { printable } from "../core/log.ts";
import { checkLock, countReady, type ReadyReport } from "../jobs/readiness.ts";
import { ruledRepository } from "../policy/rules.ts";
import { readWaivers } from "../policy/waivers.ts";
import { type Command, UsageError, unknown } from "./arguments.ts";
import { type RunDeps, runOperation } from "./operations.ts";
import { configFrom, configOptions } from "./options.ts";
import { readStore } from "./store.ts";
import { align, type Terminal } from "./terminal.ts";
import { who } from "./who.ts";

export interface ReadyDeps extends RunDeps {
  formats: readonly AnyFormat[];
}

export function readyCommand(deps: ReadyDeps): Command {
  const kinds = deps.formats.flatMap(({ lock }) => lock?.name ?? []);
  return {
    name: "ready",
    words: "LOCKFILE",
    summary: "Say whether all that a lock file asks for is here, and fetch what is not",
    options: {
      repository: {
        value: "NAME",
        help: "The repository that its client uses; the first of its format without it",
      },
      fetch: { help: "Fetch what is missing: it takes a server, or starts one for that alone" },
      json: { help: "One JSON object a line, one for each release" },
      config: configOptions.config,
      data: configOptions.data,
    },
    details: `Reads ${kinds.join(", ")}, and says which releases are stored, missing, held or blocked. Works while the server runs.
Exit code 1 when something could not be had with the cable cut. Of a Python release whose files the lock does not name, one file is enough;
--fetch takes the wheel for all machines, or those for Linux with the source.`,
    examples: [
      ["ready package-lock.json", "Can this be built with the net unplugged?"],
      ["ready go.sum --fetch", "Have it ready"],
    ],
    async run(given, terminal) {
      const config = configFrom(given, deps.formats, terminal);
      const path = given.words[0]!;
      const text = readLock(path);
      const repository = repositoryOf(path, given.text("repository"), config, deps.formats);
      const format = deps.formats.find(({ name }) => name === repository.format)!;
      const lock = format.lock!.read(text);
      const check = () =>
        readStore(config, async ({ database }) =>
          checkLock(
            database.read,
            { ...ruledRepository(repository.name, format), rules: repository.policy },
            await readWaivers(database.read),
            terminal.now(),
            lock,
            () => true,
          ),
        );
      let report = await check();
      const missing = report.releases.filter(({ state }) => state === "missing");
      if (given.on("fetch") && missing.length > 0) {
        const wanted = missing.map(({ package: name, version, files, sha256 }) => ({
          package: name,
          version,
          files,
          sha256,
        }));
        const values = {
          repository: repository.name,
          releases: JSON.stringify(wanted),
          by: who(),
        };
        const request = { name: "ready fetch", repository: "", flags: new Set<string>(), values };
        await runOperation(request, config, deps, terminal);
        report = await check();
      }
      tell(report, given.on("json"), terminal);
      const { missing: lacking, held, blocked } = countReady(report);
      return lacking + held + blocked > 0 ? 1 : 0;
    },
  };
}

function readLock(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isFile()) throw new UsageError(`There is no file ${path}`);
  if (found.size > LOCK_BYTES) throw new UsageError(`${path} is larger than any lock file`);
  return readFileSync(path, "utf8");
}

/** By its name: `go.sum`, and `requirements-dev.txt` as well. */
function repositoryOf(
  path: string,
  asked: string | undefined,
  { repositories }: Config,
  formats: readonly AnyFormat[],
): RepositoryConfig {
  const lockOf = (one: RepositoryConfig) => formats.find(({ name }) => name === one.format)?.lock;
  const having = repositories.filter(lockOf);
  const names = having.map(({ name }) => name);
  if (asked !== undefined) {
    const found = having.find(({ name }) => name === asked);
    if (found) return found;
    throw new UsageError(unknown("repository", asked, names));
  }
  const file = basename(path).toLowerCase();
  const fits = (kind: string) => {
    const dot = kind.lastIndexOf(".");
    return file === kind || (file.startsWith(kind.slice(0, dot)) && file.endsWith(kind.slice(dot)));
  };
  const found = having.find((one) => fits(lockOf(one)!.name));
  if (found) return found;
  const kinds = [...new Set(having.map((one) => lockOf(one)!.name))].join(", ");
  throw new UsageError(`What is ${path}? It is none of ${kinds} by its name: say --repository`);
}

function tell(report: ReadyReport, isJson: boolean, terminal: Terminal): void {
  const { releases, elsewhere } = report;
  if (isJson) {
    for (const one of releases) terminal.out(`${JSON.stringify(one)}\n`);
    return;
  }
  const lacking = releases.filter(({ state }) => state !== "present");
  const rows = lacking.map(({ state, purl, why }) => [state, purl, printable(why ?? "")]);
  if (rows.length > 0) terminal.out(`${align(rows).join("\n")}\n`);
  for (const { name, why } of elsewhere)
    terminal.out(`${printable(name)} is not looked for: ${printable(why)}\n`);
  const { present, missing, held, blocked } = countReady(report);
  terminal.out(
    `${present} of ${releases.length} releases are here; ${missing} missing, ${held} held, ${blocked} blocked.\n`,
  );
}
