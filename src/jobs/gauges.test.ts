import { expect, test } from "bun:test";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import type { Gauge } from "../core/operation.ts";
import type { Repository } from "../core/repository.ts";
import { watchFormats } from "./gauges.ts";

const named = (name: string) => ({ name }) as Repository;
const age: Gauge = {
  name: "holdfast_toy_age_seconds",
  help: "How old.",
  async read({ name }) {
    if (name === "broken") throw new Error("no age");
    return [
      [{ suite: "a" }, 1],
      [{ suite: "b" }, name.length],
    ];
  },
};

test("each repository of a format has its series, and one that cannot be read takes none from the others", async () => {
  const lines: string[] = [];
  const metrics = createMetrics();
  const toy = { gauges: [age] };
  const all = ["deb", "broken", "other"].map((name) => ({ service: toy, repository: named(name) }));
  const log = createLog("json", (line) => lines.push(line));
  watchFormats(metrics, () => [...all, { service: {}, repository: named("plain") }], log)();
  expect(await metrics.render()).toBe(`# HELP holdfast_toy_age_seconds How old.
# TYPE holdfast_toy_age_seconds gauge
holdfast_toy_age_seconds{repository="deb",suite="a"} 1
holdfast_toy_age_seconds{repository="deb",suite="b"} 3
holdfast_toy_age_seconds{repository="other",suite="a"} 1
holdfast_toy_age_seconds{repository="other",suite="b"} 5
`);
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0]!)).toMatchObject({ level: "error", repository: "broken" });
});
