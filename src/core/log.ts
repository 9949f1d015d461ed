// One line per thing that happened: JSON, or aligned text on a terminal. Never tokens, passwords or query strings.

export type Level = "debug" | "info" | "warn" | "error";
export type Fields = Record<string, string | number | boolean | null | undefined>;

export interface Log {
  /** `message` reads alone; `fields` can be queried. Units stand in the names (`duration_ms`). */
  write(level: Level, message: string, fields?: Fields): void;
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
  return {
    write(level, message, fields = {}) {
      const time = new Date().toISOString();
      if (style === "json") {
        const record: Fields = { time, level, msg: printable(message) };
        for (const name in fields) {
          const value = fields[name];
          if (value !== undefined)
            record[name] = typeof value === "string" ? printable(value) : value;
        }
        sink(`${JSON.stringify(record)}\n`);
        return;
      }
      const rest = Object.entries(fields)
        .filter(([, value]) => value !== undefined && value !== null && value !== "")
        .map(([name, value]) => `${name}=${printable(String(value))}`)
        .join(" ");
      const head = `${time.slice(11, 23)} ${level.toUpperCase().padEnd(5)}`;
      const line = `${head} ${printable(message)}${rest ? `  ${rest}` : ""}`;
      sink(colour && COLOURS[level] ? `${COLOURS[level]}${line}\x1b[0m\n` : `${line}\n`);
    },
  };
}
