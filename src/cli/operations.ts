// The commands that formats bring along (`Format.operations`): `holdfast mirror run REPOSITORY`. How to run one is given by main.ts.
import type { Config } from "../config/resolve.ts";
import type { Format } from "../core/format.ts";
import { printable } from "../core/log.ts";
import type { Operation, OperationCall } from "../core/operation.ts";
import type { OperationRequest } from "../http/control.ts";
import { type Command, type Given, UsageError, unknown } from "./arguments.ts";
import { configFrom, configOptions } from "./options.ts";
import { createProgress } from "./progress.ts";
import { processSignals } from "./signals.ts";
import { requireStore } from "./store.ts";
import type { Terminal } from "./terminal.ts";
import { who } from "./who.ts";

export type OperatingFormat = Pick<Format, "name" | "options" | "fileOptions" | "operations">;

export interface OperationDeps extends RunDeps {
  formats: readonly OperatingFormat[];
}

export interface RunDeps {
  /** In the server that runs on the data directory, or else in this process. Throws Problems. */
  operate(
    config: Config,
    request: OperationRequest,
    call: Omit<OperationCall, "flags">,
  ): Promise<boolean>;
  /** Calls back on each signal to stop, until it is told to leave off. Of the process unless told. */
  signals?(stop: (signal: NodeJS.Signals) => void): () => void;
}

/** A command for each name; formats that share a name share the command. */
export function operationCommands(deps: OperationDeps): Command[] {
  const byName = new Map<string, Operation[]>();
  for (const operation of deps.formats.flatMap(({ operations = [] }) => operations))
    byName.set(operation.name, [...(byName.get(operation.name) ?? []), operation]);
  return [...byName].map(([name, operations]) => command(name, operations, deps));
}

function command(name: string, operations: readonly Operation[], deps: OperationDeps): Command {
  const [{ summary, details }] = operations as [Operation];
  const flags: Record<string, string> = Object.assign({}, ...operations.map(({ flags }) => flags));
  const known: Record<string, string> = Object.assign(
    {},
    ...operations.map(({ values }) => values),
  );
  const where =
    "A server that runs on the data directory does it, and is asked to stop by Ctrl-C; without one this command does it itself.";
  return {
    name,
    words: "REPOSITORY",
    summary,
    options: {
      ...Object.fromEntries(Object.entries(flags).map(([flag, help]) => [flag, { help }])),
      ...Object.fromEntries(
        Object.entries(known).map(([key, help]) => [key, { value: key.toUpperCase(), help }]),
      ),
      config: configOptions.config,
      data: configOptions.data,
    },
    details: details ? `${details}\n\n${where}` : where,
    async run(given, terminal) {
      const config = configFrom(given, deps.formats, terminal);
      const repository = repositoryOf(given, name, config, deps.formats);
      const wanted = new Set(Object.keys(flags).filter((flag) => given.on(flag)));
      const said = Object.keys(known).flatMap((key): [string, string][] => {
        const text = given.text(key);
        return text === undefined ? [] : [[key, text]];
      });
      const values = Object.fromEntries(said.length ? [...said, ["by", who()]] : []);
      return runOperation({ name, repository, flags: wanted, values }, config, deps, terminal);
    },
  };
}

/** The asked repository, when its format has the operation. */
function repositoryOf(
  given: Given,
  name: string,
  { repositories }: Config,
  formats: readonly OperatingFormat[],
): string {
  const asked = given.words[0]!;
  const having = repositories.filter(({ format }) =>
    formats.some(
      (known) => known.name === format && known.operations?.some((o) => o.name === name),
    ),
  );
  if (having.some((repository) => repository.name === asked)) return asked;
  const other = repositories.find((repository) => repository.name === asked);
  const names = having.map((repository) => repository.name);
  if (names.length === 0) throw new UsageError(`no repository of the configuration has ${name}`);
  if (!other) throw new UsageError(unknown("repository", asked, names));
  throw new UsageError(
    `${asked} is a repository of the format ${other.format}, which has no ${name} (these have: ${names.join(", ")})`,
  );
}

/** An operation of the house, which belongs to no repository: `values` that are undefined are left out. Throws Problem("notFound") where nothing was ever stored. */
export async function runHouse(
  name: string,
  values: Readonly<Record<string, string | undefined>>,
  config: Config,
  deps: RunDeps,
  terminal: Terminal,
): Promise<number> {
  requireStore(config);
  const said: Record<string, string> = {};
  for (const [key, value] of Object.entries(values)) if (value !== undefined) said[key] = value;
  const request = { name, repository: "", flags: new Set<string>(), values: said };
  return runOperation(request, config, deps, terminal);
}

/** Shows how far it has come, and stops it when the person says so. Resolves to the command's exit code. */
export async function runOperation(
  request: OperationRequest,
  config: Config,
  { operate, signals = processSignals }: RunDeps,
  terminal: Terminal,
): Promise<number> {
  const bar = createProgress(terminal, `${request.name} ${request.repository}`, {
    total: 0,
    unit: "share",
  });
  const stopping = new AbortController();
  const cut = Promise.withResolvers<"cut">();
  const leave = signals((signal) => {
    if (stopping.signal.aborted) return cut.resolve("cut");
    stopping.abort();
    bar.say(`${signal}: stopping; once more stops at once`);
  });
  try {
    const outcome = await Promise.race([
      operate(config, request, {
        progress: (done, total, note) => bar.at(done, total, printable(note)),
        say: (line) => bar.say(printable(line)),
        signal: stopping.signal,
      }),
      cut.promise,
    ]);
    bar.end();
    if (outcome === true) return 0;
    if (stopping.signal.aborted) terminal.err("Stopped before the end.\n");
    return 1;
  } catch (error) {
    bar.end();
    // Whatever it was cut short with.
    if (!stopping.signal.aborted) throw error;
    terminal.err("Stopped before the end.\n");
    return 1;
  } finally {
    leave();
  }
}
