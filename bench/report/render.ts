// bench/REPORT.md from the figures: every table with absolute values and, where there is a base, ratios to it.
import { budget } from "./budget.ts";
import { type Results, runOf } from "./results.ts";
import { number, table } from "./tables.ts";

interface Section {
  measure: string;
  title: string;
  text: string;
  /** The server that the others are divided by. */
  base: string | null;
  metrics: string[];
}

const SECTIONS: Section[] = [
  {
    measure: "start",
    title: "Start",
    text: "From the command to the first HTTP answer, with nothing stored. Median of five, milliseconds.",
    base: "holdfast",
    metrics: ["ms"],
  },
  {
    measure: "memory",
    title: "Memory",
    text: "Resident memory of all of a server's processes, in MB: two seconds after the start; the peak after warm load at 32 connections (the 6 MB packument for npm, a project page for PyPI, a .mod for Go: whatever of these it serves); the peak after one request for a packument of 105 MB; the peak of a fresh process after an 8 MB index and ten thousand small packages of apt, each fetched once over 32 connections, as a mirror does.",
    base: "holdfast",
    metrics: ["MB", "seconds", "requests/s"],
  },
  {
    measure: "documents",
    title: "Warm documents",
    text: "wrk, one thread, 32 connections, gzip accepted; medians of interleaved rounds of two seconds. nginx static serves the very bytes that Holdfast sends, as a precompressed file; bare Bun.serve answers them from memory with nothing looked up, parsed, logged or counted: what the runtime itself allows. Each server was primed and its answer was decompressed, parsed and counted before.",
    base: "nginx static",
    metrics: ["requests/s", "p99 ms", "body bytes", "entries"],
  },
  {
    measure: "artifacts",
    title: "Warm artifacts",
    text: "wrk, one thread, 32 connections for small files, 8 for large ones; each answer was checked to be complete before. apt and Composer are served from made-up repositories: Packages.xz is 8 MB of 62,000 packages, the InRelease 150 kB.",
    base: "nginx static",
    metrics: ["requests/s", "MB/s", "p99 ms"],
  },
  {
    measure: "cold",
    title: "Cold artifacts",
    text: "A file that is not stored, the documents that name it already there, from the recorded upstream on the same machine (no network latency, so that nothing hides the overhead). Medians of 20 different files, of six for 30 MB.",
    base: "direct",
    metrics: ["first byte ms", "total ms"],
  },
  {
    measure: "crowd",
    title: "Fifty clients, one cold file",
    text: "50 MB over an upstream line of 16 MB/s for each connection; seconds until the last client has all of it.",
    base: null,
    metrics: ["seconds", "upstream fetches"],
  },
  {
    measure: "parallel",
    title: "Twenty first requests for one 15 MB packument",
    text: "Meanwhile one client asks for a small warm packument again and again: how long it waits shows how long the server's loop is blocked.",
    base: null,
    metrics: [
      "seconds",
      "upstream fetches",
      "peak MB",
      "longest wait of others ms",
      "p99 wait of others ms",
      "longest wait before ms",
    ],
  },
  {
    measure: "installs",
    title: "Installs with real clients",
    text: "Every install has a fresh client cache and a fresh target, and is counted afterwards. Direct is the recorded upstream itself, on the same machine. “Upstream dead”: the upstream is stopped and each server is restarted on its data with a freshness of one second, so that every document is stale. apt: `apt-get update`, then `apt-get install --download-only` of 40 packages, in a root of its own. Composer: a lock file of twelve packages.",
    base: "direct",
    metrics: ["seconds", "server CPU s", "packages"],
  },
  {
    measure: "growth",
    title: "Growth",
    text: "Holdfast with so many artifacts in its catalog (rows and pins made by a script; a thousand of them with bytes on disk). A packument and a package of apt under load, and a thousand files asked for once each by a process that has just started, so that each is a look into the catalog. CPU is that of the server for one request, and less troubled by what else the machine does than a rate is.",
    base: null,
    metrics: [
      "start ms",
      "idle MB",
      "packument CPU µs",
      "artifact CPU µs",
      "deb CPU µs",
      "packument requests/s",
      "artifact requests/s",
      "deb requests/s",
    ],
  },
  {
    measure: "publishing",
    title: "Private packages",
    text: "Versions of one private package, published one after the other and to the servers in turn, as npm and twine put them on the wire but without the start of a client, over a kept connection. The small one holds 2 kB, and 30 MB stands for three of that size, of bytes that cannot be compressed. Its document is read with nothing read since the last publication, and twenty times again; `npm install` and `pip install` of one version have a fresh cache and target, cold with new versions published since anybody read, warm in three more rounds. Memory is the peak but for idle. Reading takes a token in Holdfast and Verdaccio; in devpi it is open, for closing it takes a plugin.",
    base: "holdfast",
    metrics: ["ms", "server CPU ms", "MB", "seconds"],
  },
  {
    measure: "versions",
    title: "A thousand versions of one private package",
    text: "Holdfast alone: a small version published a thousand times. Each is on the disk (synced) before it is answered.",
    base: null,
    metrics: ["median ms", "p95 ms", "ms"],
  },
  {
    measure: "callers",
    title: "Who asks",
    text: "Holdfast alone, one warm private package of 10 kB: wrk, one thread, 32 connections, interleaved rounds of a second, twelve of each. The first three may be read by everybody; of the last one each download is written to the audit log. CPU is that of the server for one request, the lower quartile of the rounds, since what else the machine does only adds to it; rates are medians. Requests with a query never repeat (docs/decisions/0010-repeated-requests.md): they go the whole way.",
    base: null,
    metrics: [
      "packument CPU µs",
      "packument, not repeated CPU µs",
      "tarball CPU µs",
      "packument requests/s",
      "packument, not repeated requests/s",
      "tarball requests/s",
      "ms of one request",
    ],
  },
];

