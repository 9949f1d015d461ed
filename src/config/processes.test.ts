import { expect, test } from "bun:test";
import { checkProcesses, Processes } from "./processes.ts";

test("one without it, and as many as a machine can have", () => {
  expect(Processes.parse(undefined)).toBe(1);
  expect(Processes.parse(64)).toBe(64);
  for (const wrong of [0, -1, 65, 1.5, "2", Number.NaN, null])
    expect([wrong, Processes.safeParse(wrong).success]).toEqual([wrong, false]);
});

test("with files in a bucket there are servers in place of processes, and one that follows another is one", () => {
  const complaints: string[] = [];
  const complain = (path: unknown, message: string) => complaints.push(`${path} ${message}`);
  checkProcesses({ processes: 2 }, complain);
  checkProcesses({ processes: 1, store: "s3://bucket", follow: {} }, complain);
  expect(complaints).toEqual([]);
  checkProcesses({ processes: 2, store: "s3://bucket" }, complain);
  checkProcesses({ processes: 2, follow: {} }, complain);
  expect(complaints).toEqual([
    "processes is for one server with its files on its disk: with store, start further servers in place of processes",
    "processes is not for a server that follows another one: leave it at 1",
  ]);
});
