// `holdfast move`: everything stored goes to another place, from a file into a PostgreSQL or back.
import { resolve } from "node:path";
import { databaseAt } from "../config/database.ts";
import { loadConfig } from "../config/load.ts";
import type { FormatOptions } from "../config/schema.ts";
import { storeAt } from "../config/store-at.ts";
import { printable } from "../core/log.ts";
import { move } from "../server/move.ts";
import type { Moved } from "../server/move-files.ts";
import { type MovePlace, nameOf, storeOf, takeOver } from "../server/move-places.ts";
import { type Command, UsageError } from "./arguments.ts";
import { configFrom, configOptions } from "./options.ts";
import { refuseForOwner } from "./owner.ts";
import { createProgress } from "./progress.ts";
import { align, humanSize, type Terminal } from "./terminal.ts";

export function moveCommand({ formats }: { formats: readonly FormatOptions[] }): Command {
  return {
    name: "move",
    summary: "Copy everything stored to a PostgreSQL, or back to a folder, and take it over",
    options: {
      to: {
        value: "WHERE",
        help: "A postgres:// URL, a data directory, or the configuration file that will be in use then (.yaml)",
      },
      store: {
        value: "s3://BUCKET",
        help: "Files go to this bucket, with the key in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; or `folder`, back to the data directory. Without --to they alone go",
      },
      finish: { help: "The last time: no server runs, and the new place takes over" },
      verify: { help: "With --finish: read all files again where they are then" },
      "take-over": {
        help: "Alone: the catalog is a copy of another one (pg_dump), or was put back to an earlier state, and the files are its own from now on",
      },
      "leave-damaged": { help: "With --finish: also when files are damaged or missing here" },
      config: configOptions.config,
      data: configOptions.data,
    },
    details: `Without --finish it runs beside the server, as often as you like: each time it copies what is new, and one that was cut goes on. Nothing is altered here. With --finish no
server may run: it copies the rest, compares each table and looks for each file there, says what belongs into the configuration, and sees to it that no server starts here by mistake.
Files stay where they are where WHERE is a PostgreSQL, unless --store names a bucket. --store alone, or a WHERE with the catalog that there is, has the files go and the catalog stay. Where it is the data directory that the files are in, only the catalog comes back.
--take-over is for a database that was restored from a dump: a server starts on the bucket of the one that it is a copy of only after that, and one on that other database never again. And for a catalog that was put back
to an earlier state, or one of two copies: the server removes no files before that, and one on another copy never again.
Exit code 1 when something is damaged or missing here: \`holdfast verify\` says what that is. docs/scale.md tells more.`,
    examples: [
      ["move --to postgres://holdfast@db.example.com/holdfast", "Beside the server"],
      ["move --to new.yaml --finish", "The rest, while no server runs"],
      ["move --store s3://packages/holdfast", "Files alone, beside the server"],
    ],
    async run(given, terminal) {
      const where = given.text("to");
      if (given.on("take-over")) {
        for (const name of ["to", "store"] as const)
          if (given.text(name) !== undefined)
            throw new UsageError(`--take-over and --${name} do not go together`);
        return takeFiles(configFrom(given, formats, terminal), terminal);
      }
      if (where === undefined && given.text("store") === undefined)
        throw new UsageError("move needs --to, the new place, or --store, that of the files alone");
      const isLast = given.on("finish");
      for (const flag of ["verify", "leave-damaged"] as const)
        if (given.on(flag) && !isLast) throw new UsageError(`--${flag} goes with --finish`);
      const from = configFrom(given, formats, terminal);
      refuseForOwner(from.data);
      const to = placeOf(where, given.text("store"), from, formats, terminal);
      const file = where !== undefined && isFile(where) ? resolve(terminal.cwd, where) : null;
      const began = terminal.now();
      const bar = createProgress(terminal, "Moving", { total: 0, unit: "share" });
      try {
        const moved = await move(from, to, {
          isLast,
          areFilesRead: given.on("verify"),
          mayBeDamaged: given.on("leave-damaged"),
          told: (step, done) => bar.at(0, 0, `${step}: ${done.toLocaleString("en-US")}`),
        });
        bar.end();
        const code = tell(moved, to, isLast, terminal.now() - began, terminal);
        if (moved.isDone) terminal.out(`${ended(from, to, file)}\n`);
        return code;
      } finally {
        bar.end();
      }
    },
  };
}

async function takeFiles(place: MovePlace, terminal: Terminal): Promise<number> {
  refuseForOwner(place.data);
  const before = await takeOver(place);
  const files = placeOfFiles(place);
  const catalog = place.database || place.store ? nameOf(place) : "the catalog beside them";
  terminal.out(
    before === null
      ? `The files in ${files} belong to ${catalog} already.\n`
      : `The files in ${files} belong to ${catalog} from now on, as it is.${othersOf(place, before)} \`holdfast verify\` finds what is missing, and what this catalog does not name is garbage from now on.\n`,
  );
  return 0;
}

