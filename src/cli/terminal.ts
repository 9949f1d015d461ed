// Where a command reads from and writes to. Tests give their own.
import { homedir } from "node:os";

export { humanSize } from "../core/size.ts";

export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** True when a person reads standard output: then it may be aligned, coloured and redrawn. */
  readonly tty: boolean;
  readonly colour: boolean;
  readonly columns: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly cwd: string;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** The terminal of this process. https://no-color.org */
export function processTerminal(): Terminal {
  const tty = process.stdout.isTTY === true;
  return {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    tty,
    colour: tty && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb",
    columns: process.stdout.columns ?? 80,
    env: process.env,
    home: homedir(),
    cwd: process.cwd(),
    now: Date.now,
  };
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;

export function paint(terminal: Terminal, style: keyof typeof CODES, text: string): string {
  return terminal.colour ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text;
}

/** Rows as columns, two spaces apart; the last column is as long as it is. */
export function align(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [at, cell] of row.slice(0, -1).entries())
      widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, at) => (at < row.length - 1 ? cell.padEnd(widths[at]!) : cell))
      .join("  ")
      .trimEnd(),
  );
}
