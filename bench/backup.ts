// What a backup takes to a folder and to a bucket: the first one, and one with nothing new. `HOLDFAST_TEST_GATEWAY=… bun bench/backup.ts [FILES] [BYTES]`
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { runCli } from "../src/cli/index.ts";
import { fakeTerminal } from "../src/cli/testing.ts";
import { loadConfig } from "../src/config/load.ts";
import { createLog } from "../src/core/log.ts";
import { formats } from "../src/formats/index.ts";
import { commands } from "../src/main.ts";
import { start } from "../src/server/start.ts";
import { ACCESS_KEY, SECRET_KEY } from "../src/store/bucket-testkit.ts";
import { openDatabase } from "../src/store/database.ts";
import { fileOf, layoutOf } from "../src/store/layout.ts";
import { startGateway } from "../test/support/bucket.ts";

const count = Number(process.argv[2] ?? 5_000);
const bytes = Number(process.argv[3] ?? 30_000);
const program = process.env["HOLDFAST_TEST_GATEWAY"];
if (!program) throw new Error("HOLDFAST_TEST_GATEWAY names no versitygw");
const made = mkdtempSync(join(tmpdir(), "holdfast-backup-bench-"));
const gateway = await startGateway(program, ["backups"]);
try {
  const data = join(made, "data");
  const config = loadConfig({ formats, flags: { data }, env: {} });
  const server = await start({ config, log: createLog("json", () => {}), listen: "none" });
  await server.stop();
  await fill(data);

  const bucket = ["s3://backups/bench", "--endpoint", gateway.endpoint];
  const env = { AWS_ACCESS_KEY_ID: ACCESS_KEY, AWS_SECRET_ACCESS_KEY: SECRET_KEY };
  const homes = { folder: [join(made, "copy")], bucket };
  console.log(`${count} files of ${bytes} bytes`);
  for (const [name, where] of Object.entries(homes)) {
    const steps: [what: string, words: string[]][] = [
      ["backup", ["backup", ...where, "--data", data]],
      ["again", ["backup", ...where, "--data", data]],
      ["verify", ["backup", "verify", ...where]],
      ["restore", ["restore", ...where, "--data", join(made, `restored-${name}`)]],
    ];
    for (const [what, words] of steps) {
      const terminal = fakeTerminal({ cwd: made, env, now: Date.now });
      const [from, before] = [performance.now(), process.cpuUsage()];
      const code = await runCli(words, commands(), terminal);
      if (code !== 0) throw new Error(terminal.printed.err + terminal.printed.out);
      const { user, system } = process.cpuUsage(before);
      const seconds = (ms: number) => (ms / 1000).toFixed(1);
      console.log(
        `${name} ${what}: ${seconds(performance.now() - from)} s, own CPU ${seconds((user + system) / 1000)} s, ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`,
      );
    }
  }
} finally {
  await gateway.stop();
  rmSync(made, { recursive: true, force: true });
}

/** Files that the catalog names, as fetched ones are. */
async function fill(data: string): Promise<void> {
  const layout = layoutOf(data);
  const database = await openDatabase(layout.database);
  await database.write(async (sql) => {
    for (let at = 0; at < count; at += 1) {
      const content = randomBytes(bytes);
      const sha256 = createHash("sha256").update(content).digest("hex");
      const path = fileOf(layout.blobs, sha256);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
      const [name, file] = [`p${at}`, `p${at}-1.0.0.tgz`];
      await sql`INSERT INTO artifacts (repository, package, file, version, purl, sha256, size, fetched_at, upstream, path)
        VALUES ('npm', ${name}, ${file}, '1.0.0', ${`pkg:npm/${name}@1.0.0`}, ${sha256}, ${bytes}, 0, 'r.example.test', ${`/${name}/-/${file}`})`;
    }
  });
  await database.close();
}
