// What `npm test` runs: hermetic tests, then real clients against a fake upstream, then against the real registries.
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { builtInRepositories } from "../src/config/upstreams.ts";
import { BUCKET } from "../src/store/bucket-testkit.ts";
import { installClients, manifest } from "./clients/install.ts";
import { allOnNodes } from "./on-nodes.ts";
import { startGateway } from "./support/bucket.ts";
import { type Count, type Failure, readReport } from "./support/junit.ts";
import { postgresPrograms, startPostgres } from "./support/postgres.ts";
import { startSeaweed } from "./support/seaweed.ts";
import { tempFolder } from "./support/temp.ts";

const root = new URL("../", import.meta.url).pathname;
const reports = tempFolder("reports");
const strict = process.env["CI"] === "true";
const total: Count = { passed: 0, failed: 0, skipped: 0 };
/** What failed, told once more at the end: hours of output may lie between. */
const failures: string[] = [];
/** What failed beside others and passed alone: a fault of the test or a race of the product, to be found. */
const unsteady: string[] = [];
/** More files that fail are no accident of a busy machine. */
const AGAIN = 3;

const ON_POSTGRES = [
  ...[
    "ledger",
    "cache",
    "jobs",
    "auth",
    "hosted",
    "hooks",
    "sources",
    "advisories",
    "series",
    "alarms",
    "catalog",
    "follow",
  ].map((room) => `src/${room}`),
  "src/store/contract.test.ts",
  "src/store/news.test.ts",
  "src/store/nodes.test.ts",
  "src/store/leases.test.ts",
  "src/store/bucket-mark.test.ts",
  "src/store/tenure.test.ts",
  "test/postgres/database.test.ts",
  "test/postgres/nodes.test.ts",
  "test/postgres/server.test.ts",
  "test/dependants.test.ts",
  "test/postgres/several.test.ts",
  "test/postgres/trouble.test.ts",
  "test/postgres/failover.test.ts",
  "test/postgres/recovery.test.ts",
  "test/postgres/copy-tables.test.ts",
  "test/postgres/move.test.ts",
  "test/postgres/backup.test.ts",
  "src/store/moves.test.ts",
  "--path-ignore-patterns=src/cache/busy.test.ts", // another program on SQLite's file
];

const ON_BUCKET = [
  "src/store/blobs.test.ts",
  "src/store/bucket-blobs.test.ts",
  "src/store/bucket-relay.test.ts",
  "src/store/bucket-mark.test.ts",
  "src/store/bucket-conditions.test.ts",
  "src/store/tenure.test.ts",
  "src/store/log-files.test.ts",
  "src/ledger/log/log.test.ts",
  "src/cache/evict.test.ts",
  "src/cache/relay.test.ts",
  "src/jobs/gc.test.ts",
  "src/jobs/verify.test.ts",
  "src/jobs/scrub.test.ts",
  "src/hosted",
  "./test/bucket",
];

/** Of those, what does not look into the gateway's folder: it stands on any service. */
const ON_ANY_BUCKET = ON_BUCKET.filter(
  (path) => !path.startsWith("src/jobs/") && path !== "./test/bucket",
);

/** What stands in every run for all that can be run with three nodes (test/on-nodes.ts): clients of each format, who publishes, upstreams that fail, and nodes that are killed. */
const ON_NODES = {
  files: [
    ...["fake", "composer", "apt", "npm-trusted", "pypi-publish", "go-upload"].map(
      (name) => `./test/clients/${name}.test.ts`,
    ),
    ...["outage", "drip", "apt-crowd", "kill", "apt-kill", "publish-kill"].map(
      (name) => `./test/faults/${name}.test.ts`,
    ),
  ],
  /** Of those whose tests are the same. */
  clients: ["npm", "pnpm", "pip", "uv", "go"],
};

/** Each wire script of each format: a third of the hermetic tests. */
const WIRES = ["./test/wire.test.ts", "./test/offline.test.ts"];

function section(title: string): void {
  console.log(`\n== ${title}`);
}

