// The manual pages, made of what commands and configuration say of themselves: holdfast(1), holdfast.yaml(5). In the language of man(7).
import { gzipSync } from "node:zlib";
import manifest from "../package.json" with { type: "json" };
import { type Command, helpOption } from "../src/cli/arguments.ts";
import { renderDocs } from "../src/config/render.ts";
import { formats } from "../src/formats/index.ts";
import { commands } from "../src/main.ts";

/** By the path below the folder of manuals. */
export function manuals(): Record<string, string> {
  return {
    "man1/holdfast.1": commandManual(commands()),
    "man5/holdfast.yaml.5": configManual(renderDocs(formats)),
  };
}

/** As they are installed. The same text is the same bytes. */
export function packed(text: string): Uint8Array {
  return gzipSync(text, { level: 9 });
}

export function commandManual(list: readonly Command[]): string {
  return [
    ...head("HOLDFAST 1"),
    ".SH NAME",
    "holdfast \\- keep a team's builds alive: packages from one place, verified and pinned",
    ".SH SYNOPSIS",
    "\\fBholdfast\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]",
    ".SH DESCRIPTION",
    roff(manifest.description).concat("."),
    ".SH COMMANDS",
    ...list.flatMap(ofCommand),
    ".SH ENVIRONMENT",
    ...entry("HOLDFAST_CONFIG", "The configuration file where no --config is given."),
    ...entry("HOLDFAST_DATA, HOLDFAST_LISTEN", "In the place of the keys data and listen."),
    ".SH EXIT STATUS",
    ...entry("0", "It is done."),
    ...entry("1", "It failed, or what was looked at is not in order."),
    ...entry("2", "The command line is not one that it understands."),
    ".SH FILES",
    ...entry(
      "/etc/holdfast/holdfast.yaml",
      "The configuration of the server that the Debian package runs.",
    ),
    ...entry("/var/lib/holdfast", "What that server stores."),
    ".SH SEE ALSO",
    "\\fBholdfast.yaml\\fR(5)",
    "",
  ].join("\n");
}

function ofCommand({ name, words, summary, details, options, examples = [] }: Command): string[] {
  return [
    `.SS "${[name, words]
      .filter(Boolean)
      .map((part) => roff(part!))
      .join(" ")}"`,
    sentence(roff(summary)),
    ...(details ? [".PP", ...roff(details).split("\n").map(guard)] : []),
    ...Object.entries({ ...options, help: helpOption }).flatMap(([option, { value, help }]) =>
      entry(`--${option}`, sentence(help), value),
    ),
    ...examples.flatMap(([line, effect]) => [
      ".PP",
      sentence(roff(effect)),
      ".EX",
      guard(roff(`  holdfast ${line}`)),
      ".EE",
    ]),
  ];
}

/** Of the page docs/configuration.md, which has headings, paragraphs, lists, code and tables, and nothing else. */
export function configManual(markdown: string): string {
  const blocks = markdown
    .replace(/<!--.*?-->\n*/gs, "")
    .replace(/^# .*\n/, "")
    .split(/\n{2,}/);
  const body: string[] = [];
  /** A heading begins a paragraph itself. */
  const paragraph = () => (/^\.S[HS] /.test(body.at(-1) ?? ".SH ") ? [] : [".PP"]);
  for (const block of blocks.map((one) => one.replace(/^\n+|\n+$/g, "")).filter(Boolean)) {
    const [, level, title] = /^(#{2,3}) (.*)$/.exec(block) ?? [];
    if (title) body.push(`.${level === "##" ? "SH" : "SS"} "${plain(title)}"`);
    else if (block.startsWith("```"))
      body.push(
        ...paragraph(),
        ".EX",
        ...block.split("\n").slice(1, -1).map(roff).map(guard),
        ".EE",
      );
    else if (block.startsWith("| ")) body.push(...ofTable(block.split("\n")));
    else if (block.startsWith("- "))
      for (const item of block.slice(2).split("\n- "))
        body.push(".IP \\(bu 2", guard(plain(item.replaceAll(/\n +/g, " "))));
    else body.push(...paragraph(), guard(plain(block.replaceAll("\n", " "))));
  }
  return [
    ...head("HOLDFAST.YAML 5"),
    ".SH NAME",
    "holdfast.yaml \\- configuration of Holdfast",
    ".SH DESCRIPTION",
    ...body,
    ".SH SEE ALSO",
    "\\fBholdfast\\fR(1)",
    "",
  ].join("\n");
}

/** A row is an entry: its first cell, then what the heads of the others call them. */
function ofTable([head = "", , ...rows]: string[]): string[] {
  const cells = (row: string) =>
    row
      .replace(/^\| | \|$/g, "")
      .split(/(?<!\\) \| /)
      .map((cell) => cell.replaceAll("\\|", "|").trim());
  const [, ...names] = cells(head);
  return rows.map(cells).flatMap(([key = "", ...values]) => {
    const told = names
      .map((name, at) => [name, plain(values[at] ?? "")] as const)
      .filter(([, text]) => text)
      .map(([name, text]) => {
        const said =
          name === "meaning" ? text : `${name[0]!.toUpperCase()}${name.slice(1)}: ${text}`;
        return [name === "meaning" ? 0 : 1, sentence(said)] as const;
      })
      .toSorted(([a], [b]) => a - b)
      .map(([, text]) => text);
    return [".TP", `\\fB${plain(key)}\\fR`, ...told.map(guard)];
  });
}

/** Lines are not stretched, nor words cut: they are full of what people copy. */
function head(title: string): string[] {
  return [`.TH ${title} "" "Holdfast ${manifest.version}"`, ".ad l", ".nh"];
}

function entry(name: string, text: string, value?: string): string[] {
  return [
    ".TP",
    `\\fB${roff(name)}\\fR${value ? ` \\fI${roff(value)}\\fR` : ""}`,
    guard(roff(text)),
  ];
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** Marks of Markdown within a line: code is bold, links are their text. */
function plain(text: string): string {
  return roff(text.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")).replaceAll(
    /\\`([^`]*)\\`/g,
    "\\fB$1\\fR",
  );
}

/** Text in which nothing means anything to roff; what people copy keeps its dashes and quotes. */
function roff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("`", "\\`")
    .replaceAll("'", "\\(aq")
    .replaceAll('"', "\\(dq")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti")
    .replaceAll("…", "...");
}

/** A line that begins with a dot is a request. */
function guard(line: string): string {
  return line.startsWith(".") ? `\\&${line}` : line;
}
