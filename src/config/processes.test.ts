import { expect, test } from "bun:test";
import { checkProcesses, Processes } from "./processes.ts";

test("one without it, and as many as a machine can have", () => {
  expect(Processes.parse(undefined)).toBe(1);
  expect(Processes.parse(64)).toBe(64);
  for (const wrong of [0, -1, 65, 1.5, "2", Number.NaN, null])
    expect([wrong, Processes.safeParse(wrong).success]).toEqual([wrong, false]);
});

test("with files in a bucket there are servers in place of processes", () => {
  const complaints: string[] = [];
  const complain = (path: unknown, message: string) => complaints.push(`${path} ${message}`);
  checkProcesses(2, false, complain);
  checkProcesses(1, true, complain);
  expect(complaints).toEqual([]);
  checkProcesses(2, true, complain);
  expect(complaints).toEqual([
    "processes is for one server with its files on its disk that follows no other: with store, start further servers in place of processes; a follower (follow) is one process",
  ]);
});
