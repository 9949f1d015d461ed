import { expect, test } from "bun:test";
import { checkProcesses, Processes } from "./processes.ts";

const listen = { host: "127.0.0.1", port: 4653 };

test("one without it, and as many as a machine can have", () => {
  expect(Processes.parse(undefined)).toBe(1);
  expect(Processes.parse(64)).toBe(64);
  for (const wrong of [0, -1, 65, 1.5, "2", Number.NaN, null])
    expect([wrong, Processes.safeParse(wrong).success]).toEqual([wrong, false]);
});

test("with a database or a bucket there are servers in place of processes, and one that follows another is one", () => {
  const complaints: string[] = [];
  const complain = (path: unknown, message: string) => complaints.push(`${path} ${message}`);
  checkProcesses({ processes: 2, listen }, complain);
  checkProcesses({ processes: 1, listen, store: "s3://bucket", follow: {} }, complain);
  expect(complaints).toEqual([]);
  for (const other of [{ store: "s3://bucket" }, { database: "postgres://u@h/d" }, { follow: {} }])
    checkProcesses({ processes: 2, listen, ...other }, complain);
  const further =
    "processes is for one server with all on its own disk: with database and store, start further servers in place of processes";
  expect(complaints).toEqual([
    further,
    further,
    "processes is not for a server that follows another one: leave it at 1",
  ]);
});

test("several have a port that they share", () => {
  const complaints: string[] = [];
  const complain = (path: unknown, message: string) => complaints.push(`${path} ${message}`);
  const socket = { host: "unix:/run/holdfast.sock", port: 0 };
  const [npm, pypi] = [{ listen: socket }, {}];
  checkProcesses({ processes: 1, listen: socket }, complain);
  checkProcesses({ processes: 2, listen, repositories: { npm } }, complain);
  checkProcesses({ processes: 2, listen: socket, repositories: { npm: { listen } } }, complain);
  expect(complaints).toEqual([]);
  checkProcesses(
    { processes: 2, listen: socket, repositories: { npm, pypi, go: false as const } },
    complain,
  );
  expect(complaints).toEqual([
    "processes does nothing where the server listens on socket files alone, which have one process: listen on HOST:PORT, or leave it at 1",
  ]);
});
