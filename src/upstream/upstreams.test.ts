import { afterEach, expect, test } from "bun:test";
import { createMetrics } from "../core/metrics.ts";
import { offline } from "./offline.ts";
import { closeAll, failure, http, opened, putOut, serve, setUp, text } from "./testkit.ts";
import { createUpstream, createUpstreamMetrics } from "./upstreams.ts";

afterEach(closeAll);

const bad = async () => opened(await serve(() => http(503)));

test("the next one is asked when one is unreachable, and only then", async () => {
  const [first, second] = [await bad(), opened(await serve(() => http(200, "second")))];
  const { upstream } = setUp([{ url: first.url }, { url: second.url }]);
  const response = await upstream.fetch({ path: "a" });
  expect(response.upstream).toBe(`127.0.0.1:${second.port}`);
  expect(await text(response)).toBe("second");
  expect(first.heads).toHaveLength(1);
});

for (const status of [401, 403, 404, 410, 451])
  test(`${status} from the first is final`, async () => {
    const first = opened(await serve(() => http(status)));
    const second = opened(await serve(() => http(200)));
    const { upstream } = setUp([{ url: first.url }, { url: second.url }]);
    expect((await upstream.fetch({ path: "a" })).status).toBe(status);
    expect(second.heads).toEqual([]);
  });

for (const status of [400, 401, 403, 404, 410, 451])
  test(`${status} from the second says nothing while the first cannot be asked`, async () => {
    const first = await bad();
    const second = opened(await serve(() => http(status)));
    const third = opened(await serve(() => http(200)));
    const { upstream } = setUp([{ url: first.url }, { url: second.url }, { url: third.url }]);
    expect(await failure(upstream, { path: "a" })).toBe(
      `127.0.0.1:${first.port}: answered 503; 127.0.0.1:${second.port}: answered ${status}, which does not count while the one before it cannot be asked`,
    );
    expect(third.heads).toEqual([]);
  });

test("304 from the second counts: what is stored is still so", async () => {
  const [first, second] = [await bad(), opened(await serve(() => "HTTP/1.1 304 X\r\n\r\n"))];
  const { upstream } = setUp([{ url: first.url }, { url: second.url }]);
  expect((await upstream.fetch({ path: "a" })).status).toBe(304);
});

test("an open breaker costs nothing, and its probe is the first to be asked again", async () => {
  let healthy = false;
  const first = opened(await serve(() => (healthy ? http(200, "first") : http(503))));
  const second = opened(await serve(() => http(200, "second")));
  const { upstream, clock } = setUp([{ url: first.url }, { url: second.url }]);
  const states = () => upstream.states().map(({ state }) => state);
  for (const path of ["a", "b", "c"])
    expect(await text(await upstream.fetch({ path }))).toBe("second");
  while (states()[0] === "closed") await new Promise((done) => setTimeout(done, 5));
  const asked = first.heads.length;
  for (const path of ["a", "d"]) expect(await text(await upstream.fetch({ path }))).toBe("second");
  expect(first.heads).toHaveLength(asked);
  expect(states()).toEqual(["open", "closed"]);
  expect(upstream.unavailable()).toBeNull();
  healthy = true;
  clock.ms += 1_000;
  expect(await text(await upstream.fetch({ path: "d" }))).toBe("first");
});

test("when all are unreachable, all are named, and it is said without asking", async () => {
  const [first, second] = [await bad(), await bad()];
  const { upstream, clock } = setUp([{ url: first.url }, { url: second.url }]);
  expect(await failure(upstream, { path: "a" })).toBe(
    `127.0.0.1:${first.port}: answered 503; 127.0.0.1:${second.port}: answered 503`,
  );
  await putOut(upstream);
  expect(upstream.unavailable()).toBe("unreachable");
  clock.ms += 1_000;
  expect(upstream.unavailable()).toBeNull();
});

test("a path that leads astray is no reason to ask the next", async () => {
  const [first, second] = [await bad(), await bad()];
  const { upstream } = setUp([{ url: `${first.url}/a/` }, { url: second.url }]);
  await expect(upstream.fetch({ path: "a/../../b" })).rejects.toMatchObject({ kind: "malformed" });
  expect(second.heads).toEqual([]);
});

test("without upstreams nothing is reached", async () => {
  const { upstream } = setUp([]);
  expect(upstream.unavailable()).toBe("unreachable");
  expect(await failure(upstream, { path: "a" })).toBe("no upstream is configured");
});

test("repositories share one page of metrics", async () => {
  const server = opened(await serve(() => http(200, "x")));
  const metrics = createMetrics();
  const { deps } = setUp([]);
  const shared = createUpstreamMetrics(metrics);
  for (const repository of ["npm", "pypi"]) {
    const upstream = createUpstream([{ url: server.url, hosts: [] }], {
      ...deps,
      metrics: shared,
      repository,
    });
    await text(await upstream.fetch({ path: "a" }));
  }
  const page = await metrics.render();
  const label = `upstream="127.0.0.1:${server.port}"`;
  for (const repository of ["npm", "pypi"])
    expect(page).toContain(
      `holdfast_upstream_breaker_state{repository="${repository}",${label}} 0`,
    );
});

test("offline never asks", async () => {
  expect(offline().unavailable()).toBe("offline");
  await expect(offline().fetch({ path: "a" })).rejects.toMatchObject({ kind: "offline" });
});
