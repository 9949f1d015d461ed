// Counters, gauges and histograms in the Prometheus text format. Labels never hold package names.

type Labels = Record<string, string>;

const escapeLabel = (value: string) =>
  value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");

function series(name: string, labels: Labels, extra = ""): string {
  const text = Object.entries(labels).map(([key, value]) => `${key}="${escapeLabel(value)}"`);
  if (extra) text.push(extra);
  return text.length ? `${name}{${text.join(",")}}` : name;
}

const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

interface Family {
  type: "counter" | "gauge" | "histogram";
  help: string;
  lines(): Iterable<string>;
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
  /** The page that Prometheus scrapes. */
  render(): Promise<string>;
}

export function createMetrics(): Metrics {
  const families = new Map<string, Family & { refresh?: () => Promise<void> }>();
  return {
    counter(name, help) {
      const values = new Map<string, { value: number; add(by?: number): void }>();
      families.set(name, {
        type: "counter",
        help,
        *lines() {
          for (const [key, { value }] of values) yield `${key} ${value}`;
        },
      });
      function of(labels: Labels): Counter {
        const key = series(name, labels);
        let counter = values.get(key);
        if (!counter) {
          counter = {
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
      });
    },
    histogram(name, help) {
      const values = new Map<string, Histogram & { lines(): Iterable<string> }>();
      families.set(name, {
        type: "histogram",
        help,
        *lines() {
          for (const one of values.values()) yield* one.lines();
        },
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

function createHistogram(name: string, labels: Labels): Histogram & { lines(): Iterable<string> } {
  const counts = new Array<number>(BUCKETS.length + 1).fill(0);
  let sum = 0;
  return {
    observe(seconds) {
      sum += seconds;
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
