// How far long work has come: a bar that is redrawn on a terminal, plain lines elsewhere.
import { humanSize, paint, type Terminal } from "./terminal.ts";

export interface Progress {
  /** How much is done, in the unit of `total`. Cheap: call it as often as you like. `total` may grow. */
  at(done: number, total?: number, note?: string): void;
  /** Prints a line that stays, above the bar. */
  say(line: string): void;
  /** Takes the bar away. */
  end(): void;
}

const REDRAW_MS = 100;
const LINE_MS = 10_000;
const CELLS = 30;

/** `total` 0 is "not known": then only the count is told. Unit "share": the share alone is told, and what the note says. */
export function createProgress(
  terminal: Terminal,
  label: string,
  { total: expected, unit }: { total: number; unit: "bytes" | "files" | "share" },
): Progress {
  const began = terminal.now();
  let told = terminal.tty ? Number.NEGATIVE_INFINITY : began;
  let last = 0;
  let total = expected;
  let note = "";
  let drawn = false;

  const amount = (value: number) =>
    unit === "bytes" ? humanSize(value) : value.toLocaleString("en-US");

  function text(done: number, now: number): string {
    if (total <= 0) return unit === "share" ? note : amount(done);
    const share = Math.min(1, done / total);
    const elapsed = now - began;
    // The first seconds say little about the rest.
    const left = share > 0 && elapsed > 3000 ? (elapsed / share) * (1 - share) : null;
    const rest = left === null ? "" : `, ${duration(left)} left`;
    const percent = `${String(Math.floor(share * 100)).padStart(3)} %`;
    if (unit === "share") return `${percent}${note ? `  ${note}` : ""}${rest}`;
    return `${percent}  ${amount(done)} of ${amount(total)}${rest}`;
  }

  function bar(done: number): string {
    if (total <= 0) return "";
    const full = Math.floor(Math.min(1, done / total) * CELLS);
    const rest = paint(terminal, "dim", "░".repeat(CELLS - full));
    return `${paint(terminal, "green", "█".repeat(full))}${rest} `;
  }

  function wipe(): void {
    if (drawn) terminal.out("\r\x1b[2K");
    drawn = false;
  }

  function draw(now: number): void {
    told = now;
    const words = text(last, now);
    // A bar that wraps cannot be wiped: on a narrow terminal the words alone.
    const fits = label.length + 2 + CELLS + 1 + words.length < terminal.columns;
    const line = fits ? `${label}  ${bar(last)}${words}` : words.slice(0, terminal.columns - 1);
    terminal.out(`\r\x1b[2K${line}`);
    drawn = true;
  }

  return {
    at(done, of = total, words = note) {
      last = done;
      total = of;
      note = words;
      const now = terminal.now();
      if (now - told < (terminal.tty ? REDRAW_MS : LINE_MS)) return;
      if (terminal.tty) return draw(now);
      told = now;
      terminal.out(`${label}: ${text(done, now).trim()}\n`);
    },
    say(line) {
      wipe();
      terminal.out(`${line}\n`);
      if (terminal.tty) draw(terminal.now());
    },
    end: wipe,
  };
}

/** 75 s, 12 min, 3 h: one unit is enough for a guess. */
function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
