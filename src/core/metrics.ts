// Counters, gauges and histograms in the Prometheus text format. Labels never hold package names.
import { Problem } from "./problem.ts";
import { within } from "./within.ts";

/** In place of how the cache answered: that the server is not ready, to who asked just that. */
export const NOT_READY = "not-ready";

export type Labels = Record<string, string>;

const escapeLabel = (value: string) =>
  value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");

function series(name: string, labels: Labels, extra = ""): string {
  const text = Object.entries(labels).map(([key, value]) => `${key}="${escapeLabel(value)}"`);
  if (extra) text.push(extra);
  return text.length ? `${name}{${text.join(",")}}` : name;
}

/**
 * Upper limits of the buckets of every histogram, in seconds. The same for all and for ever, so that histograms are added up bucket by bucket: a change
 * takes a migration of what `series/` keeps.
 */
export const BUCKETS = [
  ...[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05],
  ...[0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
];

/** One series of a family as it is now: what its page says of it, for readers that reckon with it. */
export interface Reading {
  labels: Labels;
  /** Of a histogram the seconds, added up. */
  value: number;
  histogram?: HistogramReading;
}

export interface HistogramReading {
  /** How many there were up to each of `BUCKETS`, and beyond the last. Not added up. */
  counts: readonly number[];
  /** The highest since `restart` was called last. */
  peak: number;
  restart(): void;
}

/** A family and its series, as they are now. */
export interface Figures {
  name: string;
  type: "counter" | "gauge" | "histogram";
  help: string;
  /** Of a gauge: where a server has several processes it is what all of them have together. */
  addsUp: boolean;
  series: Reading[];
}

interface Family extends Pick<Figures, "type" | "help" | "addsUp"> {
  read(): Reading[] | Promise<Reading[]>;
}

/** One series of a counter or histogram, looked up once by those who use it on every request. */
export interface Counter {
  add(by?: number): void;
}
export interface Histogram {
  observe(seconds: number): void;
}

export interface Metrics {
  counter(
    name: string,
    help: string,
  ): { add(labels: Labels, by?: number): void; of(labels: Labels): Counter };
  /** `read` is called on each scrape; where it throws a Problem, or takes longer than two seconds, there is no series of it. `addsUp`: see `Figures`. */
  gauge(
    name: string,
    help: string,
    read: () => Promise<[Labels, number][]> | [Labels, number][],
    how?: { addsUp: boolean },
  ): void;
  /** In seconds. */
  histogram(
    name: string,
    help: string,
  ): { observe(labels: Labels, seconds: number): void; of(labels: Labels): Histogram };
  /** The series of one family; none where there is no such family. */
  read(name: string): Promise<Reading[]>;
  /** All families; of gauges only those that are wanted. */
  figures(wantsGauge?: (gauge: { addsUp: boolean }) => boolean): Promise<Figures[]>;
  /** The page that Prometheus scrapes. */
  render(): Promise<string>;
}

export function createMetrics(): Metrics {
  const families = new Map<string, Family>();

  async function figures(wantsGauge: (gauge: { addsUp: boolean }) => boolean = () => true) {
    const wanted = [...families].filter(
      ([, { type, addsUp }]) => type !== "gauge" || wantsGauge({ addsUp }),
    );
    return Promise.all(
      wanted.map(async ([name, { type, help, addsUp, read }]): Promise<Figures> => {
        return { name, type, help, addsUp, series: await read() };
      }),
    );
  }

  return {
    counter(name, help) {
      const values = new Map<string, Reading & Counter>();
      families.set(name, {
        type: "counter",
        help,
        addsUp: true,
        read: () => [...values.values()],
      });
      function of(labels: Labels): Counter {
        const key = series(name, labels);
        let counter = values.get(key);
        if (!counter) {
          counter = {
            labels,
            value: 0,
            add(by = 1) {
              this.value += by;
            },
          };
          values.set(key, counter);
        }
        return counter;
      }
      return { of, add: (labels, by) => of(labels).add(by) };
    },
    gauge(name, help, read, { addsUp } = { addsUp: false }) {
      families.set(name, {
        type: "gauge",
        help,
        addsUp,
        // What one of them asks may be away, which the others are to tell of.
        read: async () => {
          const known = await within(GAUGE_MS, (async () => read())(), () => []).catch((error) => {
            if (error instanceof Problem) return [];
            throw error;
          });
          return known.map(([labels, value]) => ({ labels, value }));
        },
      });
    },
    histogram(name, help) {
      const values = new Map<string, ReturnType<typeof createHistogram>>();
      families.set(name, {
        type: "histogram",
        help,
        addsUp: true,
        read: () => [...values.values()].map((one) => one.read()),
      });
      function of(labels: Labels): Histogram {
        const key = series("", labels);
        let histogram = values.get(key);
        if (!histogram) {
          histogram = createHistogram(labels);
          values.set(key, histogram);
        }
        return histogram;
      }
      return { of, observe: (labels, seconds) => of(labels).observe(seconds) };
    },
    read: async (name) => (await families.get(name)?.read()) ?? [],
    figures,
    render: async () => pageOf(await figures()),
  };
}

/** In the Prometheus text format. */
export function pageOf(families: readonly Figures[]): string {
  const out: string[] = [];
  for (const { name, type, help, series } of families) {
    out.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const one of series) out.push(...linesOf(name, one));
  }
  return `${out.join("\n")}\n`;
}