/** Runs `bun test` and adds what its report says. The few files that fail are run again, once and alone. */
async function group(
  title: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<void> {
  section(title);
  const started = performance.now();
  const { count, failed } = await bunTest(title, args, env);
  const files = [...new Set(failed.map(({ file }) => file))];
  if (count.failed === failed.length && files.length > 0 && files.length <= AGAIN) {
    console.log(`\n${title}: ${files.join(", ")} failed, and is run again, alone`);
    const alone = [...files.map((file) => `./${file}`), "--timeout=60000"];
    const again = await bunTest(`${title}, again`, alone, env);
    if (again.count.failed === 0) {
      unsteady.push(...failed.splice(0).map(tell));
      count.passed += count.failed;
      count.failed = 0;
    }
  }
  failures.push(...failed.map((failure) => `${title}: ${tell(failure)}`));
  for (const key of ["passed", "failed", "skipped"] as const) total[key] += count[key];
  console.log(`${title}: ${spell(count)}, ${Math.round((performance.now() - started) / 1000)} s`);
}

/** A run that ends without a report is a failure. */
async function bunTest(title: string, args: string[], env: Record<string, string>) {
  const report = join(reports, `${title.replaceAll(/\W+/g, "-")}.xml`);
  const child = Bun.spawn(
    [process.execPath, "test", ...args, "--reporter=junit", `--reporter-outfile=${report}`],
    { cwd: root, env: { ...process.env, ...env }, stdout: "inherit", stderr: "inherit" },
  );
  const code = await child.exited;
  const { count, failed } = await readReport(report);
  // A file that cannot be loaded fails the run, and no test with it.
  if (code !== 0 && count.failed === 0) {
    count.failed = 1;
    failures.push(`${title}: bun ended with ${code}, and its report names no test`);
  }
  return { count, failed };
}

const tell = ({ file, test, why }: Failure) => `${file}: ${test}: ${why}`;

function spell({ passed, failed, skipped }: Count): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** Why the upstreams of these built-in repositories cannot be tested, or null. */
async function networkFault(repositories: readonly string[]): Promise<string | null> {
  for (const name of repositories) {
    const url = builtInRepositories[name]!.upstreams[0]!.url;
    try {
      await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(15_000) });
    } catch (error) {
      return `${new URL(url).host} cannot be reached: ${error instanceof Error ? error.message : error}`;
    }
  }
  return null;
}

// In two lanes that take about as long: each has a core for itself on most machines.
await Promise.all([
  group("Hermetic tests of rooms", ["./src", "--timeout=60000"]).then(() =>
    group("Hermetic tests of wires", [...WIRES, "--timeout=60000"]),
  ),
  group("Hermetic tests of servers", [
    "./test",
    "--path-ignore-patterns={test/{clients,postgres,bucket,cluster,browser}/**,test/{wire,offline}.test.ts}",
    "--timeout=60000",
  ]),
]);

section("The clients");
const clients = await installClients((line) => console.log(line));
await writeFile(manifest, JSON.stringify(clients, null, 1));
for (const client of clients)
  console.log(
    "missing" in client
      ? `${client.name}: MISSING: ${client.missing}`
      : `${client.name} ${client.version}`,
  );

/** The program that speaks S3, or why there is none. */
function gateway(wanted = "versitygw"): { program: string | null; why: string } {
  const found = clients.find(({ name }) => name === wanted);
  if (found && "command" in found) return { program: found.command[0] ?? null, why: "" };
  return { program: null, why: found?.missing ?? "it is not there" };
}

/** The rooms whose tests have a database, once more; then whether each query of the product was among what they asked. */
async function groupOnPostgres(): Promise<void> {
  const title = "The catalog on PostgreSQL";
  const programs = postgresPrograms();
  if (!programs) {
    const missing = clients.find(({ name }) => name === "postgres");
    const why = missing && "missing" in missing ? missing.missing : "it is not there";
    return group(title, ["./test/postgres"], { HOLDFAST_TEST_POSTGRES_MISSING: why });
  }
  const server = await startPostgres(programs);
  const queries = join(reports, "queries.jsonl");
  const env = { HOLDFAST_TEST_POSTGRES: server.folder, HOLDFAST_TEST_QUERIES: queries };
  try {
    await group(title, [...ON_POSTGRES, "--timeout=60000"], env);
    await group("Every query on PostgreSQL", ["./test/postgres/queries.test.ts"], env);
    const { program } = gateway();
    if (program !== null)
      await group("A database and a bucket", ["./test/bucket", "--timeout=60000"], {
        HOLDFAST_TEST_POSTGRES: server.folder,
        HOLDFAST_TEST_GATEWAY: program,
      });
  } finally {
    await server.stop();
  }
}

