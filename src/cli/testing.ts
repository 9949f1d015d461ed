// A terminal for tests: it remembers what was printed, and its clock moves only when told.
import type { Terminal } from "./terminal.ts";

export interface FakeTerminal extends Terminal {
  readonly printed: { out: string; err: string };
  wait(ms: number): void;
}

export function fakeTerminal(settings: Partial<Terminal> = {}): FakeTerminal {
  const printed = { out: "", err: "" };
  let clock = Date.UTC(2026, 10, 23, 12);
  return {
    printed,
    wait(ms) {
      clock += ms;
    },
    out(text) {
      printed.out += text;
    },
    err(text) {
      printed.err += text;
    },
    tty: false,
    colour: false,
    columns: 100,
    env: {},
    home: "/home/kelp",
    cwd: "/work",
    now: () => clock,
    ...settings,
  };
}
