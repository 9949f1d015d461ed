// `holdfast stats`: what was asked for and what it took, and how the disk grows. Read beside a server that runs.
import { statfs } from "node:fs/promises";
import type { FormatOptions } from "../config/schema.ts";
import { DURATION, parseDuration } from "../core/duration.ts";
import type { Forecast } from "../core/series.ts";
import { byteHitRate, hitRate, type Traffic, trafficOf, trafficSeries } from "../core/traffic.ts";
import { readSeries } from "../series/read.ts";
import { readForecast } from "../series/room.ts";
import { type Command, UsageError } from "./arguments.ts";
import { configFrom, configOptions } from "./options.ts";
import { readStore } from "./store.ts";
import { align, humanSize } from "./terminal.ts";

export function statsCommand({ formats }: { formats: readonly FormatOptions[] }): Command {
  return {
    name: "stats",
    summary: "Show what was asked for, how much of it was stored, and how the disk grows",
    options: {
      range: { value: "TIME", help: "How far back: 30m, 24h, 14d (24h)" },
      repository: { value: "NAME", help: "Only of this repository" },
      json: { help: "As JSON" },
      config: configOptions.config,
      data: configOptions.data,
    },
    details: `HITS: of the answers with a body that is kept, those that took no upstream; a 304 is neither. STORED: bytes out of the store, of those that were sent.
SAVED: bytes sent to clients less bytes fetched from upstreams, by whoever asked: a mirror's run lowers it. NOT HAD: nothing was stored, and no upstream could be asked.
P50 and P95: half of the answers, and
95 in 100, were handed over within that time. Works while the server runs; the last ten seconds are not in it.`,
    examples: [["stats --range 7d", "Was it worth it this week?"]],
    async run(given, terminal) {
      const range = given.text("range") ?? "24h";
      if (!DURATION.test(range))
        throw new UsageError("--range takes a whole number and a unit, like 24h or 14d");
      const repository = given.text("repository");
      const config = configFrom(given, formats, terminal);
      const now = terminal.now();
      const { bavail, bsize } = await statfs(config.data).catch(() => ({ bavail: 0, bsize: 0 }));
      const { traffic, forecast } = await readStore(config, async ({ database }) => ({
        traffic: trafficOf(
          await readSeries(
            database.read,
            { names: trafficSeries, from: now - parseDuration(range), to: now, repository },
            now,
          ),
        ),
        forecast: await readForecast(database, bavail * bsize, now),
      }));
      terminal.out(
        given.on("json")
          ? `${JSON.stringify({ traffic, disk: forecast })}\n`
          : `${table(traffic, range)}\n${diskWords(forecast, now)}\n`,
      );
      return 0;
    },
  };
}

function table(traffic: readonly Traffic[], range: string): string {
  const total = traffic.at(-1)!;
  if (total.requests === 0) return `No requests within ${range}.\n`;
  const head = [
    "",
    "REQUESTS",
    "HITS",
    "STORED",
    "SENT",
    "SAVED",
    "NOT HAD",
    "FAILED",
    "P50",
    "P95",
  ];
  const rows = traffic.map((one) => [
    one.repository === "" ? "all" : one.repository,
    String(one.requests),
    percent(hitRate(one)),
    percent(byteHitRate(one)),
    humanSize(one.sentBytes),
    signedSize(one.savedBytes),
    String(one.unavailable),
    String(one.failed),
    seconds(one.p50),
    seconds(one.p95),
  ]);
  return `${align([head, ...rows]).join("\n")}\n`;
}

function percent(part: number | null): string {
  return part === null ? "-" : `${Math.floor(part * 100)} %`;
}

function signedSize(bytes: number): string {
  return bytes < 0 ? `-${humanSize(-bytes)}` : humanSize(bytes);
}

function seconds(value: number | null): string {
  if (value === null) return "-";
  return value < 1 ? `${Number((value * 1000).toPrecision(2))} ms` : `${value.toPrecision(2)} s`;
}

/** In words, also for an alarm. */
function diskWords({ days, free, growth, full }: Forecast, now: number): string {
  const room = `Disk: ${humanSize(free)} free`;
  if (!growth)
    return `${room}. How it grows is told after three days; ${days} daily changes are known`;
  const grows = `${signedSize(growth.low)} to ${signedSize(growth.high)} a day over ${days} days`;
  if (full.early === null) return `${room}, ${grows}: not full within ten years`;
  const day = (at: number) => new Date(Math.max(at, now)).toISOString().slice(0, 10);
  const until = full.late === null ? "or never" : `to ${day(full.late)}`;
  return `${room}, ${grows}: full from ${day(full.early)} ${until}`;
}