/** Which server must not go on. `before`: whose the files were. */
function othersOf(place: MovePlace, before: string): string {
  // Beside its files it is one alone: the earlier one was overwritten, or lies in another folder with files of its own.
  if (!place.database && !place.store) return "";
  const isCopy = !place.database || before === nameOf(place);
  return isCopy
    ? " A server that still runs on another copy of it must be stopped: it removes nothing there any more."
    : ` A server that still runs on ${before} must be stopped: it removes nothing there any more, and does not start there again.`;
}

const isFile = (where: string) => /\.ya?ml$/.test(where);

function placeOf(
  where: string | undefined,
  bucket: string | undefined,
  from: MovePlace,
  formats: readonly FormatOptions[],
  terminal: Terminal,
): MovePlace {
  const path = where === undefined ? from.data : resolve(terminal.cwd, where);
  if (where !== undefined && isFile(where)) {
    if (bucket !== undefined) throw new UsageError(`--store belongs into ${where} (store)`);
    return loadConfig({ file: path, formats, flags: {}, env: terminal.env });
  }
  const isFolder = bucket === "folder";
  const store =
    bucket === undefined || isFolder
      ? null
      : storeAt({ url: bucket }, { env: terminal.env, folder: terminal.cwd });
  if (where === undefined) return { data: path, database: from.database, store };
  if (/^postgres(ql)?:/.test(where))
    return {
      data: from.data,
      database: databaseAt(where),
      store: isFolder ? null : (store ?? from.store),
    };
  if (/^\w+:\/\//.test(where))
    throw new UsageError(
      "--to takes a postgres:// URL, a data directory, or a configuration file that ends in .yaml",
    );
  return { data: path, database: null, store };
}

function tell(
  { tables, files, faults, isDone }: Moved,
  to: MovePlace,
  isLast: boolean,
  ms: number,
  terminal: Terminal,
): number {
  const number = (value: number) => value.toLocaleString("en-US");
  if (isLast)
    for (const line of align(
      tables
        .filter(({ rows }) => rows > 0)
        .map(({ table, rows, added }) => [table, `${number(rows)} rows`, `${number(added)} new`]),
    ))
      terminal.out(`${line}\n`);
  const sum = (of: "rows" | "added" | "removed") =>
    tables.reduce((total, table) => total + table[of], 0);
  const rows = `${number(sum("rows"))} rows (${number(sum("added"))} new, ${number(sum("removed"))} gone or altered)`;
  const bytes = files
    ? `${number(files.already + files.files)} files (${number(files.files)} new, ${humanSize(files.bytes)})`
    : "files stay where they are";
  const seconds = `${(ms / 1000).toFixed(1)} s`;
  if (tables.length > 0) terminal.out(`${nameOf(to)}: ${rows}; ${bytes}. ${seconds}.\n`);
  else if (files) terminal.out(`${placeOfFiles(to)}: ${bytes}. ${seconds}.\n`);
  for (const line of faults) terminal.err(`${printable(line)}\n`);
  if (isDone) return faults.length > 0 ? 1 : 0;
  if (isLast) {
    terminal.err(
      "Nothing has changed hands: `holdfast verify --repair` here fetches what can be fetched; with --leave-damaged it goes on without the rest.\n",
    );
    return 1;
  }
  terminal.out(
    "Nothing has changed hands. Run it again as often as you like; then stop the server, and run it with --finish.\n",
  );
  return faults.length > 0 ? 1 : 0;
}

/** What is to be done now, and how it is undone. `file`: the configuration that says all of the new place; null where that is a URL or a folder. */
function ended(from: MovePlace, to: MovePlace, file: string | null): string {
  const next =
    file === null
      ? `The configuration is to say:\n\n${written(from, to)}`
      : `Start the server with the configuration that says so:\n\n  holdfast serve --config ${file}`;
  if (nameOf(from) === nameOf(to))
    return `The files of ${nameOf(to)} are in ${placeOfFiles(to)} from now on. ${next}\n\nNo server starts with what the configuration says now. Those in ${placeOfFiles(from)} stay until you remove them, and \`holdfast move\` brings back what is stored from now on.`;
  const undo = from.database
    ? `DELETE FROM moves in ${nameOf(from)}`
    : `the newest holdfast.db.left-… in ${from.data} is called holdfast.db again, and move.json and catalog.json there are removed`;
  return `${nameOf(to)} has taken over. ${next}\n\nNo server starts on ${nameOf(from)} any more. To undo that, and lose what is stored from now on: ${undo}.`;
}

const placeOfFiles = (place: MovePlace) => storeOf(place) ?? place.data;

/** The keys that must change in the configuration, and those that must not. */
function written(from: MovePlace, to: MovePlace): string {
  const isSame = to.database !== null && nameOf(from) === nameOf(to);
  const store =
    to.store === from.store
      ? "store: as it is now"
      : `store: ${storeOf(to)}, with the key in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY as now`;
  return [
    to.database ? `database: ${isSame ? "as it is now" : nameOf(to)}` : "no database",
    to.store ? store : "no store",
    `data: ${to.data}`,
  ]
    .map((line) => `  ${line}`)
    .join("\n");
}
