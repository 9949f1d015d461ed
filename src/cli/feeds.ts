// `holdfast feeds …`, `advisories show` and `policy affected`: what tells which releases are bad, what it told, and whom such releases reached.
import { resolve } from "node:path";
import { knownAdvisories } from "../advisories/known.ts";
import type { Config } from "../config/resolve.ts";
import type { FeedState } from "../core/advisory.ts";
import { csvLine } from "../core/csv.ts";
import type { Format } from "../core/format.ts";
import { printable } from "../core/log.ts";
import { type Affected, listAffected, type ShownAdvisory, showAdvisory } from "../jobs/affected.ts";
import type { PolicedRepository } from "../jobs/policy.ts";
import { ruledRepository } from "../policy/rules.ts";
import { type Command, UsageError } from "./arguments.ts";
import { type RunDeps, runHouse } from "./operations.ts";
import { configFrom, configOptions } from "./options.ts";
import { readStore } from "./store.ts";
import { align, paint, type Terminal } from "./terminal.ts";

export interface FeedCommandDeps extends RunDeps {
  formats: readonly Format[];
}

const JSON_LINES = { help: "One JSON object a line, with all details" };
const WHERE =
  "A server that runs on the data directory does it; without one this command does it itself.";

export function feedCommands(deps: FeedCommandDeps): Command[] {
  const options = { config: configOptions.config, data: configOptions.data };
  const policed = ({ repositories }: Config) =>
    repositories.map((one): PolicedRepository => {
      const format = deps.formats.find(({ name }) => name === one.format)!;
      return { ...ruledRepository(one.name, format), rules: one.policy };
    });

  return [
    {
      name: "feeds list",
      summary: "Show the feeds of advisories: when each was read, and how much it knows",
      options: { json: JSON_LINES, ...options },
      details: "Works while the server runs. Exit code 1 when one could not be read the last time.",
      async run(given, terminal) {
        const config = configFrom(given, deps.formats, terminal);
        const feeds = await readStore(config, ({ database }) =>
          knownAdvisories(database.read, []).feeds(),
        );
        if (given.on("json")) for (const feed of feeds) terminal.out(`${JSON.stringify(feed)}\n`);
        else terminal.out(feedTable(feeds, config, terminal));
        return feeds.some(({ error }) => error !== null) ? 1 : 0;
      },
    },
    {
      name: "feeds refresh",
      words: "[FEED]",
      summary:
        "Read a feed now, or all of them, and look again at the packages of which it tells something else",
      options,
      details: `${WHERE} Exit code 1 when one cannot be read: what it told before still counts.`,
      async run(given, terminal) {
        const config = configFrom(given, deps.formats, terminal);
        if (config.feeds.length === 0) throw new UsageError("the configuration has no feeds");
        return runHouse("feeds refresh", { feed: given.words[0] }, config, deps, terminal);
      },
    },
    {
      name: "feeds import",
      words: "PATH",
      summary:
        "Take in advisories that were carried here: an archive of OSV, or a folder of archives and records",
      options,
      details: `They are kept beside those of the feeds, as the feed \`imported\`; a record of the same id takes the place of the one before. ${WHERE} The path is one of the server's machine.`,
      examples: [["feeds import /media/usb/npm/all.zip", "Behind an air gap"]],
      async run(given, terminal) {
        const config = configFrom(given, deps.formats, terminal);
        const path = resolve(given.words[0]!);
        return runHouse("feeds import", { path }, config, deps, terminal);
      },
    },
    {
      name: "advisories show",
      words: "ID",
      summary:
        "Show what a feed told, by its id or another name of it, and whom the releases reached",
      options: { json: JSON_LINES, ...options },
      details: "Works while the server runs.",
      examples: [["advisories show CVE-2026-1", "What is that?"]],
      async run(given, terminal) {
        const config = configFrom(given, deps.formats, terminal);
        const [id = ""] = given.words;
        const repositories = policed(config);
        const { shown, affected } = await readStore(config, async ({ database: { read } }) => ({
          shown: await showAdvisory(read, repositories, id),
          affected: await listAffected(read, repositories, id),
        }));
        if (given.on("json")) {
          for (const { advisory } of shown) terminal.out(`${JSON.stringify(advisory)}\n`);
          return 0;
        }
        for (const { advisory } of shown) terminal.out(wordsOf(advisory));
        terminal.out(
          affected.length === 0
            ? "Nobody fetched such a release here, as far back as that is kept.\n"
            : `${affectedTable(affected)}\n`,
        );
        return 0;
      },
    },
    {
      name: "policy affected",
      words: "WHAT",
      summary:
        "Show who was sent a release, or the releases that an advisory is about: from where, when, through which repository",
      options: {
        csv: { help: "For spreadsheets, with a line of names first" },
        json: JSON_LINES,
        ...options,
      },
      details:
        "WHAT is a purl, with a version or without, or the id of an advisory: then it is about the releases that the advisory is about. Works while the server runs; how far back it goes is `fetches` of the configuration.",
      examples: [
        ["policy affected pkg:npm/left-pad@1.3.1", "Who has it?"],
        ["policy affected MAL-2026-1 --csv", "For those who clean up"],
      ],
      async run(given, terminal) {
        const config = configFrom(given, deps.formats, terminal);
        const [what = ""] = given.words;
        const rows = await readStore(config, ({ database }) =>
          listAffected(database.read, policed(config), what),
        );
        if (given.on("json")) for (const row of rows) terminal.out(`${JSON.stringify(row)}\n`);
        else if (given.on("csv")) terminal.out(affectedCsv(rows));
        else
          terminal.out(
            rows.length === 0
              ? "Nobody fetched it here, as far back as that is kept.\n"
              : `${affectedTable(rows)}\n`,
          );
        return 0;
      },
    },
  ];
}

