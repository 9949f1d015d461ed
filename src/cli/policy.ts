// `holdfast policy …`: what is held and why, and what other rules would have done; with the commands of exceptions.
import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/resolve.ts";
import { DURATION, parseDuration } from "../core/duration.ts";
import type { Format } from "../core/format.ts";
import type { Withholding } from "../core/policy.ts";
import {
  type Explained,
  explain,
  listHeld,
  type PolicedRepository,
  replay,
} from "../jobs/policy.ts";
import { describe } from "../jobs/waivers.ts";
import { ruledRepository } from "../policy/rules.ts";
import type { Waiver } from "../policy/waiver.ts";
import { readWaivers } from "../policy/waivers.ts";
import type { ReadDatabase } from "../store/database.ts";
import { type Command, type Given, UsageError, unknown } from "./arguments.ts";
import { exceptionCommands, JSON_LINES, minute } from "./exceptions.ts";
import { type RunDeps, runHouse } from "./operations.ts";
import { configFrom, configOptions } from "./options.ts";
import { readStore } from "./store.ts";
import { align, paint, type Terminal } from "./terminal.ts";
import { who } from "./who.ts";

export interface PolicyCommandDeps extends RunDeps {
  formats: readonly Format[];
}

const WEEK = "7d";

export function policyCommands(deps: PolicyCommandDeps): Command[] {
  const options = { config: configOptions.config, data: configOptions.data };

  /** Runs `work` beside a running server. */
  function reading<T>(
    config: Config,
    work: (database: ReadDatabase, waivers: Waiver[]) => Promise<T>,
  ): Promise<T> {
    return readStore(config, async ({ database }) =>
      work(database, await readWaivers(database.read)),
    );
  }

  const policed = (config: Config) =>
    config.repositories.map((one): PolicedRepository => {
      const format = deps.formats.find(({ name }) => name === one.format)!;
      return { ...ruledRepository(one.name, format), rules: one.policy };
    });

  async function write(
    name: string,
    given: Given,
    terminal: Terminal,
    values: Record<string, string | undefined>,
  ): Promise<number> {
    const config = configFrom(given, deps.formats, terminal);
    return runHouse(name, { ...values, by: who() }, config, deps, terminal);
  }

  const readAll = (given: Given, terminal: Terminal) =>
    reading(configFrom(given, deps.formats, terminal), async (_, all) => all);

  return [
    {
      name: "policy held",
      summary: "Show what is held or blocked of all that is known here",
      options: {
        repository: { value: "NAME", help: "Only in this repository" },
        json: JSON_LINES,
        ...options,
      },
      details: "Works while the server runs.",
      async run(given, terminal) {
        const config = configFrom(given, deps.formats, terminal);
        const only = given.text("repository");
        const names = config.repositories.map(({ name }) => name);
        if (only !== undefined && !names.includes(only))
          throw new UsageError(unknown("repository", only, names));
        const repositories = policed(config).filter(({ name }) => !only || name === only);
        const rows = await reading(config, async (database, waivers) =>
          Array.fromAsync(listHeld(database.read, repositories, waivers, terminal.now())),
        );
        if (given.on("json")) for (const row of rows) terminal.out(`${JSON.stringify(row)}\n`);
        else if (rows.length === 0) terminal.out("Nothing is held or blocked.\n");
        else
          terminal.out(
            table(
              terminal,
              rows.map((row) => [row, [row.repository, row.purl, ...wordsOf(row)]]),
            ),
          );
        return 0;
      },
    },
    {
      name: "policy explain",
      words: "PURL",
      summary: "Say whether a release is held or blocked, by which rule, and until when",
      options: { json: JSON_LINES, ...options },
      details: "Works while the server runs. Exit code 1 when a repository withholds it.",
      examples: [["policy explain pkg:npm/left-pad@1.3.0", "Why does this build get another one?"]],
      async run(given, terminal) {
        const config = configFrom(given, deps.formats, terminal);
        const [purl] = given.words as [string];
        const found = await reading(config, (database, waivers) =>
          explain(database.read, policed(config), waivers, terminal.now(), purl),
        );
        for (const one of found) {
          if (given.on("json")) terminal.out(`${JSON.stringify(one)}\n`);
          else {
            const told = one.withheld?.message ?? "allowed";
            const age = one.publishedAt ? ` (published ${one.publishedAt})` : "";
            terminal.out(`${one.repository}: ${told}${one.withheld ? "" : age}\n`);
            for (const line of provenanceLines(one)) terminal.out(`  ${line}\n`);
            for (const waiver of one.waivers)
              terminal.out(`  ${describe(waiver)}, by ${waiver.owner}: ${waiver.reason}\n`);
          }
        }
        return found.some(({ withheld }) => withheld) ? 1 : 0;
      },
    },
    {
      name: "policy test",
      words: "FILE",
      summary:
        "Show which of the last week's fetches the rules of a configuration file would refuse",
      options: {
        since: { value: "TIME", help: `How far back (${WEEK})` },
        json: JSON_LINES,
        ...options,
      },
      details: `FILE is a whole configuration: the one that is to come. Each fetch is held against its rules as of the time at which it was made;
waivers do not count. Exit code 1 when one would have been refused.`,
      examples: [["policy test holdfast.next.yaml", "Before the reload"]],
      async run(given, terminal) {
        const since = given.text("since") ?? WEEK;
        if (!DURATION.test(since)) throw new UsageError("--since takes how long ago: 24h, 7d");
        const config = configFrom(given, deps.formats, terminal);
        const next = loadConfig({
          file: given.words[0]!,
          formats: deps.formats,
          flags: {},
          env: terminal.env,
        });
        const from = terminal.now() - parseDuration(since);
        const rows = await reading(config, (database) =>
          Array.fromAsync(replay(database.read, policed(next), from)),
        );
        if (given.on("json")) for (const row of rows) terminal.out(`${JSON.stringify(row)}\n`);
        else if (rows.length === 0) terminal.out("All that was fetched would have been.\n");
        else
          terminal.out(
            table(
              terminal,
              rows.map((row) => [
                row,
                [minute(row.fetchedAt), row.repository, row.purl, ...wordsOf(row)],
              ]),
            ),
          );
        return rows.length > 0 ? 1 : 0;
      },
    },
    ...exceptionCommands("waiver", { options, write, reading: readAll }),
    ...exceptionCommands("block", { options, write, reading: readAll }),
  ];
}

