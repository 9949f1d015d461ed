import { afterEach, expect, test } from "bun:test";
import { answer, artifact, bytesOf, everything, openToy, request, sri } from "../cache/testkit.ts";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import type { CacheStatus } from "../core/reply.ts";
import { grantOf } from "../core/testkit.ts";
import { createAccessLog } from "../http/accesslog.ts";
import { watchStore } from "./gauges.ts";
import { createOverviews, createTally } from "./overview.ts";

let toy: Awaited<ReturnType<typeof openToy>>;
afterEach(() => toy.close());

const bytes = (file: string) => Buffer.from(`bytes of ${file}`);

async function open(): Promise<void> {
  toy = await openToy();
  const files = ["a.tgz", "b.tgz", "c.tgz"].map((file) => [file, sri(bytes(file))]);
  toy.upstream.behave = ({ path }) =>
    path === "thing"
      ? answer(200, JSON.stringify({ files: Object.fromEntries(files) }))
      : answer(200, bytes(path.slice("thing/".length)));
  for (const file of ["b.tgz", "a.tgz", "c.tgz"]) {
    await bytesOf(await toy.repository.artifact(artifact(file), request()));
    toy.clock.shift += 1000;
  }
}

const sources = [
  {
    name: "toy",
    offline: false,
    isHostedOnly: false,
    upstreams: () => [
      { host: "upstream.example.test", isAway: true, reason: "answered 502", answers: 0 },
    ],
  },
  { name: "empty", offline: true, isHostedOnly: false, upstreams: () => [] },
];

test("the overview has what is stored of each repository, and the newest files that the caller may read", async () => {
  await open();
  const now = () => toy.shared.now();
  const metrics = createMetrics();
  const log = createAccessLog(
    createLog("json", () => {}),
    metrics,
  );
  const served = (name: string | null, cache: CacheStatus | null) =>
    log.record({
      ...{ id: "1", method: "GET", path: "/", status: 200, bytes: 1, durationMs: 1, address: "" },
      ...{ repository: name, cache, reason: null, isUnhad: false, rule: null, cut: null },
    });
  served("toy", { hit: true });
  served("toy", { hit: true, detail: "unreachable" });
  served("toy", { hit: false, fwd: "uri-miss" });
  served(null, null);
  const overviews = createOverviews(sources, createTally(metrics, now), toy.database, now);
  const seen = await overviews.read(everything);
  expect(seen.repositories.get("toy")).toMatchObject({
    files: 3,
    bytes: 3 * bytes("a.tgz").length,
    away: ["upstream.example.test"],
    requests: 3,
    hits: 2,
  });
  expect(seen.repositories.get("empty")).toMatchObject({ files: 0, bytes: 0, offline: true });
  expect(seen.repositories.get("empty")).toMatchObject({ requests: 0, hits: 0 });
  expect(seen.newest.map(({ file }) => file)).toEqual(["c.tgz", "a.tgz", "b.tgz"]);
  expect((await overviews.read(grantOf("bob", () => false))).newest).toEqual([]);
});

test("indices and the like are not among the newest files: what clients ask for is", async () => {
  await open();
  const purl = "pkg:generic/dists/stable?checksum=sha256:1";
  await toy.database.write(
    (sql) => sql`UPDATE artifacts SET purl = ${purl} WHERE file = ${"c.tgz"}`,
  );
  const now = () => toy.shared.now();
  const tally = createTally(createMetrics(), now);
  const overviews = createOverviews(sources, tally, toy.database, now);
  const { newest } = await overviews.read(everything);
  expect(newest.map(({ file }) => file)).toEqual(["a.tgz", "b.tgz"]);
});

test("the metrics have the same totals", async () => {
  await open();
  const metrics = createMetrics();
  watchStore(metrics, toy.database, async () => ({ free: 12, total: 40 }));
  await toy.database.write(
    (sql) => sql`INSERT INTO withheld_told (repository, package, version, verdict, rule, told_at)
      VALUES ('toy', 'left', '1.0.0', 'hold', 'age', 1), ('toy', 'left', '1.0.1', 'hold', 'age', 1)`,
  );
  const text = await metrics.render();
  expect(text).toContain('holdfast_stored_files{repository="toy"} 3\n');
  expect(text).toContain(`holdfast_stored_bytes{repository="toy"} ${3 * bytes("a.tgz").length}\n`);
  expect(text).toContain("holdfast_disk_free_bytes 12\n");
  expect(text).toContain("holdfast_disk_used_bytes 28\n");
  expect(text).toContain('holdfast_withheld_releases{repository="toy",verdict="hold"} 2\n');
});
