// Several nodes as people run them: processes on one PostgreSQL and one bucket, behind nginx with the project's own file. Database and gateway are the cluster's own, so that a test may end them.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import {
  ACCESS_KEY,
  objectFile,
  openTestLogFiles,
  SECRET_KEY,
  testPlace,
} from "../../src/store/bucket-testkit.ts";
import { fileOf, layoutOf } from "../../src/store/layout.ts";
import { keyOf } from "../../src/store/leases.ts";
import type { PostgresPlace } from "../../src/store/postgres.ts";
import { databaseOfServer } from "../../src/store/testkit.ts";
import { type Gateway, startGateway } from "./bucket.ts";
import { readCatalog, rowsOf, type SeenEvent, type SeenFile } from "./catalog.ts";
import {
  databaseUrl,
  type PostgresServer,
  placeIn,
  postgresPrograms,
  startPostgres,
} from "./postgres.ts";
import { freePort, type ServerProcess, startOne } from "./process.ts";
import { type OwnPort, startHaproxy, startNginx } from "./proxies.ts";
import { removeTemp, tempFolder } from "./temp.ts";
import { waitFor } from "./wait.ts";

const BUCKET = "packages";
/** For how long nginx asks a node that died for nothing, and a little more. */
export const REMEMBERED_MS = 1_500;

export interface Cluster {
  /** nginx's, without a trailing slash. */
  readonly url: string;
  /** HAProxy's, where there is one. */
  readonly haproxy: string | null;
  readonly nodes: readonly ServerProcess[];
  readonly database: PostgresServer;
  readonly gateway: Gateway;
  /** As of all nodes. */
  events(): SeenEvent[];
  files(): SeenFile[];
  stop(): Promise<void>;
}

export interface NodesOptions {
  /** The configuration that all nodes share, but for database, store and what nginx needs. YAML. */
  config: string;
  /** 3 without it. */
  nodes?: number;
  /** Keys of `store` beside those that say where it is. */
  store?: Record<string, unknown>;
  /** Flags of `serve`. */
  flags?: string[];
  /** nginx serves over TLS, with the certificate that `tls` of the configuration names; of this authority (PEM). */
  authority?: string;
  /** HAProxy stands in front of them as well. Documents then name whichever proxy they were asked through. */
  hasHaproxy?: boolean;
  /** How long a node may say nothing until nginx asks another one, in nginx's words; without it as its file has it. */
  silence?: string;
  /** Further environment by node: a clock that is off. */
  env?(node: number): Record<string, string>;
  /** The data directory by node; a temporary one without it. */
  data?(node: number): string | undefined;
  /** Whether the test moves their clocks. */
  hasClock?: boolean;
}

/** Of nodes that have npm alone, which whoever gives no name may read. */
export function npmAlone(
  npm: { upstreams: { url: string }[]; claims?: string[] },
  more: Record<string, unknown> = {},
): string {
  const off = { pypi: false, go: false, composer: false, debian: false, "debian-security": false };
  const repositories = { npm, ...off };
  return JSON.stringify({ access: { anonymous: "read" }, repositories, ...more });
}