function section(
  { measure, title, text, base, metrics }: Section,
  { rows, taken = {}, ...run }: Results,
): string {
  const own = rows.filter((row) => row.measure === measure);
  if (own.length === 0) return "";
  const tables = metrics
    .map((metric) =>
      table(
        own.filter((row) => row.metric === metric),
        metric,
        base,
      ),
    )
    .filter(Boolean);
  const failures = own
    .filter((row) => row.value === null)
    .map((row) => `- ${row.server}, ${row.case}: ${row.note ?? "no figure"}`);
  const failed = failures.length ? `\nNo figure:\n\n${failures.join("\n")}\n` : "";
  const when = taken[measure] ?? "";
  const told = when === runOf({ ...run, rows }) ? "" : ` Taken ${when}.`;
  return `## ${title}\n\n${text}${told}\n\n${tables.join("\n")}${failed}`;
}

export function render(results: Results, notes: string): string {
  const { machine, versions, rows } = results;
  const tools = Object.entries(machine.tools).map(([name, version]) => `${name} ${version}`);
  const peers = Object.entries(versions).map(([name, version]) => `| ${name} | ${version} |`);
  const missing = Object.keys(results.missing);
  const parts = [
    "# The benchmark",
    "Written by `npm run bench`; do not edit. Notes by hand are in bench/NOTES.md and stand below.",
    `${machine.date} UTC${results.quick ? ", **a quick run: single short rounds**" : ""}. ${machine.processor}, ${machine.memoryGb} GB, ${machine.system}, Linux ${machine.kernel}. Load average when it began: ${number(machine.load)}. ${tools.join(", ")}.`,
    `| server | version |\n|---|---|\n${peers.join("\n")}`,
    "All servers have one process where they can be told so, the same freshness (an hour), and the same recorded upstream on the loopback interface. A ratio stands in parentheses.",
    "## Budget",
    budget(rows),
    notes.trim(),
    ...SECTIONS.map((each) => section(each, results)).filter(Boolean),
  ];
  if (missing.length)
    parts.push(
      `Asked of the recorded upstream and not recorded (answered 404): ${missing.length} paths, for example ${missing
        .slice(0, 3)
        .map((path) => `\`${path}\``)
        .join(", ")}.`,
    );
  return `${parts.join("\n\n")}\n`;
}
