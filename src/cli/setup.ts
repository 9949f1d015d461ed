// `holdfast setup`: what a client needs, printed or written into its own file.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Config } from "../config/resolve.ts";
import type { Format, Snippet } from "../core/format.ts";
import { SHELL } from "../core/snippet.ts";
import { type Command, type Given, UsageError, unknown } from "./arguments.ts";
import { credentialLine, needsName } from "./credentials.ts";
import { type Kind, kindOf, mergeSettings } from "./merge.ts";
import { configFrom, configOptions, isLoopback, rootUrl } from "./options.ts";
import { paint, type Terminal } from "./terminal.ts";

export type SetupFormat = Pick<Format, "name" | "options" | "fileOptions" | "setup">;

interface Offer extends Snippet {
  repository: string;
}

export interface SetupDeps {
  formats: readonly SetupFormat[];
  /** Runs a client's own command; null when it went well, or else why not. Of the system unless told. */
  execute?(command: string[]): string | null;
}

export function setupCommand({ formats, execute = spawn }: SetupDeps): Command {
  return {
    name: "setup",
    words: "[CLIENT]",
    summary: "Print, or write, what a client needs to come here",
    options: {
      repository: { value: "NAME", help: "For this repository; none: all that go together" },
      url: { value: "URL", help: "Where clients reach this server, without the repository" },
      write: { help: "Write it into the client's file; what was there is kept in FILE.bak" },
      config: configOptions.config,
      listen: configOptions.listen,
    },
    details: `Without CLIENT it prints what there is for every client. Of several repositories for one CLIENT the first is meant, and each
further one whose lines stand in a file of their own.`,
    examples: [
      ["setup", "What do the clients need?"],
      [`setup ${exampleClient(formats)} --write`, "Write it for me"],
    ],
    async run(given, terminal) {
      const config = configFrom(given, formats, terminal);
      const offers = choose(offersOf(config, formats, given), given);
      if (given.on("write")) return write(offers, terminal, execute);
      print(offers, terminal);
      if (terminal.tty && !given.text("url") && !config.publicUrl && isLoopback(config.listen.host))
        terminal.out(
          paint(terminal, "dim", "From other machines: add --url http://THIS-MACHINE:PORT\n"),
        );
      for (const line of beside(offers, config, given)) terminal.err(`${line}\n`);
      return 0;
    },
  };
}

/** What the lines do not say: beside them, so that they can be piped. */
function beside(offers: readonly Offer[], config: Config, given: Given): string[] {
  const lines: string[] = [];
  const isEverywhere = ["0.0.0.0", "::"].includes(config.listen.host);
  if (isEverywhere && !config.publicUrl && given.text("url") === undefined)
    lines.push(
      "127.0.0.1 is this machine alone: for others add --url http://THEIR-NAME-FOR-THIS-MACHINE:PORT, or set publicUrl.",
    );
  const [client] = given.words;
  if (client === undefined || offers.length === 0) return lines;
  const { repository } = offers[0]!;
  const root = rootOf(given) ?? rootUrl(config);
  const line = credentialLine(client, `${root}/${repository}`);
  if (line && (needsName(config.access) || client === "twine"))
    lines.push(
      `${client === "twine" ? "Publishing" : "Reading"} takes a token (holdfast token create, or ${root}/-/account), in ${line[0]}: ${line[1]}`,
    );
  if (config.tls && given.text("url") === undefined)
    lines.push(
      "Where an authority of your own signed the server's certificate, clients need its file: docs/operation.md, TLS.",
    );
  return lines;
}

function exampleClient(formats: readonly SetupFormat[]): string {
  const [first] = formats;
  const options = first?.options.safeParse({});
  if (!options?.success) return "CLIENT";
  return first?.setup("http://localhost", options.data)[0]?.client ?? "CLIENT";
}

/** Everything that could be set up, of the wanted repositories. */
function offersOf(config: Config, formats: readonly SetupFormat[], given: Given): Offer[] {
  const wanted = given.text("repository");
  const names = config.repositories.map(({ name }) => name);
  if (wanted !== undefined && !names.includes(wanted))
    throw new UsageError(unknown("repository", wanted, names));
  const root = rootOf(given) ?? rootUrl(config);
  return config.repositories
    .filter(({ name }) => wanted === undefined || name === wanted)
    .flatMap(({ name, format, options, claims, sources }) => {
      const { setup } = formats.find((known) => known.name === format)!;
      const own = [...claims, ...sources.map(({ names }) => names)];
      return setup(`${root}/${name}`, options, own).map((snippet) => ({
        ...snippet,
        repository: name,
      }));
    });
}

function rootOf(given: Given): string | undefined {
  const text = given.text("url");
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol))
    throw new UsageError(`--url: expected an http:// or https:// URL, got ${JSON.stringify(text)}`);
  return text.replace(/\/+$/, "");
}

