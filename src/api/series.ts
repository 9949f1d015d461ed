// Numbers over time, and when the disk is full: what `holdfast stats` shows.
import { z } from "zod";
import { DURATION, parseDuration } from "../core/duration.ts";
import { permit } from "../core/grant.ts";
import {
  meaningOf,
  type Series,
  type SeriesName,
  type SeriesPoint,
  seriesMeanings,
  seriesNames,
} from "../core/series.ts";
import { ofGauge, quantile } from "../core/series-reading.ts";
import { trafficOf, trafficSeries } from "../core/traffic.ts";
import type { ApiDeps } from "./deps.ts";
import { endpoint, ofReaders, ofServer, WrongFields } from "./endpoint.ts";
import { Name, Time, time } from "./schemas.ts";

const Span = z.string().regex(DURATION, "expected a whole number and a unit, like 24h or 14d");

const Point = z
  .object({
    sum: z.number().optional().describe("Of a counter: what was added in this step"),
    mean: z.number().nullable().optional().describe("Of a gauge or histogram"),
    max: z
      .number()
      .describe("The highest. Of a counter: what was added at most in one write, ten seconds"),
    count: z.number().optional().describe("Of a histogram: how many"),
    p50: z.number().nullable().optional().describe("Of a histogram: half of them took no longer"),
    p95: z.number().nullable().optional(),
    p99: z.number().nullable().optional(),
  })
  .meta({ id: "SeriesPoint" });

const Answer = z
  .object({
    from: Time.describe("The beginning of the first step"),
    to: Time.describe("The end of the last step"),
    stepSeconds: z.number(),
    isRunning: z.boolean().describe("The last step is not over: of counters more is to come"),
    meanings: z.record(
      z.string(),
      z.object({
        kind: z.enum(["counter", "gauge", "histogram"]),
        unit: z.enum(["count", "bytes", "seconds"]),
        help: z.string(),
      }),
    ),
    series: z.array(
      z.object({
        name: z.enum(seriesNames as [SeriesName, ...SeriesName[]]),
        labels: z.record(z.string(), z.string()),
        points: z
          .array(Point.nullable())
          .describe("One a step; null where nothing is known: no server ran"),
      }),
    ),
  })
  .meta({ id: "Series" });

const TrafficShape = z
  .object({
    from: Time,
    to: Time,
    repositories: z.array(
      z.object({
        repository: z.string().describe("`-`: of none. Empty, the last one: all together"),
        requests: z.number(),
        hits: z.number().describe("Answered whole from what is stored, without an upstream"),
        misses: z.number().describe("For which an upstream was asked"),
        notModified: z.number().describe("304: the client had it already. Neither of both"),
        refused: z.number(),
        unavailable: z.number().describe("424: nothing was stored, and no upstream could be asked"),
        failed: z.number().describe("5xx"),
        sentBytes: z.number().describe("Of bodies, to clients"),
        storedBytes: z.number().describe("Of these, out of the store"),
        fetchedBytes: z.number().describe("From upstreams, by whoever asked"),
        savedBytes: z.number().describe("`sentBytes` less `fetchedBytes`; may be below zero"),
        p50: z.number().nullable().describe("Seconds until a response was handed over"),
        p95: z.number().nullable(),
      }),
    ),
  })
  .meta({ id: "Traffic" });

const ForecastShape = z
  .object({
    days: z
      .number()
      .describe("Daily changes that are known, 14 at most; under 3 nothing more is said"),
    free: z.number().describe("Bytes, now"),
    growth: z
      .object({ low: z.number(), median: z.number(), high: z.number() })
      .nullable()
      .describe("Bytes a day: the median and the quartiles of the daily changes"),
    full: z
      .object({ early: Time.nullable(), likely: Time.nullable(), late: Time.nullable() })
      .describe("When nothing is free any more, at each growth; null: not within ten years"),
  })
  .meta({ id: "DiskForecast" });

const spanQuery = {
  range: Span.default("24h").describe("How far back from `to`, or from now"),
  to: Time.optional(),
  repository: Name.optional(),
};

export function seriesEndpoints({ series, forecast, repositories, now }: ApiDeps) {
  const spanOf = ({ range, to }: { range: string; to?: string | undefined }) => {
    const end = to === undefined ? now() : Date.parse(to);
    return { from: end - parseDuration(range), to: end };
  };
  return [
    endpoint({
      tag: "server",
      method: "GET",
      path: "/series",
      summary: "Numbers over time, for who may read every repository, as the metrics",
      access: ofReaders,
      query: z.object({
        ...spanQuery,
        step: Span.optional().describe(
          "The least length of a step. Without it, and where it would be more than 200, as long as the range asks for",
        ),
        names: z
          .string()
          .optional()
          .describe(`Between commas: ${seriesNames.join(", ")}. Without it all`),
      }),
      status: 200,
      result: Answer,
      async run({ query, grant }) {
        for (const { name } of repositories) permit(grant, name, "read", null);
        const names = namesOf(query.names);
        const found = await series({
          ...spanOf(query),
          names,
          repository: query.repository,
          ...(query.step !== undefined && { step: parseDuration(query.step) }),
        });
        return {
          from: time(found.from),
          to: time(found.to),
          stepSeconds: found.step / 1000,
          isRunning: found.isRunning,
          meanings: Object.fromEntries(names.map((name) => [name, shownMeaning(name)])),
          series: found.series.map((one) => ({
            name: one.name,
            labels: one.labels,
            points: one.points.map((point) => point && shownPoint(one, point)),
          })),
        };
      },
    }),
    endpoint({
      tag: "server",
      command: "stats",
      method: "GET",
      path: "/traffic",
      summary: "What was asked for by repository and what it took, for who may read every one",
      access: ofReaders,
      query: z.object(spanQuery),
      status: 200,
      result: TrafficShape,
      async run({ query, grant }) {
        for (const { name } of repositories) permit(grant, name, "read", null);
        const found = await series({
          ...spanOf(query),
          names: trafficSeries,
          repository: query.repository,
        });
        return { from: time(found.from), to: time(found.to), repositories: trafficOf(found) };
      },
    }),
    endpoint({
      tag: "server",
      method: "GET",
      path: "/disk/forecast",
      summary: "How the disk grows, and when it is full",
      access: ofServer,
      status: 200,
      result: ForecastShape,
      async run() {
        const { full, ...told } = await forecast();
        return {
          ...told,
          full: { early: time(full.early), likely: time(full.likely), late: time(full.late) },
        };
      },
    }),
  ];
}

function namesOf(text: string | undefined): readonly SeriesName[] {
  if (text === undefined) return seriesNames;
  const names = text.split(",");
  const wrong = names.find((name) => !Object.hasOwn(seriesMeanings, name));
  if (wrong !== undefined)
    throw new WrongFields([
      {
        field: "query.names",
        detail: `there is no series ${JSON.stringify(wrong)}; there are ${seriesNames.join(", ")}`,
      },
    ]);
  return names as SeriesName[];
}

function shownMeaning(name: SeriesName) {
  const { kind, unit, help } = meaningOf(name);
  return { kind, unit, help };
}

function shownPoint({ name }: Series, point: SeriesPoint) {
  const { sum, count, max } = point;
  const { kind } = meaningOf(name);
  if (kind === "counter") return { sum, max };
  if (kind === "gauge") return { mean: ofGauge(point), max };
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((part) => quantile(point, part));
  return { count, mean: count === 0 ? null : sum / count, max, p50, p95, p99 };
}
