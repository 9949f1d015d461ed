// `holdfast serve`: starts, says where it is, and stops when told. How to start is given by main.ts.
import { networkInterfaces } from "node:os";
import type { Config } from "../config/resolve.ts";
import { program } from "../core/build.ts";
import type { Format } from "../core/format.ts";
import { createLog, type Fields, labelled } from "../core/log.ts";
import { mainSetting } from "../core/snippet.ts";
import { accessWords } from "./access-words.ts";
import type { Command, Given } from "./arguments.ts";
import { listenTrouble } from "./listen.ts";
import { configFrom, configOptions, isLoopback } from "./options.ts";
import { processHangUps, processSignals } from "./signals.ts";
import { align, paint, type Terminal } from "./terminal.ts";

export interface Running {
  /** Finishes running responses, then closes everything. */
  stop(): Promise<void>;
  /** Where it answers, without a trailing slash. */
  url: string;
  /** With which the first administrator is made; null once there is a user. */
  setupCode?(): string | null;
  /** Which of several servers it is, for lines of the log; null while there is one. */
  label?(): Fields | null;
  /** Takes a changed configuration in, and says in the log what came of it. */
  reload?(): Promise<unknown>;
}

export interface ServeDeps {
  formats: readonly Pick<Format, "name" | "options" | "fileOptions" | "setup">[];
  /** `load`: the configuration as it is written by now. */
  start(config: Config, load: () => Config, how: { hasCanaries: boolean }): Promise<Running>;
  /** Calls back on each signal to take the configuration in again, until it is told to leave off. Of the process unless told. */
  hangUps?(reload: () => void): () => void;
  /** Calls back on each signal to stop, until it is told to leave off. Of the process unless told. */
  signals?(stop: (signal: NodeJS.Signals) => void): () => void;
  /** The longest time that `stop` gets. */
  graceMs?: number;
}

// The 30 s of running responses (design §4.1) are counted by `stop`; the rest is for closing after them.
const GRACE_MS = 35_000;

export function serveCommand({
  formats,
  start,
  signals = processSignals,
  hangUps = processHangUps,
  graceMs = GRACE_MS,
}: ServeDeps): Command {
  return {
    name: "serve",
    summary: "Serve the repositories",
    options: {
      ...configOptions,
      "no-canaries": {
        help: "Never prove with made-up packages that rules count: on a machine with little memory",
      },
    },
    details: `SIGTERM and Ctrl-C let running responses finish (30 s at most) and close cleanly. A second one stops at once.
SIGHUP takes a changed configuration in, as holdfast reload does; on a terminal it ends the server, since that is how a terminal says that it was closed.`,
    examples: [
      ["serve", "Serve on this machine, store in ./data"],
      ["serve --listen 0.0.0.0:4653 --data /var/lib/holdfast", "Serve others too"],
      ["serve --offline", "Serve what is stored, and ask no one"],
    ],
    async run(given, terminal) {
      const load = () => configFrom(given, formats, terminal);
      const config = load();
      const hasCanaries = !given.on("no-canaries");
      const running = await start(config, load, { hasCanaries }).catch((error: unknown) => {
        throw explain(error, config);
      });
      const told = until(signals);
      const leave = terminal.tty ? () => {} : hangUps(() => void running.reload?.());
      const log = labelled(
        createLog(logStyle(config, terminal), terminal.out, terminal.colour),
        () => running.label?.() ?? null,
      );
      if (terminal.tty && logStyle(config, terminal) === "text")
        terminal.out(welcome(config, running, formats, flagsOf(given), terminal));
      else {
        const code = running.setupCode?.() ?? null;
        log.write("info", `Holdfast serves on ${running.url}`, {
          repositories: config.repositories.map(({ name }) => name).join(","),
          data: config.data,
          offline: config.offline,
          access: accessWords(config.access).text,
          ...(code !== null && {
            setup: setupUrl(config, running.url),
            setup_code: code,
          }),
        });
      }

      const signal = await told.first;
      log.write("info", `${signal}: finishing running responses; once more stops at once`);
      const late = Promise.withResolvers<"late">();
      const timer = setTimeout(() => late.resolve("late"), graceMs);
      const outcome = await Promise.race([
        running.stop().then(() => "clean" as const),
        told.second,
        late.promise,
      ]);
      // What is left here would keep the process alive.
      clearTimeout(timer);
      told.leave();
      leave();
      if (outcome === "clean") {
        log.write("info", "Stopped");
        return 0;
      }
      const why = outcome === "late" ? `after ${graceMs / 1000} s` : `by a second ${outcome}`;
      log.write("warn", `Stopped ${why}: running responses were cut`);
      return outcome === "late" ? 0 : 1;
    },
  };
}

/** `auto` is for people on a terminal and for collectors elsewhere. */
export function logStyle(config: Pick<Config, "logs">, terminal: Terminal): "json" | "text" {
  if (config.logs.style !== "auto") return config.logs.style;
  return terminal.tty ? "text" : "json";
}