function feedTable(feeds: readonly FeedState[], { feeds: configured }: Config, terminal: Terminal) {
  if (feeds.length === 0)
    return configured.length === 0
      ? "The configuration has no feeds.\n"
      : "No feed was read yet.\n";
  const head = ["FEED", "READ", "NEWEST RECORD", "RECORDS", ""];
  const lines = align([
    head,
    ...feeds.map(({ name, readAt, newestAt, records, error, seedOf }) => [
      name,
      seedOf === null ? minute(readAt) : `seed of ${seedOf.slice(0, 10)}`,
      minute(newestAt),
      String(records),
      error === null ? "" : printable(error),
    ]),
  ]);
  return `${lines
    .map((line, at) => (feeds[at - 1]?.error ? paint(terminal, "yellow", line) : line))
    .join("\n")}\n`;
}

function wordsOf(advisory: ShownAdvisory): string {
  const { id, aliases, purl, kind, severity, summary, url, versions, ranges, feed } = advisory;
  const spans = ranges.map(({ introduced, fixed, lastAffected }) => {
    const from = introduced === "0" ? "" : `>=${introduced} `;
    return (
      `${from}${fixed === null ? (lastAffected === null ? "" : `<=${lastAffected}`) : `<${fixed}`}`.trim() ||
      "*"
    );
  });
  const which = [...spans, ...versions];
  const some = which.slice(0, 20).join(", ");
  const lines = [
    `${[id, ...aliases].join(", ")}: ${kind === "malicious" ? kind : (severity ?? "of unknown severity")}`,
    `  ${purl} ${some}${which.length > 20 ? `, and ${which.length - 20} more` : ""}`,
    ...(summary ? [`  ${summary}`] : []),
    ...(url ? [`  ${url}`] : []),
    `  told by ${feed}, modified ${minute(advisory.modifiedAt)}${advisory.withdrawnAt ? `, withdrawn ${minute(advisory.withdrawnAt)}` : ""}`,
  ];
  return `${lines.map(printable).join("\n")}\n`;
}

function affectedTable(rows: readonly Affected[]): string {
  return align([
    ["RELEASE", "REPOSITORY", "WHO", "TOKEN", "FROM", "FIRST", "LAST", "FILES", "IN A LOCK FILE"],
    ...rows.map((row) => [
      row.purl,
      row.repository,
      row.principal || "(no name)",
      row.tokenName ?? row.token ?? "",
      row.address,
      minute(new Date(row.firstAt).toISOString()),
      minute(new Date(row.lastAt).toISOString()),
      String(row.files),
      row.lockedAt === null ? "" : minute(new Date(row.lockedAt).toISOString()),
    ]),
  ])
    .map(printable)
    .join("\n");
}

const COLUMNS = [
  "purl",
  "repository",
  "kind",
  "principal",
  "token",
  "tokenName",
  "address",
  "firstAt",
  "lastAt",
  "files",
  "advisories",
  "lockedAt",
] as const;

/** With a line of names first. */
export function affectedCsv(rows: readonly Affected[]): string {
  const lines = rows.map((row) =>
    COLUMNS.map((key) => {
      const value = row[key];
      if ((key === "firstAt" || key === "lastAt" || key === "lockedAt") && value !== null)
        return new Date(value as number).toISOString();
      return key === "advisories" ? row[key].join(" ") : String(value ?? "");
    }),
  );
  return [COLUMNS, ...lines].map(csvLine).join("");
}

function minute(time: string | null): string {
  return time === null ? "never" : time.slice(0, 16).replace("T", " ");
}
