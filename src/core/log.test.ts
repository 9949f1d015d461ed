import { expect, test } from "bun:test";
import { createLog, printable } from "./log.ts";

// What a client sends stands in paths, reasons and names of packages: none of it may look like another line.
const forgeries = [
  "a\nerror forged",
  "a\r\nerror forged",
  "a\u2028forged",
  "a\u2029forged",
  "a\u0085forged",
  "a\x1b[2K\x1b[1Aforged",
  "a\x9bforged",
  "a\0forged",
  "a\x7fforged",
  "a\u000bforged",
];
for (const text of forgeries)
  for (const style of ["json", "text"] as const)
    test(`${JSON.stringify(text)} stays within its ${style} line`, () => {
      const lines: string[] = [];
      createLog(style, (line) => lines.push(line)).write("info", text, { path: text });
      expect(lines).toHaveLength(1);
      expect(lines[0]!.endsWith("\n")).toBe(true);
      const line = style === "json" ? Object.values(JSON.parse(lines[0]!)).join(" ") : lines[0]!;
      expect(line.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      expect(line).toContain("a");
    });

test("what is printable stays as it is, and nothing is endless", () => {
  expect(printable("naïve ☃ text")).toBe("naïve ☃ text");
  expect(printable("x".repeat(500))).toHaveLength(500);
  expect(printable("x".repeat(501))).toBe(`${"x".repeat(500)}…`);
});

test("JSON has time, level and message, and no field without a value", () => {
  const lines: string[] = [];
  const log = createLog("json", (line) => lines.push(line));
  log.write("warn", "Something", { count: 0, name: "x", none: undefined, nothing: null });
  const { time, ...rest } = JSON.parse(lines[0]!);
  expect(new Date(time).toISOString()).toBe(time);
  expect(rest).toEqual({ level: "warn", msg: "Something", count: 0, name: "x", nothing: null });
});

test("text is for people: colour only where wanted", () => {
  const lines: string[] = [];
  createLog("text", (line) => lines.push(line)).write("error", "Away", { repo: "npm", none: "" });
  createLog("text", (line) => lines.push(line), true).write("error", "Away");
  createLog("text", (line) => lines.push(line), true).write("info", "Here");
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} ERROR Away {2}repo=npm\n$/);
  expect(lines[1]).toMatch(/^\x1b\[31m.*Away\x1b\[0m\n$/);
  expect(lines[2]).not.toContain("\x1b");
});
