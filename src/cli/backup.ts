// `holdfast backup`, `backup verify` and `restore`: a copy of the data directory that can be served, made while the server runs.
import { resolve } from "node:path";
import { everyNamed } from "../cache/named.ts";
import { writtenDatabase } from "../config/database.ts";
import type { FormatOptions } from "../config/schema.ts";
import { storeUrl } from "../config/store.ts";
import { version } from "../core/build.ts";
import { Problem } from "../core/problem.ts";
import { checkLog, copyLog } from "../ledger/log/copy.ts";
import { DamagedLog } from "../ledger/log/tree.ts";
import { openLog } from "../server/files.ts";
import { type Beside, backUp, refuseUnsound } from "../store/backup.ts";
import { readNote } from "../store/backup-note.ts";
import { openBucket } from "../store/bucket.ts";
import { bucketPlace } from "../store/copy-bucket.ts";
import { layoutOf } from "../store/layout.ts";
import { type LogFiles, openLogFiles } from "../store/log-files.ts";
import { restore } from "../store/restore.ts";
import { takePostgres } from "../store/take-postgres.ts";
import { type Command, UsageError } from "./arguments.ts";
import { configFrom, configOptions } from "./options.ts";
import { createProgress } from "./progress.ts";
import { readStore, requireStore } from "./store.ts";
import { humanSize, paint, type Terminal } from "./terminal.ts";
import { checkStore } from "./verify.ts";

export function backupCommands({ formats }: { formats: readonly FormatOptions[] }): Command[] {
  return [backupCommand(formats), verifyCommand, restoreCommand];
}

function backupCommand(formats: readonly FormatOptions[]): Command {
  return {
    name: "backup",
    words: "FOLDER",
    summary: "Copy everything stored to a folder, also while the server runs",
    options: {
      config: configOptions.config,
      data: configOptions.data,
      link: { help: "Files become further names of the same bytes: quick, and on one disk" },
    },
    details: `Makes FOLDER a backup, or brings an earlier one there up to date: only what is new is copied, and one that was cut goes on. Accounts,
tokens and the server's own keys are in it; the configuration and the files that it names are not. At the end every file that the catalog
names is looked for; \`holdfast backup verify\` also hashes them.`,
    examples: [["backup /mnt/backup/holdfast", "Every night"]],
    async run(given, terminal) {
      const folder = resolve(terminal.cwd, given.words[0]!);
      const config = configFrom(given, formats, terminal);
      const layout = requireStore(config);
      const bar = createProgress(terminal, "Backing up", { total: 0, unit: "files" });
      try {
        const { beside, isDamaged } = besideOf(terminal, openLog(config, layout));
        const { database, store } = config;
        const { files, bytes, missing } = await backUp(layout, folder, {
          named: ({ read }) => everyNamed(read),
          beside,
          ...(database && { takeCatalog: (to: string) => takePostgres(database, to) }),
          ...(store && { files: bucketPlace(openBucket(store, store)) }),
          isLinked: given.on("link"),
          version,
          told: ({ files }) => bar.at(files),
        });
        bar.end();
        terminal.out(
          `${database ? writtenDatabase(database).url : layout.root} is backed up to ${folder}: ${count(files, "new")}, ${humanSize(bytes)}, and the catalog.\n`,
        );
        if (missing === null)
          terminal.out(
            "The data directory is of another version than this program: the files that its catalog names were not looked for.\n",
          );
        if (!missing?.length) return isDamaged() ? 1 : 0;
        terminal.err(
          `${count(missing.length)} that the catalog names are not in ${store ? storeUrl(store) : layout.root}, and so not in the backup: \`holdfast verify\` says which.\n`,
        );
        return 1;
      } finally {
        bar.end();
      }
    },
  };
}

