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

export interface Metrics {
  counter(name: string, help: string): { add(labels: Labels, by?: number): void };
  /** `read` is called on each scrape. */
  gauge(
    name: string,
    help: string,
    read: () => Promise<[Labels, number][]> | [Labels, number][],
  ): void;
  /** In seconds. */
  histogram(name: string, help: string): { observe(labels: Labels, seconds: number): void };
  /** The page that Prometheus scrapes. */
  render(): Promise<string>;
}

export function createMetrics(): Metrics {
  const families = new Map<string, Family & { refresh?: () => Promise<void> }>();
  return {
    counter(name, help) {
      const values = new Map<string, number>();
      families.set(name, {
        type: "counter",
        help,
        *lines() {
          for (const [key, value] of values) yield `${key} ${value}`;
        },
      });
      return {
        add(labels, by = 1) {
          const key = series(name, labels);
          values.set(key, (values.get(key) ?? 0) + by);
        },
      };
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
      const values = new Map<
        string,
        { labels: Labels; counts: number[]; sum: number; count: number }
      >();
      families.set(name, {
        type: "histogram",
        help,
        *lines() {
          for (const { labels, counts, sum, count } of values.values()) {
            for (const [at, bound] of BUCKETS.entries())
              yield `${series(`${name}_bucket`, labels, `le="${bound}"`)} ${counts[at]}`;
            yield `${series(`${name}_bucket`, labels, 'le="+Inf"')} ${count}`;
            yield `${series(`${name}_sum`, labels)} ${sum}`;
            yield `${series(`${name}_count`, labels)} ${count}`;
          }
        },
      });
      return {
        observe(labels, seconds) {
          const key = series("", labels);
          let entry = values.get(key);
          if (!entry) {
            entry = { labels, counts: BUCKETS.map(() => 0), sum: 0, count: 0 };
            values.set(key, entry);
          }
          entry.sum += seconds;
          entry.count += 1;
          for (const [at, bound] of BUCKETS.entries()) if (seconds <= bound) entry.counts[at]! += 1;
        },
      };
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
