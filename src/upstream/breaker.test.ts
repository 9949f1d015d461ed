import { expect, test } from "bun:test";
import { createLog } from "../core/log.ts";
import { createBreaker, type Found } from "./breaker.ts";

/** `knows`: whether there is something that it is known to have. What a probe finds is settled by the test. */
function setUp(knows = true) {
  const clock = { ms: 1_000_000 };
  const lines: string[] = [];
  const asked: { beside: string[] | null; found(found: Found): Promise<void> }[] = [];
  const ask = (beside: string[] | null) => {
    const { promise, resolve } = Promise.withResolvers<Found>();
    asked.push({
      beside,
      async found(found) {
        resolve(found);
        for (let turn = 0; turn < 5; turn++) await Promise.resolve();
      },
    });
    return promise;
  };
  const breaker = createBreaker({
    host: "registry.example.test",
    repository: "npm",
    log: createLog("json", (line) => lines.push(line)),
    now: () => clock.ms,
    probe: (nth) => (knows && nth % 2 === 0 ? ask(null) : null),
    askBeside: (urls) => ask([...urls].sort()),
  });
  const levels = () => lines.map((line) => JSON.parse(line).level);
  /** Failed, and given up. */
  const fail = (url: string, isSilent = false) => {
    const attempt = breaker.enter(url);
    attempt.failed("timed out");
    attempt.lasted("timed out", isSilent);
  };
  const refuse = () => breaker.enter("a").failed("refused the connection", true);
  return { clock, breaker, levels, fail, refuse, asked };
}

test("one path that fails, however often, stops nobody", () => {
  const { breaker, fail, asked } = setUp();
  for (let at = 0; at < 100; at++) fail("a", at % 2 === 0);
  fail("b");
  expect(breaker.state()).toBe("closed");
  expect(asked).toEqual([]);
});

test("three paths that fail raise a suspicion: it opens when what it is known to have fails too", async () => {
  const { breaker, fail, asked } = setUp();
  for (const url of ["a", "b", "c"]) fail(url);
  expect(asked.map(({ beside }) => beside)).toEqual([["a", "b", "c"]]);
  expect(breaker.state()).toBe("closed");
  expect(breaker.whyShut()).toBeNull();
  await asked[0]!.found("answered 502");
  expect(breaker.state()).toBe("open");
  expect(() => breaker.enter("d")).toThrow(
    "registry.example.test: answered 502; asked again in 1 s",
  );
  expect(breaker.whyShut()).toContain("answered 502");
});

test("a suspicion that does not come true is forgotten, and asked for once a second at most", async () => {
  const { breaker, clock, fail, asked } = setUp();
  for (let at = 0; at < 50; at++) fail(`a${at}`);
  expect(asked).toHaveLength(1);
  await asked[0]!.found(null);
  for (let at = 0; at < 50; at++) fail(`b${at}`);
  expect(asked).toHaveLength(1);
  clock.ms += 1_000;
  fail("c");
  expect(asked).toHaveLength(2);
  await asked[1]!.found(null);
  expect(breaker.state()).toBe("closed");
});

test("an answer in between starts the count again, and so does one while a suspicion is looked into", async () => {
  const { breaker, fail, asked } = setUp();
  for (const url of ["a", "b"]) fail(url);
  breaker.enter("good").answered();
  for (const url of ["c", "d"]) fail(url);
  expect(asked).toEqual([]);
  fail("e");
  breaker.enter("good").answered();
  await asked[0]!.found("answered 503");
  expect(breaker.state()).toBe("closed");
});

test("what failed while others were answered counts as a bad path only", () => {
  const { breaker, asked } = setUp();
  const slow = ["a", "b", "c", "d"].map((url) => breaker.enter(url));
  breaker.enter("good").answered();
  for (const attempt of slow) attempt.lasted("did not answer within 30 s", true);
  expect([breaker.state(), asked.length]).toEqual(["closed", 0]);
});

test("silence on three paths was waited for long enough: it opens without another question", () => {
  const { breaker, fail, asked } = setUp();
  for (const url of ["a", "b", "c"]) fail(url, true);
  expect([breaker.state(), asked.length]).toEqual(["open", 0]);
});