await groupOnPostgres();

/** What stores files, once more, with a bucket that speaks S3. */
async function groupOnBucket(): Promise<void> {
  const title = "Files in a bucket";
  const { program, why } = gateway();
  if (program === null)
    return group(title, ["./test/bucket"], { HOLDFAST_TEST_GATEWAY_MISSING: why });
  const running = await startGateway(program, [BUCKET]);
  try {
    await group(title, [...ON_BUCKET, "--timeout=60000"], {
      HOLDFAST_TEST_GATEWAY: program,
      HOLDFAST_TEST_BUCKET: running.endpoint,
      HOLDFAST_TEST_BUCKET_FOLDER: running.folderOf(BUCKET),
    });
  } finally {
    await running.stop();
  }
}

await groupOnBucket();

/** The same with another service: what is right for one of them may be wrong for the next. */
async function groupOnSeaweed(): Promise<void> {
  const title = "Files in SeaweedFS";
  const { program, why } = gateway("weed");
  if (program === null)
    return group(title, ["./test/bucket"], { HOLDFAST_TEST_GATEWAY_MISSING: why });
  const running = await startSeaweed(program, BUCKET);
  try {
    await group(title, [...ON_ANY_BUCKET, "--timeout=60000"], {
      HOLDFAST_TEST_BUCKET: running.endpoint,
    });
  } finally {
    await running.stop();
  }
}

await groupOnSeaweed();

await group("Several nodes", ["./test/cluster", "--timeout=300000"]);

/** Clients and faults once more, with three nodes, a database and a bucket behind nginx as the server: some of them, or all that can be run so. */
async function groupOfNodes(): Promise<void> {
  const { program } = gateway();
  const programs = postgresPrograms();
  if (program === null || programs === null) return; // the group before says so
  const [database, bucket] = [await startPostgres(programs), await startGateway(program, [BUCKET])];
  try {
    const isAll = process.env["HOLDFAST_TEST_ALL_NODES"] === "1";
    const files = isAll ? allOnNodes.map((file) => `./${file}`) : ON_NODES.files;
    await group("Real clients, three nodes", [...files, "--timeout=180000"], {
      ...(isAll ? {} : { HOLDFAST_TEST_CLIENTS: ON_NODES.clients.join(",") }),
      HOLDFAST_TEST_BUCKET_FOLDER: bucket.folderOf(BUCKET),
      HOLDFAST_TEST_POSTGRES: database.folder,
      HOLDFAST_TEST_BUCKET: bucket.endpoint,
      HOLDFAST_TEST_NODES: "3",
    });
  } finally {
    await bucket.stop();
    await database.stop();
  }
}

await groupOfNodes();

await group("Pages in a browser", ["test/browser", "--timeout=300000"]);

await group("Real clients, fake upstream", [
  "test/clients",
  "--path-ignore-patterns=test/clients/*real.test.ts",
  "--timeout=60000",
]);

// Composer's public registry leads to code hosts, which count what one address asks: it is met as a fake alone.
const real: [title: string, file: string, repositories: string[]][] = [
  ["Real clients, real registries", "./test/clients/real.test.ts", ["npm", "pypi", "go"]],
  ["apt, real archives", "./test/clients/apt-real.test.ts", ["debian", "debian-security"]],
];
for (const [title, file, repositories] of real) {
  const fault = await networkFault(repositories);
  if (fault) console.log(`\nThe next group is skipped: ${fault}`);
  await group(title, [file], { HOLDFAST_TEST_NO_NETWORK: fault ?? "" });
}

await rm(reports, { recursive: true, force: true });
const bad = total.failed > 0 || (strict && total.skipped > 0);
if (strict && total.skipped > 0) console.log("\nA skip is a failure where CI=true.");
if (unsteady.length > 0)
  console.log(`\nFailed once, passed alone:\n${unsteady.map((line) => `  ${line}`).join("\n")}`);
if (failures.length > 0)
  console.log(`\nFailed:\n${failures.map((line) => `  ${line}`).join("\n")}`);
console.log(`\n${spell(total)}`);
process.exit(bad ? 1 : 0);