function* linesOf(name: string, { labels, value, histogram }: Reading): Iterable<string> {
  if (!histogram) {
    yield `${series(name, labels)} ${value}`;
    return;
  }
  let below = 0;
  for (const [at, count] of histogram.counts.entries()) {
    below += count;
    yield `${series(`${name}_bucket`, labels, `le="${BUCKETS[at] ?? "+Inf"}"`)} ${below}`;
  }
  yield `${series(`${name}_sum`, labels)} ${value}`;
  yield `${series(`${name}_count`, labels)} ${below}`;
}

function createHistogram(labels: Labels): Histogram & { read(): Reading } {
  const counts = new Array<number>(BUCKETS.length + 1).fill(0);
  let sum = 0;
  let peak = 0;
  const restart = () => {
    peak = 0;
  };
  return {
    read: () => ({ labels, value: sum, histogram: { counts: [...counts], peak, restart } }),
    observe(seconds) {
      sum += seconds;
      if (seconds > peak) peak = seconds;
      let at = 0;
      while (at < BUCKETS.length && seconds > BUCKETS[at]!) at += 1;
      counts[at]! += 1;
    },
  };
}

/** A series over all its labels' orders. */
const keyOf = (labels: Labels) => JSON.stringify(Object.entries(labels).sort());

/** What several processes counted, as one: gauges that do not add up are the first one's. */
export function added(
  first: readonly Figures[],
  others: readonly (readonly Figures[])[],
): Figures[] {
  const families = new Map(first.map((family) => [family.name, family]));
  for (const family of others.flat()) {
    const known = families.get(family.name);
    if (!family.addsUp) continue;
    const series = new Map((known?.series ?? []).map((one) => [keyOf(one.labels), one]));
    for (const one of family.series) {
      const key = keyOf(one.labels);
      const before = series.get(key);
      series.set(key, before ? sumOf(before, one) : one);
    }
    families.set(family.name, { ...family, series: [...series.values()] });
  }
  return [...families.values()];
}

function sumOf(one: Reading, other: Reading): Reading {
  const sum = { labels: one.labels, value: one.value + other.value };
  const [a, b] = [one.histogram, other.histogram];
  if (!a || !b) return sum;
  const counts = a.counts.map((count, at) => count + b.counts[at]!);
  const restart = () => {
    a.restart();
    b.restart();
  };
  return { ...sum, histogram: { counts, peak: Math.max(a.peak, b.peak), restart } };
}

/** Who scrapes waits ten seconds for the page, and gets nothing of it then. */
const GAUGE_MS = 2_000;
