import { expect, test } from "bun:test";
import { createLog } from "../core/log.ts";
import { createBreaker } from "./breaker.ts";

function setUp() {
  const clock = { ms: 1_000_000 };
  const lines: string[] = [];
  const breaker = createBreaker({
    host: "registry.example.test",
    repository: "npm",
    log: createLog("json", (line) => lines.push(line)),
    now: () => clock.ms,
  });
  const levels = () => lines.map((line) => JSON.parse(line).level);
  const fail = (times: number) => {
    for (let at = 0; at < times; at++) breaker.enter().failed("timed out");
  };
  return { clock, breaker, levels, fail };
}

test("three consecutive failures open it, and a success between them starts the count again", () => {
  const { breaker, fail } = setUp();
  fail(2);
  breaker.enter().succeeded();
  fail(2);
  expect(breaker.state()).toBe("closed");
  fail(1);
  expect(breaker.state()).toBe("open");
  expect(() => breaker.enter()).toThrow("registry.example.test: timed out; asked again in 1 s");
  expect(breaker.refusal()).toContain("timed out");
});

test("headers without a whole body do not start the count again", () => {
  const { breaker } = setUp();
  for (let at = 0; at < 3; at++) {
    const attempt = breaker.enter();
    attempt.answered();
    attempt.failed("ended after 1 of 2 bytes");
  }
  expect(breaker.state()).toBe("open");
});

test("a refused connection opens it at once", () => {
  const { breaker } = setUp();
  breaker.enter().failed("refused the connection", true);
  expect(breaker.state()).toBe("open");
});

test("one probe at a time is let through after the backoff, and closes it by an answer", () => {
  const { breaker, clock, levels, fail } = setUp();
  fail(3);
  clock.ms += 999;
  expect(() => breaker.enter()).toThrow();
  clock.ms += 1;
  expect(breaker.refusal()).toBeNull();
  const probe = breaker.enter();
  expect(breaker.state()).toBe("half-open");
  expect(() => breaker.enter()).toThrow("being asked again just now");
  probe.answered();
  expect(breaker.state()).toBe("closed");
  expect(breaker.refusal()).toBeNull();
  expect(levels()).toEqual(["warn", "info"]);
});

test("failed probes double the backoff up to 30 s, are logged once, and a whole answer resets it", () => {
  const { breaker, clock, levels, fail } = setUp();
  fail(3);
  const waits: number[] = [];
  for (let probe = 0; probe < 7; probe++) {
    let waited = 0;
    while (breaker.refusal()) {
      clock.ms += 1_000;
      waited += 1;
    }
    waits.push(waited);
    breaker.enter().failed("timed out");
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 30, 30]);
  expect(levels()).toEqual(["warn"]);

  clock.ms += 30_000;
  breaker.enter().succeeded();
  fail(3);
  clock.ms += 1_000;
  expect(breaker.refusal()).toBeNull();
});

test("what began before it opened changes nothing afterwards", () => {
  const { breaker, clock } = setUp();
  const slow = breaker.enter();
  const late = breaker.enter();
  breaker.enter().failed("refused the connection", true);
  slow.succeeded();
  expect(breaker.state()).toBe("open");
  late.failed("reset");
  clock.ms += 1_000;
  expect(breaker.refusal()).toBeNull();
});

test("an abandoned probe leaves its place to the next request", () => {
  const { breaker, clock, fail } = setUp();
  fail(3);
  clock.ms += 1_000;
  breaker.enter().abandoned();
  expect(breaker.state()).toBe("open");
  breaker.enter().answered();
  expect(breaker.state()).toBe("closed");
});
