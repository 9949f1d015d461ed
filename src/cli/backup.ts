// `holdfast backup`, `backup show`, `backup verify` and `restore`: a copy of what a server stores, made while it runs, and a data directory made of it.
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { everyNamed, waitingBlobs } from "../cache/named.ts";
import { writtenDatabase } from "../config/database.ts";
import type { Config } from "../config/resolve.ts";
import type { FormatOptions } from "../config/schema.ts";
import { type StoreConfig, storeUrl } from "../config/store.ts";
import { version } from "../core/build.ts";
import { DURATION, parseDuration } from "../core/duration.ts";
import { Problem } from "../core/problem.ts";
import { askControl, controlPath } from "../http/control.ts";
import { BACKUP_ENDED, type BackupEnd, noteBackup } from "../jobs/backups.ts";
import { checkLog, copyLog } from "../ledger/log/copy.ts";
import { DamagedLog } from "../ledger/log/tree.ts";
import { openLog } from "../server/files.ts";
import { type Beside, backUp, refuseUnsound } from "../store/backup.ts";
import { readBucketBackup } from "../store/backup-bucket.ts";
import { MOST, type Retention } from "../store/backup-generations.ts";
import { type Note, readNote } from "../store/backup-note.ts";
import { withScratch } from "../store/backup-scratch.ts";
import { openBucket } from "../store/bucket.ts";
import { bucketPlace } from "../store/copy-bucket.ts";
import { layoutOf, openLayout } from "../store/layout.ts";
import { type LogFiles, openLogFiles } from "../store/log-files.ts";
import { restore } from "../store/restore.ts";
import { takePostgres } from "../store/take-postgres.ts";
import { type Command, type Given, UsageError } from "./arguments.ts";
import { BUCKETS, bucketOptions, placeOf, readerOf, withHome } from "./backup-place.ts";
import { configFrom, configOptions } from "./options.ts";
import { createProgress } from "./progress.ts";
import { holdStore, readStore, requireStore } from "./store.ts";
import { humanSize, paint, type Terminal } from "./terminal.ts";
import { checkStore } from "./verify.ts";

export function backupCommands({ formats }: { formats: readonly FormatOptions[] }): Command[] {
  return [backupCommand(formats), showCommand, verifyCommand, restoreCommand];
}

function backupCommand(formats: readonly FormatOptions[]): Command {
  return {
    name: "backup",
    words: "[FOLDER]",
    summary: "Copy everything stored to a folder or a bucket, also while the server runs",
    options: {
      to: { value: "FOLDER", help: "The same as FOLDER: a folder, or s3://BUCKET/PREFIX" },
      config: configOptions.config,
      data: configOptions.data,
      keep: {
        value: "N",
        help: "So many backups stay, with this one, and what none of them names is removed",
      },
      "keep-days": {
        value: "DAYS",
        help: "Those of the last days stay; with --keep, what either of the two keeps",
      },
      link: { help: "Files become further names of the same bytes: quick, and on one disk" },
      ...bucketOptions,
    },
    details: `Makes FOLDER a backup, or brings an earlier one there up to date: only what is new is copied, and one that was cut goes on. Accounts,
tokens and the server's own keys are in it; the configuration and the files that it names are not. At the end every file that the catalog
names is looked for; \`holdfast backup verify\` also hashes them. With --keep or --keep-days backups of before stay beside this one, each with the files that it names, for
\`holdfast restore --before\`; without either this one takes the place of the last one, and no file is removed.

${BUCKETS} A prefix has the backups of one server, and nothing else.`,
    examples: [
      ["backup /mnt/backup/holdfast", "Every night"],
      ["backup /mnt/backup/holdfast --keep 3 --keep-days 30", "And those of a month"],
      ["backup --to s3://backups/holdfast --endpoint https://s3.example.com", "To a bucket"],
    ],
    async run(given, terminal) {
      const place = placeOf(whereTo(given), given, terminal);
      const retention = retentionOf(given);
      const config = configFrom(given, formats, terminal);
      const layout = requireStore(config);
      const bar = createProgress(terminal, "Backing up", { total: 0, unit: "files" });
      const to = place.store ? storeUrl(place.store) : place.folder;
      try {
        const log = besideOf(terminal);
        const { database, store } = config;
        const source = {
          layout,
          files: store && bucketPlace(openBucket(store, store)),
        };
        const [done, name] = await withHome(
          place,
          given.on("link"),
          config,
          layout,
          async (home) => [
            await backUp(source, home, {
              named: ({ read }) => everyNamed(read),
              alsoNamed: ({ read }) => waitingBlobs(read),
              beside: log.from(openLog(config, layout)),
              ...(database && { takeCatalog: (to: string) => takePostgres(database, to) }),
              version,
              retention,
              told: ({ files }) => bar.at(files),
            }),
            home.name,
          ],
        );
        const { files, bytes, missing, pruned, generations } = done;
        bar.end();
        // What a program of another version made is not written to.
        if (missing !== null)
          await tellEnd(config, { to, missing: missing.length, why: null }, terminal);
        terminal.out(
          `${database ? writtenDatabase(database).url : layout.root} is backed up to ${name}: ${count(files, "new")}, ${humanSize(bytes)}, and the catalog.\n`,
        );
        if (retention)
          terminal.out(
            `${generations === 1 ? "1 backup is" : `${generations} backups are`} there now; ${pruned === null ? "no file was removed: what one of them names is not known, or another backup has begun" : `${count(pruned)} that none of them names went`}.\n`,
          );
        if (missing === null)
          terminal.out(
            "The data directory is of another version than this program: the files that its catalog names were not looked for.\n",
          );
        if (!missing?.length) return log.isDamaged() ? 1 : 0;
        terminal.err(
          `${count(missing.length)} that the catalog names are not in ${store ? storeUrl(store) : layout.root}, and so not in the backup: \`holdfast verify\` says which.\n`,
        );
        return 1;
      } catch (error) {
        bar.end();
        // What was asked wrongly is told to who asked, and is no backup that failed.
        if (error instanceof Problem && error.kind !== "badRequest")
          await tellEnd(config, { to, missing: 0, why: error.message }, terminal);
        throw error;
      } finally {
        bar.end();
      }
    },
  };
}

