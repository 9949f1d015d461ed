// Puts settings into a file that somebody else's settings may stand in already. Pure: text in, text out.
import { isMap, parseDocument } from "yaml";

/** How a file's settings are written. `pairs`: key=value. `words`: key "value". `whole`: nobody else's stand in it. */
export type Kind = "pairs" | "words" | "ini" | "toml" | "yaml" | "whole";

const KINDS: [name: RegExp, kind: Kind][] = [
  [/\.npmrc$|\.env$|\/env$/, "pairs"],
  [/\.yarnrc$/, "words"],
  [/\.(conf|cfg|ini)$/, "ini"],
  [/\.toml$/, "toml"],
  [/\.ya?ml$/, "yaml"],
  [/\.sources$/, "whole"],
];

/** By the file's name; null when this house does not know it. */
export function kindOf(file: string): Kind | null {
  return KINDS.find(([name]) => name.test(file))?.[1] ?? null;
}

/** The file's text with the settings of `wanted` in place. The same text when they were there already. */
export function mergeSettings(kind: Kind, current: string, wanted: string): string {
  if (kind === "whole") return wanted;
  return kind === "yaml" ? mergeYaml(current, wanted) : mergeLines(kind, current, wanted);
}

interface Section {
  /** "[global]", "[[index]]"; empty before the first one. */
  header: string;
  lines: string[];
}

interface Setting {
  key: string;
  value: string;
}

const HEADER = /^\s*(\[.*\])\s*(?:[#;].*)?$/;
const EQUALS = /^\s*([^\s#;=[][^=]*?)\s*=\s*(.*?)\s*$/;
const SPACE = /^\s*([^\s#]+)\s+(.*?)\s*$/;

function mergeLines(kind: Kind, current: string, wanted: string): string {
  const sections = split(current);
  for (const section of split(wanted)) {
    const settings = section.lines.filter((line) => parse(kind, line));
    if (settings.length === 0) continue;
    const existing = sections.find((other) => same(kind, other, section, settings));
    if (existing) for (const setting of settings) place(kind, existing, setting);
    else {
      const last = sections.at(-1)!;
      if (last.header || last.lines.length) last.lines.push("");
      sections.push({ header: section.header, lines: settings });
    }
  }
  const text = sections
    .flatMap(({ header, lines }) => (header ? [header, ...lines] : lines))
    .join("\n");
  return text === "" || text === current ? text : `${text.replace(/\n+$/, "")}\n`;
}

function split(text: string): Section[] {
  const sections: Section[] = [{ header: "", lines: [] }];
  if (text === "") return sections;
  for (const line of text.replace(/\n+$/, "").split("\n")) {
    if (HEADER.test(line)) sections.push({ header: line, lines: [] });
    else sections.at(-1)!.lines.push(line);
  }
  return sections;
}

function parse(kind: Kind, line: string): Setting | null {
  const match = (kind === "words" ? SPACE : EQUALS).exec(line);
  return match ? { key: match[1]!, value: match[2]! } : null;
}

/** An entry of a TOML list ([[index]]) is the same one when everything but its address is. */
function same(kind: Kind, section: Section, wanted: Section, settings: string[]): boolean {
  const name = (header: string) => HEADER.exec(header)?.[1] ?? "";
  if (name(section.header) !== name(wanted.header)) return false;
  if (!name(wanted.header).startsWith("[[")) return true;
  return settings.every((setting) => {
    const { key, value } = parse(kind, setting)!;
    return key === "url" || section.lines.some((line) => is(parse(kind, line), key, value));
  });
}

function is(setting: Setting | null, key: string, value: string): boolean {
  return setting?.key === key && setting.value === value;
}

function place(kind: Kind, { lines }: Section, setting: string): void {
  const { key, value } = parse(kind, setting)!;
  const at = lines.findIndex((line) => parse(kind, line)?.key === key);
  if (at < 0) {
    // Before the empty lines that part it from the next section.
    lines.splice(lines.findLastIndex((line) => line.trim() !== "") + 1, 0, setting);
    return;
  }
  const old = lines[at]!;
  if (is(parse(kind, old), key, value)) return;
  const indent = (line: string) => line.length - line.trimStart().length;
  let end = at + 1;
  // In an INI file, lines that are indented deeper go on with the value.
  if (kind === "ini")
    while (end < lines.length && lines[end]!.trim() && indent(lines[end]!) > indent(old)) end += 1;
  lines.splice(at, end - at, setting);
}

function mergeYaml(current: string, wanted: string): string {
  const document = parseDocument(current);
  const addition = parseDocument(wanted).toJS() as Record<string, unknown>;
  if (document.errors.length) throw new RangeError("it is not valid YAML");
  if (document.contents !== null && !isMap(document.contents))
    throw new RangeError("it is not a YAML mapping");
  const before = (document.toJS() ?? {}) as Record<string, unknown>;
  let changed = false;
  for (const [key, value] of Object.entries(addition)) {
    if (Bun.deepEquals(before[key], value)) continue;
    // Other entries of a list stay.
    const old = before[key];
    const merged =
      Array.isArray(value) && Array.isArray(old)
        ? [...old, ...value.filter((item) => !old.includes(item))]
        : value;
    if (Bun.deepEquals(old, merged)) continue;
    document.set(key, merged);
    changed = true;
  }
  return changed ? document.toString() : current;
}
