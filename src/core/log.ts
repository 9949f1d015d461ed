// One line per thing that happened: JSON, or aligned text on a terminal. Never tokens, passwords or query strings.

export type Level = "debug" | "info" | "warn" | "error";
export type Fields = Record<string, string | number | boolean | null | undefined>;

export interface Log {
  /** `message` reads alone; `fields` can be queried. Units stand in the names (`duration_ms`). */
  write(level: Level, message: string, fields?: Fields): void;
  /** `write` for lines that differ in a few fields only, which stand last: the rest is worked out once. The values come as `names` do. */
  repeat(
    level: Level,
    message: string,
    fields: Fields,
    names: readonly string[],
  ): (values: readonly (string | number)[]) => void;
}

const FIELD_LIMIT = 500;
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const UNPRINTABLE_ALL = new RegExp(UNPRINTABLE, "g");
const COLOURS: Record<Level, string> = {
  debug: "\x1b[2m",
  info: "",
  warn: "\x1b[33m",
  error: "\x1b[31m",
};

/** Removes what could forge lines or move a terminal's cursor, and bounds the length. */
export function printable(text: string): string {
  const clean = UNPRINTABLE.test(text) ? text.replace(UNPRINTABLE_ALL, "?") : text;
  return clean.length > FIELD_LIMIT ? `${clean.slice(0, FIELD_LIMIT)}…` : clean;
}

/** A log that writes whole lines to `sink`. `style` "text" is for people, "json" for collectors. */
export function createLog(
  style: "json" | "text",
  sink: (line: string) => void,
  colour = false,
): Log {
  const stamp = createStamp();
  const write: Log["write"] = (level, message, fields = {}) => {
    const line =
      style === "json"
        ? `{"time":"${stamp()}",${jsonHead(level, message)}${jsonFields(fields)}}`
        : textLine(stamp(), level, message, fields);
    sink(
      colour && style === "text" && COLOURS[level]
        ? `${COLOURS[level]}${line}\x1b[0m\n`
        : `${line}\n`,
    );
  };
  return {
    write,
    repeat(level, message, fields, names) {
      if (style === "text")
        return (values) => {
          const changing = names.map((name, at) => [name, values[at]]);
          write(level, message, { ...fields, ...Object.fromEntries(changing) });
        };
      const known = `",${jsonHead(level, message)}${jsonFields(fields)}`;
      const keys = names.map((name) => `,"${name}":`);
      return (values) => {
        let line = `{"time":"${stamp()}${known}`;
        for (let at = 0; at < keys.length; at++) {
          const value = values[at]!;
          line += `${keys[at]}${typeof value === "string" ? quoted(value) : value}`;
        }
        sink(`${line}}\n`);
      };
    },
  };
}

/** The same log, with fields that may be others by the next line: null for none. Each set of them is one object for as long as it holds. */
export function labelled(log: Log, label: () => Fields | null): Log {
  return {
    write: (level, message, fields) => log.write(level, message, { ...fields, ...label() }),
    repeat(level, message, fields, names) {
      let known = label();
      let line = log.repeat(level, message, { ...fields, ...known }, names);
      return (values) => {
        const now = label();
        if (now !== known) {
          known = now;
          line = log.repeat(level, message, { ...fields, ...known }, names);
        }
        line(values);
      };
    },
  };
}

/** The time now as ISO 8601; made once a millisecond. */
function createStamp(): () => string {
  let at = 0;
  let text = "";
  return () => {
    const now = Date.now();
    if (now !== at) {
      at = now;
      text = new Date(now).toISOString();
    }
    return text;
  };
}

/** By hand: a line a request, and JSON.stringify of a fresh object took a fifth of the time of a warm one. */
function jsonFields(fields: Fields): string {
  let line = "";
  for (const name in fields) {
    const value = fields[name];
    if (value === undefined) continue;
    line += `,"${name}":${typeof value === "string" ? quoted(value) : value}`;
  }
  return line;
}

function jsonHead(level: Level, message: string): string {
  return `"level":"${level}","msg":${quoted(message)}`;
}

const PLAIN = /^[ !#-[\]-~]*$/;

function quoted(text: string): string {
  return text.length <= FIELD_LIMIT && PLAIN.test(text)
    ? `"${text}"`
    : JSON.stringify(printable(text));
}

function textLine(time: string, level: Level, message: string, fields: Fields): string {
  const rest = Object.entries(fields)
    .filter(([, value]) => value !== undefined && value !== null && value !== "")
    .map(([name, value]) => `${name}=${printable(String(value))}`)
    .join(" ");
  const head = `${time.slice(11, 23)} ${level.toUpperCase().padEnd(5)}`;
  return `${head} ${printable(message)}${rest ? `  ${rest}` : ""}`;
}
