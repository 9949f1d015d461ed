// Numbers over time, as they are kept (src/series) and read: by pages, the API and commands.

/** How a number is made: what was added up, what was seen, or how long things took. */
export type SeriesKind = "counter" | "gauge" | "histogram";

export interface SeriesMeaning {
  kind: SeriesKind;
  unit: "count" | "bytes" | "seconds";
  /** One sentence, for people. */
  help: string;
  /** Where nothing was written down while the server ran, it was not looked at. Else there was none. */
  isUnknownWhenAbsent?: true;
}

/** Every series there is. Each may have labels: `repository`, and what its sentence says. */
export const seriesMeanings = {
  requests: {
    kind: "counter",
    unit: "count",
    help: "Requests by `repository` (`-`: of none) and `outcome`: hit, miss, revalidated, refreshed, stale, none (nothing that is kept), not-modified (a 304: the client had it already), unavailable (424: nothing is stored, and no upstream can be asked), refused (any other 4xx), failed (5xx)",
  },
  sent: {
    kind: "counter",
    unit: "bytes",
    help: "Bytes of bodies sent to clients, by `repository` and `source`: cache, or upstream where they were fetched for that request",
  },
  fetched: {
    kind: "counter",
    unit: "bytes",
    help: "Bytes of bodies received from upstreams, by `repository` and `upstream`, whoever asked: clients, mirrors, or nobody",
  },
  latency: {
    kind: "histogram",
    unit: "seconds",
    help: "Time until a response was handed over or, for a stream, ended, by `repository`",
  },
  "upstream-latency": {
    kind: "histogram",
    unit: "seconds",
    help: "Time until an upstream's headers arrived, or until it failed, by `repository` and `upstream`",
  },
  "upstream-errors": {
    kind: "counter",
    unit: "count",
    help: "Requests to an upstream that failed or were answered with 429 or 5xx, by `repository` and `upstream`",
  },
  refusals: {
    kind: "counter",
    unit: "count",
    help: "Requests that a rule refused, by `repository` and `rule`",
  },
  events: { kind: "counter", unit: "count", help: "Events, by `repository` and `kind`" },
  withheld: {
    kind: "gauge",
    unit: "count",
    help: "Releases that clients asked about and policy withholds now, by `repository` and `verdict`: hold or block",
  },
  "stored-bytes": {
    kind: "gauge",
    unit: "bytes",
    help: "Bytes of stored artifacts, by `repository`",
  },
  "stored-files": { kind: "gauge", unit: "count", help: "Stored artifacts, by `repository`" },
  "disk-used": {
    kind: "gauge",
    unit: "bytes",
    help: "Used bytes of the disk of the data directory, whatever uses them",
    isUnknownWhenAbsent: true,
  },
  "disk-free": {
    kind: "gauge",
    unit: "bytes",
    help: "Free bytes of the disk of the data directory",
    isUnknownWhenAbsent: true,
  },
  memory: {
    kind: "gauge",
    unit: "bytes",
    help: "Resident memory of the process",
    isUnknownWhenAbsent: true,
  },
  "loop-lag": {
    kind: "histogram",
    unit: "seconds",
    help: "How late a clock of the process came, looked at each second: how long a request may have waited for its turn",
  },
} as const satisfies Record<string, SeriesMeaning>;

export type SeriesName = keyof typeof seriesMeanings;
export const seriesNames = Object.keys(seriesMeanings) as readonly SeriesName[];

export function meaningOf(name: SeriesName): SeriesMeaning {
  return seriesMeanings[name];
}

/** What was in one step of time. */
export interface SeriesPoint {
  /** Of a counter what was added; of a gauge what was seen, added up; of a histogram the seconds. */
  sum: number;
  /** Of a counter how many writes; of a gauge how often it was looked at; of a histogram how many there were. */
  count: number;
  /** The most at once: of a counter in one write (ten seconds), of the others the highest value. */
  max: number;
  /** Of a histogram: how many there were up to each of `BUCKETS` (core/metrics.ts), and beyond the last. Not added up. */
  buckets: readonly number[] | null;
}

export interface Series {
  name: SeriesName;
  labels: Readonly<Record<string, string>>;
  /** One for each step of the answer; null where the server did not run, or ran and knew nothing of it. */
  points: readonly (SeriesPoint | null)[];
}

export interface SeriesQuery {
  /** Milliseconds since the epoch. */
  from: number;
  to: number;
  names: readonly SeriesName[];
  /** Only what is about this one. */
  repository?: string | undefined;
  /** The least length of a step in milliseconds; a longer one is taken where the span would have more than 200, or where it is kept no finer. */
  step?: number | undefined;
}

export interface SeriesAnswer {
  /** The start of the first step, and the end of the last. */
  from: number;
  to: number;
  /** The last step is not over yet: of counters more is to come. */
  isRunning: boolean;
  /** Milliseconds. */
  step: number;
  series: readonly Series[];
}

export type ReadSeries = (query: SeriesQuery) => Promise<SeriesAnswer>;

/** Growth of the disk, and when it will be full. Median of the last 14 daily changes; `low` and `high` are their quartiles. */
export interface Forecast {
  /** Days of which the change to the day before is known, 14 at most. Under 3 nothing is said. */
  days: number;
  free: number;
  /** Bytes a day; null without enough days. */
  growth: { low: number; median: number; high: number } | null;
  /**
   * Milliseconds since the epoch; null for one that does not come at that growth, or not within ten years. `early` at the growth `high`, `late` at
   * `low`. All null without enough days.
   */
  full: { early: number | null; likely: number | null; late: number | null };
}