/** Of the asked client, or of all; of the first repository that suits, and of the others that do not want the same files. */
function choose(offers: Offer[], given: Given): Offer[] {
  const [client] = given.words;
  if (client === undefined) {
    if (given.on("write")) throw new UsageError("--write needs a CLIENT");
    return offers;
  }
  const mine = offers.filter((offer) => offer.client === client);
  if (mine.length === 0)
    throw new UsageError(unknown("client", client, [...new Set(offers.map((o) => o.client))]));
  const taken = new Set<string>();
  const chosen = new Set<string>();
  for (const { repository } of mine) {
    if (chosen.has(repository)) continue;
    const files = mine
      .filter((offer) => offer.repository === repository && offer.file !== SHELL)
      .map(({ file }) => file);
    const isFurther = chosen.size > 0;
    if (isFurther && (files.length === 0 || files.some((file) => taken.has(file)))) continue;
    for (const file of files) taken.add(file);
    chosen.add(repository);
  }
  return mine.filter(({ repository }) => chosen.has(repository));
}

/** For people with what it is; into a pipe bare, so that `>>` works. */
function print(offers: Offer[], terminal: Terminal): void {
  const bare = offers.length === 1 && !terminal.tty;
  for (const { client, file, text } of offers) {
    if (bare) terminal.out(`${text.trimEnd()}\n`);
    else if (terminal.tty) {
      const lines = text.trimEnd().split("\n");
      terminal.out(`${paint(terminal, "bold", client)}  ${file}\n`);
      terminal.out(`${lines.map((line) => (line ? `  ${line}` : line)).join("\n")}\n\n`);
    } else terminal.out(`# ${client}: ${file}\n${text.trimEnd()}\n\n`);
  }
}

function write(
  offers: Offer[],
  terminal: Terminal,
  execute: NonNullable<SetupDeps["execute"]>,
): number {
  // Lines for a shell are the other way to say what a file says, but what goes with a file of its own is not said elsewhere.
  const files = offers.filter(({ file }) => kindOf(file));
  const hasWhole = files.some(({ file }) => kindOf(file) === "whole");
  const rest = hasWhole ? offers.filter(({ file }) => file === SHELL) : [];
  // So are the client's own commands, where there is no file that could be written.
  const runnable = offers.filter(({ client, text }) => ownCommands(client, text));
  let failed = false;
  for (const { client, file, text } of [files, runnable, offers].find(({ length }) => length) ??
    []) {
    const kind = kindOf(file);
    try {
      if (kind) {
        const path = locate(file, terminal);
        terminal.out(
          `${path}: ${writeInto(path, kind, text, file.startsWith("~/") || kind === "whole")}\n`,
        );
        continue;
      }
      const commands = ownCommands(client, text);
      if (!commands) {
        failed = true;
        terminal.err(`This cannot be written. Run or add it yourself (${file}):\n`);
        terminal.err(`${text.trimEnd().replace(/^/gm, "  ")}\n`);
        continue;
      }
      for (const command of commands) {
        const why = execute(command);
        if (why !== null) throw new Error(why);
        terminal.out(`ran: ${command.join(" ")}\n`);
      }
    } catch (error) {
      failed = true;
      terminal.err(`${kind ? file : text.split("\n")[0]}: ${(error as Error).message}\n`);
    }
  }
  for (const { text } of rest)
    terminal.out(`Still to be run:\n${text.trimEnd().replace(/^/gm, "  ")}\n`);
  return failed ? 1 : 0;
}

/** Plain calls of the client itself (`go env -w …`) are its own way to write its settings. */
function ownCommands(client: string, text: string): string[][] | null {
  const lines = text.split("\n").filter((line) => line.trim() && !line.startsWith("#"));
  const isOwn = (line: string) => line.startsWith(`${client} `) && /^[\w ./:=@,+[\]-]+$/.test(line);
  return lines.length > 0 && lines.every(isOwn)
    ? lines.map((line) => line.trim().split(/ +/))
    : null;
}

function spawn(command: string[]): string | null {
  const { status, error, stderr } = spawnSync(command[0]!, command.slice(1), { encoding: "utf8" });
  if (error)
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? "is not installed" : error.message;
  return status === 0 ? null : stderr.trim() || `exit code ${status}`;
}

/** Says what it did. Running it again changes nothing. A project's file is not made where no project is. */
function writeInto(path: string, kind: Kind, text: string, create: boolean): string {
  const before = existsSync(path) ? readFileSync(path, "utf8") : null;
  const after = mergeSettings(kind, before ?? "", text);
  if (before === after) return "already set up, nothing changed";
  if (before === null) {
    if (!create) throw new Error(`there is no such file in ${dirname(path)}`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, after, { flag: "wx" });
    return "written";
  }
  copyFileSync(path, `${path}.bak`);
  // Into the same file: its owner, mode (it may hold a token) and links stay.
  writeFileSync(path, after);
  return `changed; as it was: ${path}.bak`;
}

function locate(file: string, { home, cwd, env }: Terminal): string {
  const settings = env["XDG_CONFIG_HOME"];
  if (settings && file.startsWith("~/.config/"))
    return join(settings, file.slice("~/.config/".length));
  return file.startsWith("~/") ? join(home, file.slice(2)) : resolve(cwd, file);
}