/** Has the server know how it ended, by the one that runs or in its catalog. A backup is none the worse where that cannot be. */
async function tellEnd(config: Config, end: BackupEnd, terminal: Terminal): Promise<void> {
  const { to, missing, why } = end;
  const values = { to, missing: String(missing), ...(why !== null && { why }) };
  const request = { name: BACKUP_ENDED, repository: "", flags: new Set<string>(), values };
  const call = { progress() {}, say() {}, signal: new AbortController().signal };
  try {
    if ((await askControl(controlPath(config.data), request, call)) !== null) return;
    await readStore(config, async () => {}); // who is about to write it would make it one of this version
    await holdStore(config, ({ database }) => noteBackup(database, end, terminal.now()));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    terminal.err(`The server could not be told of this backup: ${why}\n`);
  }
}

/** Throws a UsageError for what is no number. */
function retentionOf(given: Given): Retention | null {
  const [keep, days] = (["keep", "keep-days"] as const).map((name) => {
    const text = given.text(name);
    if (text === undefined) return null;
    if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
    throw new UsageError(`--${name} takes a number from 1 to ${MOST}`);
  });
  if (keep === null && days === null) return null;
  return { count: keep ?? null, ms: days === null || days === undefined ? null : days * DAY_MS };
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Throws a UsageError for what is no time. */
function beforeOf(given: Given): number | null {
  const text = given.text("before");
  if (text === undefined) return null;
  const time = Date.parse(text);
  if (!Number.isNaN(time)) return time;
  throw new UsageError("--before takes a time: 2026-11-26, 2026-11-26T12:00Z");
}

function whereTo(given: Given): string {
  const [word] = given.words;
  const to = given.text("to");
  if (word !== undefined && to !== undefined)
    throw new UsageError("FOLDER and --to are the same: give one of them");
  const where = word ?? to;
  if (where === undefined) throw new UsageError("what is missing: FOLDER");
  return where;
}

const showCommand: Command = {
  name: "backup show",
  words: "FOLDER",
  summary: "Say when a backup was made, and whether that is long ago",
  options: {
    within: {
      value: "DURATION",
      help: "Exit code 1 where it is older, or of a time to come: 26h, 8d",
    },
    json: { help: "Print it as JSON, for programs" },
    ...bucketOptions,
  },
  details: `Of the last one that came to its end; exit code 1 where none did. For whoever is to be told that backups stay away, whatever makes them.

${BUCKETS}`,
  examples: [["backup show /mnt/backup/holdfast --within 26h", "Each morning"]],
  async run(given, terminal) {
    const within = given.text("within");
    if (within !== undefined && !DURATION.test(within))
      throw new UsageError("--within takes how old it may be: 26h, 8d");
    const { folder, store } = placeOf(given.words[0]!, given, terminal);
    const { note } =
      store === null
        ? { note: await readNote(folder) }
        : await readBucketBackup(storeUrl(store), openBucket(store, store));
    const ageMs = terminal.now() - Date.parse(note.madeAt);
    const isAhead = ageMs < -SKEW_MS;
    const isOld = within !== undefined && !(ageMs <= parseDuration(within));
    if (given.on("json"))
      terminal.out(`${JSON.stringify({ ...note, ageSeconds: Math.floor(ageMs / 1000) })}\n`);
    else
      terminal.out(
        `${sentence(note)} ${isAhead ? "That is still to come" : `That is ${hoursOf(ageMs)} ago`}.\n`,
      );
    if (!given.on("json"))
      for (const one of note.earlier ?? []) terminal.out(`Before it: ${sentence(one)}\n`);
    if (isOld) terminal.err(`It is older than ${within}.\n`);
    if (isAhead)
      terminal.err("How old it is cannot be said: one of the two machines has a wrong clock.\n");
    return isOld || (isAhead && within !== undefined) ? 1 : 0;
  },
};

/** By how much two machines' clocks may differ, and nobody is told. */
const SKEW_MS = 5 * 60_000;

function hoursOf(ms: number): string {
  const hours = Math.max(0, Math.floor(ms / 3_600_000));
  return `${hours} ${hours === 1 ? "hour" : "hours"}`;
}

const sentence = ({ madeAt, holdfast }: Note) => `A backup of ${madeAt}, by Holdfast ${holdfast}.`;

const verifyCommand: Command = {
  name: "backup verify",
  words: "FOLDER",
  summary: "Re-hash a backup, and say what of it is damaged",
  options: bucketOptions,
  details: `Exit code 1 when anything is damaged or missing, or when the backup never came to its end.

${BUCKETS} All of it is read.`,
  async run(given, terminal) {
    const place = placeOf(given.words[0]!, given, terminal);
    const tell = (note: Note) => terminal.out(`${sentence(note)}\n`);
    const { folder, store } = place;
    if (store === null) {
      tell(await readNote(folder));
      refuseUnsound(layoutOf(folder).database);
      return verifyAll({ data: folder, store }, openLogFiles(layoutOf(folder).log), terminal);
    }
    const backup = await readBucketBackup(storeUrl(store), openBucket(store, store));
    return withScratch(tmpdir(), async (data) => {
      tell(backup.note);
      const { database } = openLayout(data);
      await backup.takeCatalog(database);
      refuseUnsound(database);
      return verifyAll({ data, store }, backup.log, terminal);
    });
  },
};

const restoreCommand: Command = {
  name: "restore",
  words: "FOLDER",
  summary: "Make a data directory of a backup",
  options: {
    data: { value: "DIR", help: "The new data directory: empty, or not there" },
    before: {
      value: "TIME",
      help: "Of several (backup --keep) the last that was made until then: 2026-11-26T12:00Z",
    },
    ...bucketOptions,
  },
  details: `Hashes each file of the backup FOLDER and puts it into DIR; nothing that is there is written over. One that was cut goes on.
Exit code 1 when files of the backup are damaged: they are left out, and fetched again where they came from an upstream.

${BUCKETS}`,
  examples: [
    ["restore /mnt/backup/holdfast --data /var/lib/holdfast", "On a new machine"],
    ["restore s3://backups/holdfast --data /var/lib/holdfast", "From a bucket"],
  ],
  async run(given, terminal) {
    const data = given.text("data");
    if (data === undefined)
      throw new UsageError("restore needs --data DIR, the new data directory");
    const place = placeOf(given.words[0]!, given, terminal);
    const before = beforeOf(given);
    const root = resolve(terminal.cwd, data);
    const bar = createProgress(terminal, "Restoring", { total: 0, unit: "files" });
    try {
      const log = besideOf(terminal);
      const told = ({ files }: { files: number }) => bar.at(files);
      const { note, files, bytes, damaged } = await restore(
        readerOf(place, before),
        root,
        told,
        log.from,
      );
      bar.end();
      terminal.out(
        `${root} is as it was backed up at ${note.madeAt}: ${count(files)}, ${humanSize(bytes)}, and the catalog.\n`,
      );
      for (const sha256 of damaged) terminal.err(`damaged  ${sha256}\n`);
      if (damaged.length === 0) return log.isDamaged() ? 1 : 0;
      terminal.err(
        `${count(damaged.length)} of the backup are damaged and were left out: \`holdfast verify --data ${root}\` says what they were.\n`,
      );
      return 1;
    } finally {
      bar.end();
    }
  },
};

async function verifyAll(
  place: { data: string; store: StoreConfig | null },
  log: LogFiles,
  terminal: Terminal,
): Promise<number> {
  try {
    return await readStore({ ...place, database: null }, async (store) => {
      const { damaged } = await checkStore(store, terminal);
      const wrong = await checkLog(store.database.read, log);
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
function besideOf(terminal: Terminal): { from(log: LogFiles): Beside; isDamaged(): boolean } {
  let isDamaged = false;
  return {
    isDamaged: () => isDamaged,
    from: (log) => async (catalog, to) => {
      try {
        return await copyLog(catalog.read, log, to);
      } catch (error) {
        if (!(error instanceof DamagedLog)) throw error;
        isDamaged = true;
        terminal.err(
          `The append-only log is damaged, and was left out (${error.message}): \`holdfast ledger audit\` says where.\n`,
        );
        return async () => {};
      }
    },
  };
}

function count(files: number, more = ""): string {
  return `${files.toLocaleString("en-US")} ${more ? `${more} ` : ""}${files === 1 ? "file" : "files"}`;
}
