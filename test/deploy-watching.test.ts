// The alert rules and the dashboard of deploy/ ask for metrics, and labels of them, that a running server really shows.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { startServer, type TestServer } from "./support/server.ts";
import { dashboardExpressions, ruleExpressions } from "./support/watching.ts";

let upstream: FakeUpstream;
let server: TestServer;
/** By family: the names of its labels; none where it has no series yet. */
let families: Map<string, Set<string>>;
beforeAll(async () => {
  upstream = await startUpstream();
  server = await startServer(upstream);
  for (const path of ["/npm/kelp", "/npm/kelp/-/kelp-1.0.0.tgz", "/npm/none-such"])
    await (await fetch(server.url + path)).arrayBuffer();
  const page = await (await fetch(`${server.url}/-/metrics`)).text();
  families = familiesOf(page);
});
afterAll(async () => {
  await server.stop();
  await upstream.stop();
});

function familiesOf(page: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  let type = "";
  let name = "";
  for (const line of page.split("\n")) {
    const head = /^# TYPE (\w+) (\w+)$/.exec(line);
    if (head) {
      [name, type] = [head[1]!, head[2]!];
      const parts = type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
      for (const part of parts) found.set(name + part, new Set());
    }
    const series = /^(\w+)(?:\{(.*)\})? /.exec(line);
    if (!series) continue;
    for (const [, label] of (series[2] ?? "").matchAll(/(\w+)="/g))
      found.get(series[1]!)?.add(label!);
  }
  return found;
}

/** What Prometheus itself adds. */
const ADDED = ["job", "instance"];
const OWN = ["up"];

for (const [what, asked] of [
  ["rules", ruleExpressions()],
  ["dashboard", dashboardExpressions()],
] as const)
  describe(`the ${what}`, () => {
    test("there are some", () => expect(asked.length).toBeGreaterThan(8));
    for (const [nth, { where, expr }] of asked.entries())
      test(`${where}, ${nth}`, () => {
        const selectors = [...expr.matchAll(/\b(holdfast_\w+|up)\b(?:\{([^}]*)\})?/g)];
        expect(selectors.length).toBeGreaterThan(0);
        for (const [, name = "", matchers = ""] of selectors) {
          if (OWN.includes(name)) continue;
          expect([...families.keys()]).toContain(name);
          const labels = families.get(name)!;
          for (const [, label = ""] of matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g))
            if (labels.size > 0 && !ADDED.includes(label)) expect([...labels]).toContain(label);
        }
      });
  });

test("what the rules look for has the values that the server gives", async () => {
  const page = await (await fetch(`${server.url}/-/metrics`)).text();
  for (const level of ["error", "warn"])
    expect(page).toContain(`level="${level}",silenced="false"}`);
  for (const source of ["cache", "upstream"]) expect(page).toContain(`source="${source}"`);
});
