// The benchmark: installs the peers, records an upstream, measures everyone side by side, writes bench/REPORT.md.
// npm run bench -- [--quick] [--only npm,pypi,go,apt,composer] [--peers holdfast,…] [--measure documents,…] [--report]
// --quick: Holdfast and the limits only, single short rounds, written to bench/.work. --report: only writes the report again.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Context, note, say } from "./lib/context.ts";
import { machine } from "./lib/machine.ts";
import { bench, root, work, workFolder } from "./lib/paths.ts";
import { run } from "./lib/process.ts";
import { record } from "./lib/record.ts";
import { reason } from "./lib/refuse.ts";
import { recordedUpstream } from "./lib/upstream.ts";
import { madeUp, measurements } from "./measure/index.ts";
import { peers } from "./peers/index.ts";
import type { FormatName } from "./peers/types.ts";
import { render } from "./report/render.ts";
import { mergeResults, type Results, readResults } from "./report/results.ts";
import { makeAptTree } from "./upstream/apt-tree.ts";
import { makeComposerTree } from "./upstream/composer-tree.ts";

const everything = Object.keys(measurements).join();
const everyFormat = "npm,pypi,go,apt,composer";
const { values: flags } = parseArgs({
  args: process.argv.slice(2),
  options: {
    quick: { type: "boolean", default: false },
    report: { type: "boolean", default: false },
    only: { type: "string", default: everyFormat },
    peers: { type: "string" },
    measure: { type: "string", default: everything },
  },
});

const everyone = peers.map((peer) => peer.name).join();
const wantedPeers = flags.peers ?? (flags.quick ? "holdfast" : everyone);
const resultsFile = join(workFolder(), flags.quick ? "results-quick.json" : "results.json");
const reportFile = flags.quick ? join(work, "REPORT-quick.md") : join(bench, "REPORT.md");

async function install(): Promise<{ context: Context; versions: Record<string, string> }> {
  if (!Bun.which("wrk")) {
    const args = ["install", "--yes", "--no-install-recommends", "wrk"];
    await run({ name: "install-wrk", command: "apt-get", args });
  }
  const wanted = wantedPeers.split(",");
  const formats = flags.only.split(",") as FormatName[];
  const versions: Record<string, string> = {};
  const installed = [];
  for (const peer of peers.filter((each) => wanted.includes(each.name))) {
    if (!peer.formats.some((format) => formats.includes(format))) continue;
    try {
      versions[peer.name] = await peer.install();
      installed.push(peer);
    } catch (error) {
      versions[peer.name] = `not installed: ${reason(error)}`;
    }
    say(`${peer.name}: ${versions[peer.name]}`);
  }
  if (formats.includes("apt")) await makeAptTree(workFolder("recording", "apt"));
  if (formats.includes("composer")) makeComposerTree(workFolder("recording", "composer"));
  const upstream = await recordedUpstream();
  return {
    versions,
    context: { upstream, peers: installed, formats, quick: flags.quick, rows: [] },
  };
}

/** Two runs at once would spoil each other's figures and folders. */
function holdLock(): void {
  const file = join(workFolder(), "running");
  const pid = existsSync(file) ? readFileSync(file, "utf8") : "";
  if (pid && existsSync(`/proc/${pid}`)) throw new Error(`Another run goes on, as process ${pid}`);
  writeFileSync(file, String(process.pid));
  process.on("exit", () => rmSync(file, { force: true }));
}

/** Takes the measurements, and keeps the figures after each: an interrupted run loses one. */
async function measure(keep: (results: Results) => void): Promise<void> {
  holdLock();
  rmSync(join(work, "data"), { recursive: true, force: true });
  rmSync(join(work, "logs"), { recursive: true, force: true });
  mkdirSync(join(work, "logs"), { recursive: true });
  const { context, versions } = await install();
  if (!flags.measure.split(",").every((name) => madeUp.includes(name))) await record(context);
  await context.upstream.start();
  const before = machine();
  for (const name of flags.measure.split(",")) {
    const one = measurements[name];
    if (!one) throw new Error(`There is no measurement ${name}: ${Object.keys(measurements)}`);
    say(name);
    try {
      await one(context);
    } catch (error) {
      say(`  ${name} ended early: ${reason(error)}`);
      note(context, name, ["all", "all", "ran"], null, reason(error));
    }
    const { missing } = await context.upstream.state();
    keep({ machine: before, quick: flags.quick, versions, rows: context.rows, missing });
  }
  await context.upstream.stop();
  rmSync(join(work, "data"), { recursive: true, force: true });
}

if (!flags.report) {
  const complete =
    wantedPeers === everyone && flags.measure === everything && flags.only === everyFormat;
  if (complete) rmSync(resultsFile, { force: true });
  await measure((results) => mergeResults(resultsFile, results));
}
const results = readResults(resultsFile);
if (!results) throw new Error("Nothing has been measured yet");
// The report is committed: it tells no path of the machine that it was made on.
const report = render(results, readFileSync(join(bench, "NOTES.md"), "utf8"));
writeFileSync(reportFile, report.replaceAll(`${root}/`, ""));
say(`${reportFile} is written`);
process.exit(0);