/** Who made a release, as far as that was verified, and no further. */
function provenanceLines({ provenance, lostSince, traits }: Explained): string[] {
  const lines = provenance.map(({ file, state, builder, signature, why }) => {
    const made =
      builder === null
        ? state === "none"
          ? "no provenance"
          : `provenance that ${state === "false" ? "is false" : "could not be verified"}: ${why}`
        : `built from ${builder.repository ?? builder.subject}${builder.workflow ? ` by ${builder.workflow}` : ""}${builder.commit ? ` at ${builder.commit.slice(0, 12)}` : ""}, verified (${builder.issuer})`;
    return `${file}: ${made}${signature ? `; ${SIGNED[signature]}` : ""}`;
  });
  if (lostSince !== null) lines.push(`provenance was lost: ${lostSince} had it`);
  if (lines.length === 0 && traits?.attested)
    lines.push("provenance that nobody has looked at yet: it is when the release is fetched");
  if (traits?.licence !== undefined) lines.push(`licence ${traits.licence}`);
  return lines;
}

const SIGNED = {
  root: "signed by the registry, with a key that the trust root vouches for",
  registry: "signed by the registry, with a key that it showed itself",
} as const;

/** What is said of one release: held until when, or blocked, and by which rule. */
function wordsOf({ verdict, until, rule }: Withholding): [string, string] {
  const how = verdict === "block" ? "blocked" : "held";
  return [until === null ? how : `${how} until ${minute(until)}`, rule];
}

function table(terminal: Terminal, rows: [Withholding, string[]][]): string {
  const lines = align(rows.map(([, cells]) => cells));
  return `${lines
    .map((line, at) => (rows[at]![0].verdict === "block" ? paint(terminal, "red", line) : line))
    .join("\n")}\n`;
}
