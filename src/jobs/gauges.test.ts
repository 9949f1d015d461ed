import { expect, test } from "bun:test";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../test/support/temp.ts";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import type { Gauge } from "../core/operation.ts";
import type { Repository } from "../core/repository.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { watchFormats, watchLog } from "./gauges.ts";

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

test("how old the newest checkpoint of the log is, and what waits for the next one", async () => {
  const folder = tempFolder("gauges");
  const database = await openTestDatabase(join(folder, "holdfast.db"));
  const log = { size: () => 7, signed: null as number | null, signedAt: async () => log.signed };
  const metrics = createMetrics();
  watchLog(metrics, database, log, () => 90_000);
  const values = async () =>
    (await metrics.render()).split("\n").filter((line) => line.startsWith("holdfast"));
  expect(await values()).toEqual(["holdfast_log_leaves 7", "holdfast_log_waiting_rows 0"]);
  log.signed = 30_000;
  expect(await values()).toContain("holdfast_log_checkpoint_age_seconds 60");
  log.signed = 91_000; // by another clock
  expect(await values()).toContain("holdfast_log_checkpoint_age_seconds 0");
  await database.close();
  removeTemp(folder);
});
