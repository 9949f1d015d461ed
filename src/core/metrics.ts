// Counters, gauges and histograms in the Prometheus text format. Labels never hold package names.

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

interface Family {
  type: "counter" | "gauge" | "histogram";
  help: string;
  lines(): Iterable<string>;
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
  /** `read` is called on each scrape. */
  gauge(
    name: string,
    help: string,
    read: () => Promise<[Labels, number][]> | [Labels, number][],
  ): void;
  /** In seconds. */
  histogram(
    name: string,
    help: string,
  ): { observe(labels: Labels, seconds: number): void; of(labels: Labels): Histogram };
  /** The series of one family; none where there is no such family. */
  read(name: string): Promise<Reading[]>;
  /** The page that Prometheus scrapes. */
  render(): Promise<string>;
}

export function createMetrics(): Metrics {
  const families = new Map<string, Family & { refresh?: () => Promise<void> }>();
  return {
    counter(name, help) {
      const values = new Map<string, Reading & Counter>();
      families.set(name, {
        type: "counter",
        help,
        *lines() {
          for (const [key, { value }] of values) yield `${key} ${value}`;
        },
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
    gauge(name, help, read) {
      let current: [Labels, number][] = [];
      families.set(name, {
        type: "gauge",
        help,
        async refresh() {
          current = await read();
        },
        *lines() {
          for (const [labels, value] of current) yield `${series(name, labels)} ${value}`;
        },
        read: async () => (await read()).map(([labels, value]) => ({ labels, value })),
      });
    },
    histogram(name, help) {
      const values = new Map<string, ReturnType<typeof createHistogram>>();
      families.set(name, {
        type: "histogram",
        help,
        *lines() {
          for (const one of values.values()) yield* one.lines();
        },
        read: () => [...values.values()].map((one) => one.read()),
      });
      function of(labels: Labels): Histogram {
        const key = series("", labels);
        let histogram = values.get(key);
        if (!histogram) {
          histogram = createHistogram(name, labels);
          values.set(key, histogram);
        }
        return histogram;
      }
      return { of, observe: (labels, seconds) => of(labels).observe(seconds) };
    },
    read: async (name) => (await families.get(name)?.read()) ?? [],
    async render() {
      const out: string[] = [];
      for (const [name, family] of families) {
        await family.refresh?.();
        out.push(
          `# HELP ${name} ${family.help}`,
          `# TYPE ${name} ${family.type}`,
          ...family.lines(),
        );
      }
      return `${out.join("\n")}\n`;
    },
  };
}

function createHistogram(
  name: string,
  labels: Labels,
): Histogram & { lines(): Iterable<string>; read(): Reading } {
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
    *lines() {
      let below = 0;
      for (const [at, count] of counts.entries()) {
        below += count;
        yield `${series(`${name}_bucket`, labels, `le="${BUCKETS[at] ?? "+Inf"}"`)} ${below}`;
      }
      yield `${series(`${name}_sum`, labels)} ${sum}`;
      yield `${series(`${name}_count`, labels)} ${below}`;
    },
  };
}
