// What the append-only log costs a file that is fetched for the first time: two servers in one process, one of which has no triggers that fill the log,
// ask for the same new releases in turns. `bun bench/log.ts [ROUNDS] [FILES]`
import { Database } from "bun:sqlite";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../src/config/load.ts";
import { createLog } from "../src/core/log.ts";
import { formats } from "../src/formats/index.ts";
import { start } from "../src/server/start.ts";
import { configText } from "../test/support/config.ts";
import { startUpstream } from "../test/support/fake-upstream/index.ts";
import { median } from "./lib/stats.ts";

const rounds = Number(process.argv[2] ?? 300);
/** Releases that are fetched between two looks at what it took: the log writes once a second at most, and that is a part of it. */
const EACH = Number(process.argv[3] ?? 10);
const made = mkdtempSync(join(tmpdir(), "holdfast-log-"));
const upstream = await startUpstream();

async function open(name: string) {
  const data = join(made, name);
  const file = join(made, `${name}.yaml`);
  writeFileSync(file, configText(upstream, { freshness: "1d" }));
  const config = loadConfig({ file, formats, flags: { data }, env: {} });
  const running = await start({ config, log: createLog("json", () => {}), now: Date.now });
  return { data, url: String(running.url).replace(/\/$/, ""), stop: () => running.stop() };
}

function withoutTriggers(data: string): number {
  const database = new Database(join(data, "holdfast.db"));
  const names = database
    .query("SELECT name FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%log_queue%'")
    .all() as { name: string }[];
  for (const { name } of names) database.run(`DROP TRIGGER ${name}`);
  database.close();
  return names.length;
}

const [plain, logged] = [await open("plain"), await open("logged")];
console.log(`${withoutTriggers(plain.data)} triggers are gone from the server without a log`);

async function fetchSome(
  url: string,
  names: readonly string[],
): Promise<{ cpu: number; wall: number }> {
  const before = process.cpuUsage();
  const from = performance.now();
  for (const name of names) {
    const path = `${url}/npm/${name}/-/${name}-1.0.0.tgz`;
    const answer = await fetch(path);
    await answer.bytes();
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
  }
  // The log's turn, and what else is done behind.
  await Bun.sleep(1_200);
  const { user, system } = process.cpuUsage(before);
  return { cpu: (user + system) / 1000, wall: performance.now() - from - 1_200 };
}

const spent = { plain: [] as number[], logged: [] as number[] };
const waited = { plain: [] as number[], logged: [] as number[] };
try {
  for (let round = 0; round < rounds; round += 1) {
    const names = Array.from({ length: EACH }, (_, at) => `cold-${round}-${at}`);
    for (const name of names) upstream.npm.publish({ name, version: "1.0.0" });
    const order = round % 2 === 0 ? (["plain", "logged"] as const) : (["logged", "plain"] as const);
    for (const which of order) {
      const { cpu, wall } = await fetchSome({ plain, logged }[which].url, names);
      if (round < 3) continue; // compiles
      spent[which].push(cpu / EACH);
      waited[which].push(wall / EACH);
    }
  }
  const rows = [
    ["CPU, ms a file", spent],
    ["wall, ms a file", waited],
  ] as const;
  for (const [what, of] of rows) {
    const each = of.plain.map((one, at) => of.logged[at]! - one);
    const cells = [median(of.plain), median(of.logged), median(each)].map((one) => one?.toFixed(2));
    console.log(`| ${what} | ${cells.join(" | ")} |`);
  }
} finally {
  await plain.stop();
  await logged.stop();
  await upstream.stop();
  rmSync(made, { recursive: true });
}
process.exit();
