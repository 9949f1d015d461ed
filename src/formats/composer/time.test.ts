import { expect, test } from "bun:test";
import { timeOf } from "./time.ts";

const rows: [value: unknown, want: string | null][] = [
  ["2024-01-31T12:30:15+00:00", "2024-01-31T12:30:15.000Z"],
  ["2024-01-31T12:30:15+0200", "2024-01-31T10:30:15.000Z"],
  ["2024-01-31 12:30:15", "2024-01-31T12:30:15.000Z"],
  ["2024-01-31 12:30:15 UTC", "2024-01-31T12:30:15.000Z"],
  ["2024-01-31T12:30:15.123Z", "2024-01-31T12:30:15.123Z"],
  ["2024-01-31", "2024-01-31T00:00:00.000Z"],
  ["1706704215", "2024-01-31T12:30:15.000Z"],
  [1706704215, null],
  ["yesterday", null],
  ["2024-13-31", null],
  ["999999999999", null],
  ["", null],
  [null, null],
  [["2024-01-31"], null],
];

for (const [value, want] of rows)
  test(`${JSON.stringify(value)} is ${want ?? "no time"}`, () => expect(timeOf(value)).toBe(want));
