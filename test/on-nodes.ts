// Tests of clients and faults that can have three nodes, a database and a bucket behind nginx as their server; and why the others cannot.
import { Glob } from "bun";

const OWN = "It has what it is about for itself";
const TLS = "The server's own certificate";
const DISK = "test/cluster/disk.test.ts has a node whose disk is full";

/** By file: why it has a server of one process, wherever it is run. */
export const ofOneProcess: Readonly<Record<string, string>> = {
  "test/clients/apt-real.test.ts": "The public archives are asked once",
  "test/clients/apt-mirror.test.ts": "Data that a command has filled before",
  "test/clients/real.test.ts": "The public registries are asked once",
  "test/clients/composer-processes.test.ts": "Processes of one server, on one data directory",
  "test/clients/follower.test.ts": "Two servers, of which one follows the other",
  "test/clients/go-private.test.ts": TLS,
  "test/clients/go-tlog.test.ts": OWN,
  "test/clients/helm.test.ts": OWN,
  "test/clients/logrotate.test.ts": OWN,
  "test/clients/prometheus.test.ts": "nginx lets nobody have metrics",
  "test/clients/proxies.test.ts": OWN,
  "test/clients/pypi-trusted.test.ts": TLS,
  "test/clients/shells.test.ts": OWN,
  "test/clients/xz.test.ts": OWN,
  "test/faults/connections.test.ts": "nginx refuses such heads, in words of its own",
  "test/faults/disk-full.test.ts": DISK,
  "test/faults/disk-room.test.ts": "`disk.keepFree` is refused beside a bucket",
  "test/faults/follower.test.ts": "Two servers, of which one follows the other",
  "test/faults/handles.test.ts":
    "The file handles of one process, and a connection to it that stays",
  "test/faults/publish-disk-full.test.ts": DISK,
  "test/faults/worker-lanes.test.ts": "Threads of a process, without a server",
};

/** All others: each was seen to pass so. Which of them are run so each time, and how all are: test/run.ts. */
export const allOnNodes: readonly string[] = [
  ...new Glob("test/{clients,faults}/*.test.ts").scanSync("."),
]
  .filter((file) => !(file in ofOneProcess))
  .sort();