/** What commands need that are to speak of the same server. */
function flagsOf(given: Given): string {
  return ["config", "listen"]
    .flatMap((name) => (given.text(name) === undefined ? [] : [` --${name} ${given.text(name)}`]))
    .join("");
}

/** "All addresses" is none that could be opened. */
function rootOf({ publicUrl }: Config, url: string): string {
  return publicUrl ?? url.replace(/\/\/(0\.0\.0\.0|\[::\])(?=:|$)/, "//127.0.0.1");
}

/** For a browser on another machine too, where the server listens beyond its own. */
function setupUrl({ publicUrl, listen }: Config, url: string): string {
  const isEverywhere = ["0.0.0.0", "::"].includes(listen.host);
  const own = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .find(({ internal, family }) => !internal && family === "IPv4");
  const host = isEverywhere && own ? own.address : "127.0.0.1";
  const root = publicUrl ?? url.replace(/\/\/(0\.0\.0\.0|\[::\])(?=:|$)/, `//${host}`);
  return `${root}/-/setup`;
}

function firstAdministrator(url: string, code: string, terminal: Terminal): string[] {
  return [
    "To publish, and for all that takes a name, make the first administrator:",
    `  ${paint(terminal, "bold", url)}`,
    `  with the code ${paint(terminal, "bold", code)}`,
    "",
  ];
}

/** What a person sees first: where it is, what each client sets, where the data is. */
function welcome(
  config: Config,
  running: Pick<Running, "url" | "setupCode">,
  formats: ServeDeps["formats"],
  flags: string,
  terminal: Terminal,
): string {
  const isEverywhere = ["0.0.0.0", "::"].includes(config.listen.host);
  const root = rootOf(config, running.url);
  const rows = config.repositories.map(({ name, format, options }) => {
    const { setup } = formats.find((known) => known.name === format)!;
    const repository = `${root}/${name}`;
    const main = mainSetting(setup(repository, options), repository);
    return main ? [`  ${name}`, main.file, main.line] : [`  ${name}`, "", repository];
  });
  const notes = [`Data in ${config.data}. Stop with Ctrl-C.`];
  if (config.offline) notes.unshift("Offline: nothing is asked from any upstream.");
  if (isLoopback(config.listen.host) && !config.publicUrl)
    notes.push(
      `Only this machine is served; --listen 0.0.0.0:${config.listen.port} serves others too.`,
    );
  if (isEverywhere && !config.publicUrl)
    notes.push(
      "Other machines are served too: they say this machine's name in place of 127.0.0.1.",
    );
  const { text } = accessWords(config.access);
  notes.push(`${text[0]!.toUpperCase()}${text.slice(1)}.`);
  const code = running.setupCode?.() ?? null;
  const client = config.repositories.flatMap(({ format, options }) =>
    formats
      .find(({ name }) => name === format)!
      .setup("http://localhost", options)
      .map((snippet) => snippet.client),
  )[0];
  const next = [
    ...(client
      ? [[`  ${program} setup ${client} --write${flags}`, `sets ${client} up for you`]]
      : []),
    [`  ${program} doctor${flags}`, "looks whether all is well"],
    [`  ${root}/`, "shows what is served, in a browser"],
  ];
  return [
    "",
    `${paint(terminal, "bold", "Holdfast")} serves on ${paint(terminal, "bold", root)}`,
    "",
    ...align(rows),
    "",
    ...notes.map((note) => paint(terminal, "dim", note)),
    "",
    ...(code === null ? [] : firstAdministrator(setupUrl(config, running.url), code, terminal)),
    "Next, in another terminal:",
    ...align(next),
    "",
    "",
  ].join("\n");
}

/** Says what to do about the failures that people meet first. */
function explain(error: unknown, config: Config): unknown {
  const { code = "", path } = (error ?? {}) as { code?: string; path?: string };
  const why = listenTrouble(error, config.listen);
  if (why !== null) return sentence(why, error);
  const trouble = DATA_TROUBLES[/^SQLITE_[A-Z]+/.exec(code)?.[0] ?? code];
  if (!trouble || (path !== undefined && !path.startsWith(config.data))) return error;
  const at = path === undefined || path === config.data ? "" : ` (${path})`;
  return sentence(
    `the data directory ${config.data} cannot be used: ${trouble}${at}. It must be a folder of the user that Holdfast runs as; another is given with --data`,
    error,
  );
}

/** What the system says of its files, and SQLite of its own. */
const DATA_TROUBLES: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  ENOTDIR: "there is a file in its place",
  EEXIST: "there is a file in its place",
  EROFS: "its disk can only be read",
  ENOSPC: "its disk is full",
  SQLITE_CANTOPEN: "permission denied",
  SQLITE_READONLY: "it can only be read",
};

function sentence(message: string, cause: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code: (cause as { code?: string }).code });
}

function until(signals: NonNullable<ServeDeps["signals"]>) {
  const first = Promise.withResolvers<NodeJS.Signals>();
  const second = Promise.withResolvers<NodeJS.Signals>();
  let count = 0;
  const leave = signals((signal) => {
    count += 1;
    (count === 1 ? first : second).resolve(signal);
  });
  return { first: first.promise, second: second.promise, leave };
}
