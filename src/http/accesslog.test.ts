import { expect, test } from "bun:test";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import type { CacheStatus } from "../core/reply.ts";
import { origins } from "../series/origins.ts";
import { createAccessLog, outcome, type ServedRequest } from "./accesslog.ts";

const words: [cache: CacheStatus | null, want: string][] = [
  [null, "none"],
  [{ hit: true }, "hit"],
  [{ hit: true, detail: "offline" }, "stale"],
  [{ hit: false, fwd: "uri-miss", fwdStatus: 200 }, "miss"],
  [{ hit: false, fwd: "stale", fwdStatus: 304 }, "revalidated"],
  [{ hit: false, fwd: "stale", fwdStatus: 200 }, "refreshed"],
];
for (const [cache, want] of words)
  test(`outcome(${JSON.stringify(cache)}) is ${want}`, () => expect(outcome(cache)).toBe(want));

const request: ServedRequest = {
  id: "x-1",
  method: "GET",
  path: "/npm/left-pad",
  status: 200,
  repository: "npm",
  cache: { hit: true },
  bytes: 10,
  durationMs: 1.26,
  address: "192.0.2.7",
  reason: null,
  rule: null,
  cut: null,
};

async function record(...changes: Partial<ServedRequest>[]) {
  const lines: Record<string, unknown>[] = [];
  const metrics = createMetrics();
  const write = createAccessLog(
    createLog("json", (line) => lines.push(JSON.parse(line))),
    metrics,
  );
  for (const change of changes) write.record({ ...request, ...change });
  return { lines, page: await metrics.render() };
}

const levels: [change: Partial<ServedRequest>, level: string][] = [
  [{}, "info"],
  [{ status: 404 }, "info"],
  [{ status: 424 }, "warn"],
  [{ cut: "the bytes proved false" }, "warn"],
  [{ status: 500 }, "error"],
  [{ status: 503, repository: null, path: "/-/health/ready" }, "warn"],
  [{ status: 503, repository: null, path: "/" }, "error"],
];
for (const [change, level] of levels)
  test(`${JSON.stringify(change)} is logged as ${level}`, async () => {
    expect((await record(change)).lines).toMatchObject([{ level }]);
  });

test("that all is well is counted for who asks each second, and is no line", async () => {
  const well = { status: 200, repository: null, cache: null, path: "/-/health/live" };
  const { lines, page } = await record(well, { ...well, path: "/-/health" });
  expect(lines).toMatchObject([{ msg: "GET /-/health 200 none" }]);
  expect(page).toContain(`{repository="-",status="200",cache="none"} 2`);
});

test("that the server is not ready is counted apart: it is the answer, and no failure", async () => {
  const no = { status: 503, repository: null, cache: null, path: "/-/health/ready" };
  const { page } = await record(no, { ...no, path: "/" });
  expect(page).toContain(`{repository="-",status="503",cache="not-ready"} 1`);
  expect(page).toContain(`{repository="-",status="503",cache="none"} 1`);
  const { labels } = origins.find(({ name }) => name === "requests")!;
  const outcomes = ["not-ready", "none"].map(
    (cache) => labels({ repository: "-", status: "503", cache })!["outcome"],
  );
  expect(outcomes).toEqual(["none", "failed"]);
});

test("a line says what happened, and only what there is to say", async () => {
  const { lines } = await record({});
  const { time, ...rest } = lines[0]!;
  expect(Date.parse(String(time))).toBeGreaterThan(0);
  expect(rest).toEqual({
    level: "info",
    msg: "GET /npm/left-pad 200 hit",
    id: "x-1",
    repo: "npm",
    status: 200,
    cache: "hit",
    bytes: 10,
    duration_ms: 1.3,
    address: "192.0.2.7",
  });
});

test("figures by repository, status and outcome; refusals by rule; no name of a package in any", async () => {
  const { page } = await record(
    {},
    {},
    { cache: { hit: false, fwd: "uri-miss" }, bytes: 5 },
    { status: 404, cache: null, rule: "claims", reason: "claimed", bytes: 0 },
    { repository: null, status: 404, cache: null, path: "/left-pad", bytes: 0 },
  );
  for (const line of [
    'holdfast_requests_total{repository="npm",status="200",cache="hit"} 2',
    'holdfast_requests_total{repository="npm",status="200",cache="miss"} 1',
    'holdfast_requests_total{repository="-",status="404",cache="none"} 1',
    'holdfast_sent_bytes_total{repository="npm",source="cache"} 20',
    'holdfast_sent_bytes_total{repository="npm",source="upstream"} 5',
    'holdfast_refusals_total{repository="npm",rule="claims"} 1',
    'holdfast_request_seconds_count{repository="npm"} 4',
  ])
    expect(page).toContain(`${line}\n`);
  expect(page).not.toContain("left-pad");
});

test("a line stays a line, however long what the client sent is", async () => {
  const long = "x".repeat(100_000);
  const { lines } = await record({ path: `/${long}`, reason: long, address: long, cut: long });
  expect(JSON.stringify(lines[0]).length).toBeLessThan(4000);
});

test("requests that are alike have lines and figures like all others", async () => {
  const lines: Record<string, unknown>[] = [];
  const metrics = createMetrics();
  const log = createAccessLog(
    createLog("json", (line) => lines.push(JSON.parse(line))),
    metrics,
  );
  const again = log.alike(request);
  const changes: Partial<ServedRequest>[] = [{}, { id: "x-2", address: "a\n", durationMs: 8.04 }];
  for (const { id, durationMs, address } of changes.map((change) => ({ ...request, ...change })))
    again(id, durationMs, address);
  const each = await record(...changes);
  const without = (all: Record<string, unknown>[]) => all.map(({ time: _, ...rest }) => rest);
  expect(without(lines)).toEqual(without(each.lines));
  expect(await metrics.render()).toBe(each.page);
});
