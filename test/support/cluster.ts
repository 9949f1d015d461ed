// Several nodes as people run them: processes on one PostgreSQL and one bucket, behind nginx with the project's own file. Database and gateway are the cluster's own, so that a test may end them.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ACCESS_KEY, SECRET_KEY } from "../../src/store/bucket-testkit.ts";
import type { PostgresPlace } from "../../src/store/postgres.ts";
import { type Gateway, startGateway } from "./bucket.ts";
import { readCatalog, type SeenEvent, type SeenFile } from "./catalog.ts";
import {
  databaseUrl,
  type PostgresServer,
  postgresPrograms,
  startPostgres,
  USER,
} from "./postgres.ts";
import { freePort, type ServerProcess, startProcess } from "./process.ts";
import { removeTemp, tempFolder } from "./temp.ts";
import { waitFor } from "./wait.ts";

const root = new URL("../../", import.meta.url).pathname;
const BUCKET = "packages";

export interface Cluster {
  /** nginx's, without a trailing slash. */
  readonly url: string;
  readonly nodes: readonly ServerProcess[];
  readonly database: PostgresServer;
  readonly gateway: Gateway;
  /** As of all nodes. */
  events(): SeenEvent[];
  files(): SeenFile[];
  stop(): Promise<void>;
}

export interface ClusterOptions {
  /** The configuration that all nodes share, but for database, store and what nginx needs. JSON. */
  config: string;
  /** 3 without it. */
  nodes?: number;
  /** Where versitygw is. */
  gateway: string;
  /** Keys of `store` beside those that say where it is. */
  store?: Record<string, unknown>;
  /** Further environment by node: a clock that is off. */
  env?(node: number): Record<string, string>;
}

export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { nodes: count = 3 } = options;
  const home = tempFolder("cluster");
  const ends: (() => Promise<void>)[] = [async () => removeTemp(home)];
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    const database = await startPostgres(postgresPrograms()!);
    ends.push(() => database.stop());
    const gateway = await startGateway(options.gateway, [BUCKET]);
    ends.push(() => gateway.stop());
    const place: PostgresPlace = {
      ...{ host: database.folder, port: 5432, database: "postgres", user: USER },
      ...{ password: null, tls: null, connections: 5 },
    };
    const port = await freePort();
    const secrets = { access: join(home, "access"), secret: join(home, "secret") };
    writeFileSync(secrets.access, ACCESS_KEY, { mode: 0o600 });
    writeFileSync(secrets.secret, SECRET_KEY, { mode: 0o600 });
    const config = JSON.stringify({
      ...JSON.parse(options.config),
      publicUrl: `http://127.0.0.1:${port}`,
      trustedProxies: ["127.0.0.1"],
      database: databaseUrl(place),
      store: {
        url: `s3://${BUCKET}/of/tests`,
        endpoint: gateway.endpoint,
        accessKeyFile: secrets.access,
        secretKeyFile: secrets.secret,
        ...options.store,
      },
    });
    const nodes = await Promise.all(
      Array.from({ length: count }, async (_, node) => {
        const env = options.env && { ...process.env, ...options.env(node) };
        return startProcess({ config, ...(env && { env: env as Record<string, string> }) });
      }),
    );
    for (const node of nodes) ends.push(() => node.stop());
    const nginx = await startNginx(home, port, nodes);
    ends.push(nginx.stop);
    const { events, files } = readCatalog(home, place);
    return { url: `http://127.0.0.1:${port}`, nodes, database, gateway, events, files, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** With deploy/cluster/nginx.conf, but for where the nodes are and where it listens. */
async function startNginx(home: string, port: number, nodes: readonly ServerProcess[]) {
  const given = readFileSync(join(root, "deploy/cluster/nginx.conf"), "utf8");
  const [before, after] = given.split(/(?:^ {2}server node\d:4653 .*\n)+/m);
  const servers = nodes.map(
    ({ url }) => `server ${new URL(url).host} max_fails=2 fail_timeout=5s;\n`,
  );
  const text = [before, ...servers, after]
    .join("")
    .replace("listen 4653", `listen 127.0.0.1:${port}`);
  const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const file = join(home, "nginx.conf");
  writeFileSync(
    file,
    `user root; worker_processes 1; daemon off; pid ${home}/pid; error_log stderr error; events { worker_connections 1024; }
http { access_log off; ${folders.map((one) => `${one}_temp_path ${home}/${one};`).join(" ")}
${text} }\n`,
  );
  const child: ChildProcess = spawn("/usr/sbin/nginx", ["-p", home, "-c", file], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let output = "";
  child.stderr!.on("data", (chunk) => {
    output += chunk;
  });
  const end = () => child.kill("SIGKILL");
  process.on("exit", end);
  const isUp = () =>
    fetch(`http://127.0.0.1:${port}/-/health/live`).then(
      ({ ok }) => ok,
      () => false,
    );
  await waitFor(
    async () => child.exitCode !== null || (await isUp()),
    () => `nginx does not serve: ${output}`,
    20_000,
  );
  if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}: ${output}`);
  return {
    async stop() {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      if (child.kill("SIGTERM")) await gone;
      process.off("exit", end);
    },
  };
}