const verifyCommand: Command = {
  name: "backup verify",
  words: "FOLDER",
  summary: "Re-hash a backup, and say what of it is damaged",
  options: {},
  details:
    "Exit code 1 when anything is damaged or missing, or when the backup never came to its end.",
  async run(given, terminal) {
    const folder = resolve(terminal.cwd, given.words[0]!);
    const { madeAt, holdfast } = await readNote(folder);
    refuseUnsound(layoutOf(folder).database);
    terminal.out(`A backup of ${madeAt}, by Holdfast ${holdfast}.\n`);
    return verifyAll(folder, terminal);
  },
};

const restoreCommand: Command = {
  name: "restore",
  words: "FOLDER",
  summary: "Make a data directory of a backup",
  options: { data: { value: "DIR", help: "The new data directory: empty, or not there" } },
  details: `Hashes each file of the backup FOLDER and puts it into DIR; nothing that is there is written over. One that was cut goes on.
Exit code 1 when files of the backup are damaged: they are left out, and fetched again where they came from an upstream.`,
  examples: [["restore /mnt/backup/holdfast --data /var/lib/holdfast", "On a new machine"]],
  async run(given, terminal) {
    const data = given.text("data");
    if (data === undefined)
      throw new UsageError("restore needs --data DIR, the new data directory");
    const folder = resolve(terminal.cwd, given.words[0]!);
    const root = resolve(terminal.cwd, data);
    const bar = createProgress(terminal, "Restoring", { total: 0, unit: "files" });
    try {
      const { beside, isDamaged } = besideOf(terminal);
      const told = ({ files }: { files: number }) => bar.at(files);
      const { note, files, bytes, damaged } = await restore(folder, root, told, beside);
      bar.end();
      terminal.out(
        `${root} is as it was backed up at ${note.madeAt}: ${count(files)}, ${humanSize(bytes)}, and the catalog.\n`,
      );
      for (const sha256 of damaged) terminal.err(`damaged  ${sha256}\n`);
      if (damaged.length === 0) return isDamaged() ? 1 : 0;
      terminal.err(
        `${count(damaged.length)} of the backup are damaged and were left out: \`holdfast verify --data ${root}\` says what they were.\n`,
      );
      return 1;
    } finally {
      bar.end();
    }
  },
};

async function verifyAll(folder: string, terminal: Terminal): Promise<number> {
  try {
    return await readStore({ data: folder, database: null, store: null }, async (store) => {
      const { damaged } = await checkStore(store, terminal);
      const wrong = await checkLog(store.database.read, openLogFiles(layoutOf(folder).log));
      for (const line of wrong) terminal.out(`${paint(terminal, "red", "log     ")} ${line}\n`);
      return damaged.length + wrong.length > 0 ? 1 : 0;
    });
  } catch (error) {
    if (!(error instanceof Problem) || error.kind !== "conflict") throw error;
    throw new Problem(
      "conflict",
      `${error.message}. To look at it, restore it and start a server of this version on that`,
      { cause: error },
    );
  }
}

/** Puts the append-only log as the catalog knows it. One that is damaged is left out, and said: a server of the copy begins another one. */
function besideOf(
  terminal: Terminal,
  log: LogFiles | null = null,
): { beside: Beside; isDamaged(): boolean } {
  let isDamaged = false;
  return {
    isDamaged: () => isDamaged,
    async beside({ read }, from, to) {
      try {
        return await copyLog(read, log ?? openLogFiles(from.log), openLogFiles(to.log));
      } catch (error) {
        if (!(error instanceof DamagedLog)) throw error;
        isDamaged = true;
        terminal.err(
          `The append-only log ${log ? "" : `in ${from.log} `}is damaged, and was left out (${error.message}): \`holdfast ledger audit\` says where.\n`,
        );
        return async () => {};
      }
    },
  };
}

function count(files: number, more = ""): string {
  return `${files.toLocaleString("en-US")} ${more ? `${more} ` : ""}${files === 1 ? "file" : "files"}`;
}
