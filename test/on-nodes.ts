// Tests of clients and faults that can have three nodes, a database and a bucket behind nginx as their server; and why the others cannot.
import { Glob } from "bun";

const OWN = "It has what it is about for itself";
const CLOCK = "The server's clock is moved";
const TLS = "The server's own certificate";
const BOUND = "The bounds of one process, of its disk or of its memory";

/** By file: why it has a server of one process, wherever it is run. */
export const ofOneProcess: Readonly<Record<string, string>> = {
  "test/clients/apt-real.test.ts": "The public archives are asked once",
  "test/clients/apt-mirror.test.ts": "Data that a command has filled before",
  "test/clients/real.test.ts": "The public registries are asked once",
  "test/clients/follower.test.ts": "Two servers, of which one follows the other",
  "test/clients/go-private.test.ts": CLOCK,
  "test/clients/go-tlog.test.ts": OWN,
  "test/clients/helm.test.ts": OWN,
  "test/clients/logrotate.test.ts": OWN,
  "test/clients/policy-apt.test.ts": CLOCK,
  "test/clients/policy-composer.test.ts": CLOCK,
  "test/clients/policy-go.test.ts": CLOCK,
  "test/clients/prometheus.test.ts": "nginx lets nobody have metrics",
  "test/clients/proxies.test.ts": OWN,
  "test/clients/pypi-trusted.test.ts": TLS,
  "test/clients/shells.test.ts": OWN,
  "test/clients/xz.test.ts": OWN,
  "test/faults/apt-crowd.test.ts": BOUND,
  "test/faults/backup-kill.test.ts": "test/postgres/backup.test.ts has that of a database",
  "test/faults/connections.test.ts": "nginx refuses such heads, in words of its own",
  "test/faults/disk-full.test.ts": BOUND,
  "test/faults/disk-room.test.ts": BOUND,
  "test/faults/follower.test.ts": "Two servers, of which one follows the other",
  "test/faults/handles.test.ts": BOUND,
  "test/faults/npm-publish.test.ts": BOUND,
  "test/faults/publish-disk-full.test.ts": BOUND,
  "test/faults/pypi-upload.test.ts": BOUND,
  "test/faults/sources-kill.test.ts": "Mirrors of code hosts are each node's own",
  "test/faults/unproven.test.ts":
    "Upstreams that lie, whoever asks: test/clients/defences.test.ts has some on nodes",
  "test/faults/worker-lanes.test.ts": BOUND,
};

/**
 * All others. Seen to pass so: of clients apt, composer, deb, go-moving, go-upload, npm-trusted, pypi-publish (twine, uv, poetry, flit) and in fake the first test of
 * pnpm and uv; of faults bodies, crowd, drip and outage. Of npm-publish all that ran did, until it was ended. The rest is to be seen: HOLDFAST_TEST_ALL_NODES=1.
 */
export const allOnNodes: readonly string[] = [
  ...new Glob("test/{clients,faults}/*.test.ts").scanSync("."),
]
  .filter((file) => !(file in ofOneProcess))
  .sort();
