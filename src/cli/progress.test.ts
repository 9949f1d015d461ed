import { expect, test } from "bun:test";
import { createProgress } from "./progress.ts";
import { align, humanSize, paint } from "./terminal.ts";
import { fakeTerminal } from "./testing.ts";

const WIPE = "\r\x1b[2K";

test("a terminal gets a bar that is redrawn, and lines above it", () => {
  const terminal = fakeTerminal({ tty: true });
  const progress = createProgress(terminal, "Verifying", { total: 2000, unit: "files" });
  progress.at(500);
  progress.at(501); // too soon to be drawn
  terminal.wait(5000);
  progress.at(1000);
  progress.say("✗ a.tgz");
  progress.end();
  progress.end();
  expect(terminal.printed.out.split(WIPE)).toEqual([
    "",
    "Verifying  ███████░░░░░░░░░░░░░░░░░░░░░░░  25 %  500 of 2,000",
    "Verifying  ███████████████░░░░░░░░░░░░░░░  50 %  1,000 of 2,000, 5 s left",
    "✗ a.tgz\n",
    "Verifying  ███████████████░░░░░░░░░░░░░░░  50 %  1,000 of 2,000, 5 s left",
    "",
  ]);
});

test("a narrow terminal gets the words alone", () => {
  const terminal = fakeTerminal({ tty: true, columns: 40 });
  createProgress(terminal, "Verifying", { total: 4, unit: "files" }).at(2);
  expect(terminal.printed.out).toBe(`${WIPE} 50 %  2 of 4`);
});

test("elsewhere there is a plain line every ten seconds", () => {
  const terminal = fakeTerminal();
  const progress = createProgress(terminal, "Verifying", { total: 4 * 2 ** 20, unit: "bytes" });
  for (let at = 0; at <= 4; at++) {
    progress.at(at * 2 ** 20);
    terminal.wait(6000);
  }
  progress.say("✗ a.tgz");
  progress.end();
  expect(terminal.printed.out).toBe(`Verifying: 50 %  2.0 MiB of 4.0 MiB, 12 s left
Verifying: 100 %  4.0 MiB of 4.0 MiB, 0 s left
✗ a.tgz
`);
});

test("an unknown total is counted", () => {
  const terminal = fakeTerminal({ tty: true });
  createProgress(terminal, "Looking", { total: 0, unit: "files" }).at(1234);
  expect(terminal.printed.out).toBe(`${WIPE}Looking  1,234`);
});

test("columns are as wide as their widest cell, but the last", () => {
  expect(align([["a", "bb", "c"], ["aaa", "b", ""], ["a"]])).toEqual(["a    bb  c", "aaa  b", "a"]);
});

const sizes: [bytes: number, want: string][] = [
  [0, "0 B"],
  [1023, "1023 B"],
  [1536, "1.5 KiB"],
  [150 * 2 ** 20, "150 MiB"],
  [5 * 2 ** 40, "5.0 TiB"],
  [5000 * 2 ** 40, "5000 TiB"],
];
for (const [bytes, want] of sizes)
  test(`${bytes} bytes are ${want}`, () => expect(humanSize(bytes)).toBe(want));

test("colours only where they are wanted", () => {
  expect(paint(fakeTerminal(), "bold", "x")).toBe("x");
  expect(paint(fakeTerminal({ colour: true }), "bold", "x")).toBe("\x1b[1mx\x1b[0m");
});

test("work that has its own words for amounts shows its share and them, and may grow", () => {
  const terminal = fakeTerminal({ tty: true });
  const progress = createProgress(terminal, "mirror run deb", { total: 0, unit: "share" });
  progress.at(0, 0, "reading indices");
  terminal.wait(1000);
  progress.at(5, 10, "5 of 10 files");
  terminal.wait(9000);
  progress.at(5, 20, "5 of 20 files");
  expect(terminal.printed.out.split(WIPE)).toEqual([
    "",
    "mirror run deb  reading indices",
    "mirror run deb  ███████████████░░░░░░░░░░░░░░░  50 %  5 of 10 files",
    "mirror run deb  ███████░░░░░░░░░░░░░░░░░░░░░░░  25 %  5 of 20 files, 30 s left",
  ]);
});