/** With a database and a gateway of their own. `gateway`: where versitygw is. */
export async function startCluster(options: NodesOptions & { gateway: string }): Promise<Cluster> {
  const ends: (() => Promise<void>)[] = [];
  const stop = () => endAll(ends);
  try {
    const database = await startPostgres(postgresPrograms()!);
    ends.push(() => database.stop());
    const gateway = await startGateway(options.gateway, [BUCKET]);
    ends.push(() => gateway.stop());
    const place = placeIn(database.folder);
    const {
      url,
      haproxy,
      nodes,
      stop: end,
    } = await startNodes(options, {
      place,
      bucket: { endpoint: gateway.endpoint, url: `s3://${BUCKET}/of/tests` },
    });
    ends.push(end);
    return { url, haproxy, nodes, database, gateway, ...readCatalog("", place), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Ground {
  place: PostgresPlace;
  bucket: { endpoint: string; url: string };
}

/** Nodes on a database and a bucket that are there, and nginx. */
async function startNodes(options: NodesOptions, { place, bucket }: Ground) {
  const { config: given, nodes: count = 3, store = {}, flags = [] } = options;
  const { authority, env: envOf, hasClock, hasHaproxy = false, silence } = options;
  const home = tempFolder("cluster");
  const ends: (() => Promise<void>)[] = [async () => removeTemp(home)];
  const stop = () => endAll(ends);
  try {
    const port = await freePort();
    const [accessKeyFile, secretKeyFile] = [join(home, "access"), join(home, "secret")];
    writeFileSync(accessKeyFile, ACCESS_KEY, { mode: 0o600 });
    writeFileSync(secretKeyFile, SECRET_KEY, { mode: 0o600 });
    const url = `${authority ? "https" : "http"}://127.0.0.1:${port}`;
    const { tls, ...shared } = parse(given);
    const config = {
      ...(!hasHaproxy && { publicUrl: url }),
      ...shared,
      trustedProxies: ["127.0.0.1"],
      database: databaseUrl(place),
      store: { ...bucket, accessKeyFile, secretKeyFile, ...store },
    };
    const ownPorts: OwnPort[] = [];
    for (const [name, { listen }] of Object.entries<{ listen?: string }>(shared.repositories ?? {}))
      if (listen !== undefined)
        ownPorts.push({ name, listen, at: await Promise.all(range(count, freePort)) });
    // The first one makes the tables, and the others find them.
    const nodes: ServerProcess[] = [];
    const begin = async (at: number) => {
      const data = options.data?.(at);
      const env = envOf && { ...process.env, ...envOf(at) };
      nodes[at] = await startOne({
        config: JSON.stringify(withPorts(config, ownPorts, at)),
        flags,
        ...(hasClock && { hasClock }),
        ...(data !== undefined && { data }),
        ...(env && { env: env as Record<string, string> }),
      });
      ends.push(() => nodes[at]!.stop());
    };
    await Promise.all(range(count, begin));
    const certificate = authority ? { ...tls, authority } : null;
    const nginx = await startNginx(home, { url, port, certificate, ownPorts }, nodes, silence);
    ends.push(nginx.stop);
    let haproxy: string | null = null;
    if (hasHaproxy) {
      const own = await freePort();
      haproxy = `http://127.0.0.1:${own}`;
      ends.push((await startHaproxy(home, { url: haproxy, port: own }, nodes)).stop);
    }
    return { url, haproxy, nodes, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** As a node on a machine of its own has it: several on one cannot listen at one port. */
function withPorts(
  config: { repositories?: Record<string, object> },
  ownPorts: readonly OwnPort[],
  node: number,
) {
  const repositories = { ...config.repositories };
  for (const { name, at } of ownPorts)
    repositories[name] = { ...repositories[name], listen: `127.0.0.1:${at[node]}` };
  return ownPorts.length === 0 ? config : { ...config, repositories };
}

function range<T>(count: number, make: (at: number) => T): T[] {
  return Array.from({ length: count }, (_, at) => make(at));
}

async function endAll(ends: (() => Promise<void>)[]): Promise<void> {
  for (const end of ends.splice(0).reverse()) await end();
}

/** In place of a process of its own, for tests that care for nothing but how clients are answered. */
export async function startAsNodes(options: NodesOptions): Promise<ServerProcess> {
  const own = await databaseOfServer();
  const { endpoint, bucket, prefix } = testPlace(own.place.database);
  const { place } = own;
  const ground = { place, bucket: { endpoint, url: `s3://${bucket}/${prefix}` } };
  const { url, nodes, stop } = await startNodes(options, ground);
  const [first] = nodes;
  let deaths = 0;
  async function holderOf(lease: string): Promise<ServerProcess> {
    let found: ServerProcess | undefined;
    await waitFor(
      () => {
        const held = `SELECT pid FROM nodes JOIN leases ON leases.node = nodes.id WHERE leases.name = '${keyOf(lease)}'`;
        const pids = rowsOf<{ pid: number }>(place, held).map(({ pid }) => pid);
        found = nodes.find((node) => pids.includes(node.pid));
        return found !== undefined;
      },
      () => `nobody has the lease ${lease}`,
      30_000,
    );
    return found!;
  }
  return {
    ...{ url, place, nodes, data: first!.data, config: first!.config },
    logFiles: openTestLogFiles(place.database),
    get pid() {
      return first!.pid;
    },
    ...readCatalog("", place),
    output: () => nodes.map((node) => node.output()).join(""),
    metrics: async () => (await Promise.all(nodes.map((node) => node.metrics()))).join(""),
    lose(sha256) {
      rmSync(objectFile({ ...layoutOf(first!.data), root: place.database }, sha256));
      for (const { data } of nodes) rmSync(fileOf(layoutOf(data).copies, sha256), { force: true });
    },
    configure(keys) {
      for (const node of nodes) node.configure(keys);
    },
    async restart(flags) {
      await Promise.all(nodes.map((node) => node.restart(flags)));
    },
    async pause() {
      await Promise.all(nodes.map((node) => node.pause()));
    },
    async kill(lease) {
      const node = lease === undefined ? nodes[deaths % nodes.length] : await holderOf(lease);
      deaths += 1;
      return node!.kill();
    },
    advance(milliseconds) {
      for (const node of nodes) node.advance(milliseconds);
    },
    async stop() {
      await stop();
      await own.drop();
    },
  };
}
