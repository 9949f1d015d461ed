// What the server was asked for over time, as charts and as the figures of the same span. What a number counts stands beside it.

import type { Series, SeriesAnswer, SeriesName } from "../../core/series.ts";
import { chartPoints, ofCounter, quantile, type SeriesValue } from "../../core/series-reading.ts";
import { humanSize } from "../../core/size.ts";
import { byteHitRate, hitRate, trafficOf, trafficSeries } from "../../core/traffic.ts";
import { type Chart, chart } from "../chart.ts";
import { figure } from "../figures.ts";
import { html, type Part, raw } from "../frame/html.ts";
import { number } from "../frame/text.ts";
import { figures, tabs } from "../frame/ui.ts";
import type { Visit } from "./visit.ts";

const HOUR_MS = 3_600_000;
/** As long as each step is kept. */
const RANGES: Readonly<Record<string, { text: string; ms: number }>> = {
  "48h": { text: "48 hours", ms: 48 * HOUR_MS },
  "14d": { text: "14 days", ms: 14 * 24 * HOUR_MS },
  "2y": { text: "2 years", ms: 730 * 24 * HOUR_MS },
};

export async function traffic(visit: Visit): Promise<Part> {
  const asked = visit.query.get("range") ?? "";
  const range = Object.hasOwn(RANGES, asked) ? asked : "48h";
  const { ms, text } = RANGES[range]!;
  const answer = await visit.series({ from: visit.now - ms, to: visit.now, names: trafficSeries });
  const all = trafficOf(answer).at(-1)!;
  return html`<h2 id="traffic">Traffic</h2>${tabs(
    "Span",
    Object.entries(RANGES).map(([name, one]) => ({
      path: `/-/operator?range=${name}#traffic`,
      text: one.text,
      isHere: name === range,
    })),
  )}
${figures([
  {
    name: "Requests",
    value: number(all.requests),
    hint: `In ${text}; ${number(all.failed)} failed here`,
  },
  {
    name: "Hit rate",
    value: figure(hitRate(all), "share"),
    hint: "Of requests that the store or an upstream answered, those that the store did",
  },
  {
    name: "Hit rate by bytes",
    value: figure(byteHitRate(all), "share"),
    hint: "Of bytes sent, those out of the store",
  },
  {
    name: "Bytes saved",
    value: all.savedBytes < 0 ? `−${humanSize(-all.savedBytes)}` : humanSize(all.savedBytes),
    hint: "Sent to clients, less fetched from upstreams. A mirror's run lowers it",
  },
  {
    name: "Latency",
    value: `${figure(all.p50, "seconds")} · ${figure(all.p95, "seconds")}`,
    hint: "p50 · p95, until a response was handed over",
  },
])}
<div class="charts">${charts(answer).map((one) => raw(chart(one)))}</div>`;
}

function charts(answer: SeriesAnswer): Chart[] {
  const { from, to, series } = answer;
  const span = { from, to };
  const of = (name: SeriesName, label?: string, ...values: string[]) =>
    series.filter(
      (one) => one.name === name && (!label || values.includes(one.labels[label] ?? "")),
    );
  const counted = (some: readonly Series[]) => chartPoints(answer, some, ofCounter);
  const hits = counted(of("requests", "outcome", "hit", "stale"));
  const misses = counted(of("requests", "outcome", "miss", "revalidated", "refreshed"));
  const sent = counted(of("sent"));
  const stored = counted(of("sent", "source", "cache"));
  const fetched = counted(of("fetched"));
  const took = (part: number) =>
    chartPoints(answer, of("latency"), (point) => quantile(point, part));
  return [
    {
      ...span,
      id: "hit-rate",
      title: "Hit rate",
      unit: "share",
      atLeast: 1,
      about: "Answered out of the store, without an upstream",
      lines: [
        { label: "by requests", points: both(hits, misses, (a, b) => share(a, a + b)) },
        { label: "by bytes", points: both(stored, sent, share) },
      ],
    },
    {
      ...span,
      id: "bytes",
      title: "Bytes",
      unit: "bytes",
      about: "Saved are those sent to clients less those fetched from upstreams, by whoever asked",
      lines: [
        { label: "sent", points: sent },
        { label: "fetched", points: fetched },
        { label: "saved", points: both(sent, fetched, (a, b) => a - b) },
      ],
    },
    {
      ...span,
      id: "latency",
      title: "Latency",
      unit: "seconds",
      about: "Until a response was handed over, or a stream ended",
      lines: [
        { label: "p50", points: took(0.5) },
        { label: "p95", points: took(0.95) },
        { label: "p99", points: took(0.99) },
      ],
    },
    {
      ...span,
      id: "requests",
      title: "Requests",
      unit: "count",
      lines: [
        { label: "all", points: counted(of("requests")) },
        { label: "refused", points: counted(of("requests", "outcome", "refused")) },
        {
          label: "unavailable or failed",
          points: counted(of("requests", "outcome", "unavailable", "failed")),
        },
      ],
    },
  ];
}

/** Of each step; where one of the two knows nothing there was none of it. */
function both(
  one: readonly SeriesValue[],
  other: readonly SeriesValue[],
  make: (a: number, b: number) => number | null,
): SeriesValue[] {
  const longer = one.length >= other.length ? one : other;
  return longer.map(([at], nth) => {
    const [a, b] = [one[nth]?.[1] ?? null, other[nth]?.[1] ?? null];
    return [at, a === null && b === null ? null : make(a ?? 0, b ?? 0)];
  });
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