test("what fails but is tried again does not count", () => {
  const { breaker, asked } = setUp();
  for (let at = 0; at < 10; at++) breaker.enter(`a${at}`).failed("answered 503");
  expect([breaker.state(), asked.length]).toEqual(["closed", 0]);
});

test("a refused connection opens it at once", () => {
  const { breaker, refuse } = setUp();
  refuse();
  expect(breaker.state()).toBe("open");
});

test("one probe at a time is let through after the backoff, and closes it by an answer", () => {
  const { breaker, clock, levels, refuse } = setUp(false);
  refuse();
  clock.ms += 999;
  expect(() => breaker.enter("a")).toThrow();
  clock.ms += 1;
  expect(breaker.whyShut()).toBeNull();
  const probe = breaker.enter("a");
  expect(breaker.state()).toBe("half-open");
  expect(() => breaker.enter("b")).toThrow("being asked again just now");
  probe.answered();
  expect(breaker.state()).toBe("closed");
  expect(breaker.whyShut()).toBeNull();
  expect(levels()).toEqual(["warn", "info"]);
});

test("what it is known to have is asked for before anything else, so that a bad path does not keep it open", async () => {
  const { breaker, clock, refuse, asked } = setUp();
  refuse();
  await breaker.probe();
  expect(asked).toEqual([]); // not due
  clock.ms += 1_000;
  const probed = breaker.probe();
  expect(breaker.state()).toBe("half-open");
  expect(() => breaker.enter("bad")).toThrow("being asked again just now");
  await asked[0]!.found(null);
  await probed;
  expect(breaker.state()).toBe("closed");
  breaker.enter("bad").failed("answered 500");
  expect(breaker.state()).toBe("closed");
});

test("where that has gone bad itself, the next request is the probe", async () => {
  const { breaker, clock, refuse, asked } = setUp();
  refuse();
  clock.ms += 1_000;
  const probed = breaker.probe();
  await asked[0]!.found("answered 500");
  await probed;
  expect(breaker.whyShut()).toContain("answered 500; asked again in 2 s");
  clock.ms += 2_000;
  await breaker.probe();
  breaker.enter("other").answered();
  expect(breaker.state()).toBe("closed");
});

test("a probe that could not be made leaves its place to the next request", async () => {
  const { breaker, clock, refuse, asked } = setUp();
  refuse();
  clock.ms += 1_000;
  const probed = breaker.probe();
  await asked[0]!.found(undefined);
  await probed;
  expect([breaker.state(), breaker.whyShut()]).toEqual(["open", null]);
});

test("failed probes double the backoff up to 30 s, are logged once, and a whole answer resets it", () => {
  const { breaker, clock, levels, refuse } = setUp(false);
  refuse();
  const waits: number[] = [];
  for (let probe = 0; probe < 7; probe++) {
    let waited = 0;
    while (breaker.whyShut()) {
      clock.ms += 1_000;
      waited += 1;
    }
    waits.push(waited);
    breaker.enter("a").failed("timed out");
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 30, 30]);
  expect(levels()).toEqual(["warn"]);

  clock.ms += 30_000;
  const probe = breaker.enter("a");
  probe.answered();
  probe.succeeded();
  refuse();
  clock.ms += 1_000;
  expect(breaker.whyShut()).toBeNull();
});

test("what began before it opened changes nothing afterwards", () => {
  const { breaker, clock, refuse } = setUp(false);
  const slow = breaker.enter("a");
  const late = breaker.enter("b");
  refuse();
  slow.answered();
  slow.succeeded();
  expect(breaker.state()).toBe("open");
  late.failed("refused the connection", true);
  late.lasted("reset");
  clock.ms += 1_000;
  expect(breaker.whyShut()).toBeNull();
});

test("an abandoned probe leaves its place to the next request", () => {
  const { breaker, clock, refuse } = setUp(false);
  refuse();
  clock.ms += 1_000;
  breaker.enter("a").abandoned();
  expect(breaker.state()).toBe("open");
  breaker.enter("a").answered();
  expect(breaker.state()).toBe("closed");
});
