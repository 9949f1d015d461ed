// What passes between the processes of a server, without processes: channels in memory.
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../../test/support/temp.ts";
import { waitFor } from "../../../test/support/wait.ts";
import { createThrottle } from "../../auth/throttle.ts";
import type { Config } from "../../config/resolve.ts";
import { createLog } from "../../core/log.ts";
import { added, createMetrics, type Metrics } from "../../core/metrics.ts";
import { Problem } from "../../core/problem.ts";
import type { Change } from "../../store/changes.ts";
import { openTestDatabase } from "../../store/testkit.ts";
import { type Child, createFirst } from "./first.ts";
import { createLeaseTable, leasesOver } from "./leases.ts";
import { telling } from "./noted.ts";
import { shareOf } from "./share.ts";
import { createHearing, type FirstVerbs, type OtherVerbs, plain } from "./siblings.ts";
import { type Channel, createWire, type Handlers, type Wire } from "./wire.ts";

/** Two ends; what is sent is copied, as between processes. */
function channels(): [Channel, Channel] {
  const make = () => {
    const waiting: unknown[] = [];
    let heard: ((message: unknown) => void) | null = null;
    return {
      deliver(message: unknown) {
        const copy = structuredClone(message);
        queueMicrotask(() => (heard ? heard(copy) : waiting.push(copy)));
      },
      receive(listener: (message: unknown) => void) {
        heard = listener;
        for (const message of waiting.splice(0)) listener(message);
      },
    };
  };
  const [a, b] = [make(), make()];
  return [
    { send: b.deliver, receive: a.receive },
    { send: a.deliver, receive: b.receive },
  ];
}

const change: Change = { kind: "hosted", repository: "npm", key: "hull" };

test("questions are answered with what the other end says, and with its Problems; who is gone answers nothing", async () => {
  const [here, there] = channels();
  type Said = {
    double: { given: number; answer: number };
    refuse: { given: null; answer: unknown };
  };
  const wire = createWire<Record<never, never>, Said>(here, {});
  const silent = Promise.withResolvers<number>();
  createWire<Said, Record<never, never>>(there, {
    double: (given) => (given === 0 ? silent.promise : given * 2),
    refuse() {
      throw new Problem("conflict", "Not now");
    },
  });
  expect(await Promise.all([wire.ask("double", 2), wire.ask("double", 4)])).toEqual([4, 8]);
  await expect(wire.ask("refuse", null)).rejects.toMatchObject({
    kind: "conflict",
    message: "Not now",
  });
  const open = wire.ask("double", 0);
  wire.cut();
  await expect(open).rejects.toMatchObject({ kind: "unreachable" });
  await expect(wire.ask("double", 1)).rejects.toMatchObject({ kind: "unreachable" });
});

test("memory and pace that are for the server as a whole are dealt out to its processes", () => {
  const config = {
    processes: 4,
    cache: { memory: 1000 },
    requests: { memory: 10, silence: 1, time: 2 },
    repositories: [{ name: "npm", upstreams: [{ url: "a", maxRate: 7 }, { url: "b" }] }],
  } as unknown as Config;
  expect(shareOf(config)).toEqual({
    processes: 4,
    cache: { memory: 250 },
    requests: { memory: 3, silence: 1, time: 2 },
    repositories: [{ name: "npm", upstreams: [{ url: "a", maxRate: 2 }, { url: "b" }] }],
  } as unknown as Config);
  expect(shareOf({ ...config, processes: 1 }).cache.memory).toBe(1000);
});

test("a lease is one process's until it lets go as often as it took it, or ends", async () => {
  const table = createLeaseTable();
  const of = (process: number) =>
    leasesOver({
      take: (name) => table.take(process, name),
      share: (name) => table.share(process, name),
      isTaken: table.isTaken,
      isAwaited: table.isAwaited,
      tell: (name, text) => table.tell(process, name, text),
      listen: table.listen,
      release: (name) => table.release(process, name),
    });
  const [ours, theirs] = [of(1), of(2)];
  const [one, again] = [(await ours.take("x"))!, (await ours.take("x"))!];
  expect(await theirs.take("x")).toBeNull();
  await one.release();
  await one.release();
  expect([one.isHeld(), again.isHeld(), await theirs.take("x")]).toEqual([false, true, null]);
  await again.release();
  expect(await ours.isTaken("x")).toBe(false);
  expect(await theirs.take("x")).not.toBeNull();
  table.end(2);
  expect(await ours.take("x")).not.toBeNull();
  const [shared] = [await ours.share("y"), await theirs.share("y")];
  await shared.release();
  expect(await ours.isTaken("y")).toBe(true);
  const told = (await ours.take("z"))!;
  expect([await told.isAwaited(), await theirs.listen("z")]).toEqual([false, null]);
  expect([await told.isAwaited(), await told.tell("half of it")]).toEqual([true, true]);
  expect(await theirs.listen("z")).toBe("half of it");
  await told.release();
  expect([await told.tell("all of it"), await theirs.listen("z")]).toEqual([false, null]);
  expect(await (await theirs.take("z"))!.isAwaited()).toBe(false);
});

test("what a write notes is told once it is committed, and not what another one notes", async () => {
  const folder = tempFolder("noted");
  const database = await openTestDatabase(join(folder, "holdfast.db"));
  const told: string[] = [];
  const heard = Promise.withResolvers<void>();
  const between = telling(
    database,
    async ({ key }) => {
      told.push(key);
      await heard.promise;
    },
    async () => {},
  );
  const { news } = between;
  const note = (key: string) =>
    between.database.write(async (sql) => {
      await news.note(sql, { ...change, key });
      await sql`SELECT 1 AS one`;
      expect(told).not.toContain(key);
    });
  await Promise.all([note("a"), between.database.write(async () => {}), note("b")]);
  expect(told).toEqual(["a", "b"]);
  let isEverywhere = false;
  const everywhere = news.everywhere({ ...change, key: "b" }).then(() => {
    isEverywhere = true;
  });
  await Promise.resolve();
  expect(isEverywhere).toBe(false);
  heard.resolve();
  await everywhere;
  await news.everywhere({ ...change, key: "never noted" });
  await database.close();
  removeTemp(folder);
});

test("what is heard waits for who hears it, comes in its order, and again where it could not be taken in", async () => {
  const hearing = createHearing();
  const first = hearing.hear(change);
  const seen: unknown[] = [];
  let fails = 1;
  hearing.follow(async (changes) => {
    if (fails-- > 0) throw new Error("the database is busy");
    seen.push(changes);
  });
  await first;
  await hearing.hear(null);
  expect(seen).toEqual([[change], null]);
});

test("figures of several processes add up: counters, histograms, and gauges that are of a process", async () => {
  const make = async (of: (metrics: Metrics) => void) => {
    const metrics = createMetrics();
    of(metrics);
    return metrics.figures();
  };
  const one = await make((metrics) => {
    metrics.counter("a_total", "A.").add({ x: "1" }, 2);
    metrics.gauge("files", "F.", () => [[{}, 10]]);
    metrics.gauge("memory", "M.", () => [[{}, 100]], { addsUp: true });
    metrics.histogram("h_seconds", "H.").observe({}, 0.3);
  });
  const other = await make((metrics) => {
    metrics.counter("a_total", "A.").add({ x: "1" }, 3);
    metrics.counter("a_total", "A.");
    metrics.counter("b_total", "B.").add({ y: "2" }, 1);
    metrics.gauge("files", "F.", () => [[{}, 99]]);
    metrics.gauge("memory", "M.", () => [[{}, 50]], { addsUp: true });
    metrics.histogram("h_seconds", "H.").observe({}, 7);
  });
  const sum = new Map(added(one, [other]).map(({ name, series }) => [name, series]));
  expect(sum.get("files")).toEqual([{ labels: {}, value: 10 }]);
  expect(sum.get("memory")).toEqual([{ labels: {}, value: 150 }]);
  expect(sum.get("b_total")).toMatchObject([{ labels: { y: "2" }, value: 1 }]);
  const [h] = sum.get("h_seconds")!;
  expect(h!.value).toBeCloseTo(7.3);
  expect(h!.histogram!.peak).toBe(7);
  expect(h!.histogram!.counts.reduce((all, count) => all + count, 0)).toBe(2);
});

/** A first process whose others are in this one. */
function world() {
  const log: string[] = [];
  const ends: (() => void)[] = [];
  const others: { wire: Wire<FirstVerbs>; heard: unknown[]; end(how: string): void }[] = [];
  const swept: number[] = [];
  let handle: Partial<Handlers<OtherVerbs>> = {};
  const spawn = (): Child => {
    const [here, there] = channels();
    const ended = Promise.withResolvers<string>();
    const heard: unknown[] = [];
    const end = (how: string) => ended.resolve(how);
    const wire = createWire<OtherVerbs, FirstVerbs>(there, {
      begin: () => {},
      use: () => {},
      hear: (what) => void heard.push(what),
      guess: (guess) => void heard.push(guess),
      figures: () => [],
      restart: () => {},
      stop: () => end("stopped"),
      ...handle,
    });
    others.push({ wire, heard, end });
    ends.push(() => end("the test's end"));
    return { pid: others.length, channel: here, ended: ended.promise, kill: () => end("SIGKILL") };
  };
  const first = createFirst({
    count: 3,
    spawn,
    sweep: (pid) => swept.push(pid),
    log: createLog("json", (line) => log.push(JSON.parse(line).msg)),
    times: { pause: 1, longestPause: 1 },
  });
  const config = { listen: { host: "127.0.0.1", port: 0 }, repositories: [] } as unknown as Config;
  return {
    first,
    others,
    swept,
    log,
    handle: (handlers: Partial<Handlers<OtherVerbs>>) => {
      handle = handlers;
    },
    use: () => first.use(config, [{ host: "127.0.0.1", port: 4653 }]),
  };
}
type World = ReturnType<typeof world>;
let running: World | null = null;
afterEach(async () => {
  await running?.first.stop(0);
  running = null;
});

test("what one process changes all others hear, and who is told that it is known waits for that", async () => {
  running = world();
  const { first, others, use } = running;
  const own: unknown[] = [];
  first.follow(async (changes) => void own.push(...(changes ?? ["all"])));
  await use();
  await others[0]!.wire.ask("changed", change);
  expect([own, others[0]!.heard, others[1]!.heard]).toEqual([[change], [], [change]]);
});

test("who catches up has taken in what it was told before", async () => {
  running = world();
  const { first, others, use } = running;
  const taken: unknown[] = [];
  const taking = Promise.withResolvers<void>();
  first.follow(async (changes) => {
    await taking.promise;
    taken.push(...(changes ?? ["all"]));
  });
  await use();
  const database = await openTestDatabase(join(tempFolder("caught-up"), "holdfast.db"));
  const { news } = first.between(database);
  const told = others[0]!.wire.ask("changed", change);
  // As a process answers in order, the first one has been told by then.
  await others[0]!.wire.ask("isTaken", "");
  const caughtUp = news.catchUp().then(() => taken.slice());
  taking.resolve();
  expect(await caughtUp).toEqual([change]);
  await told;
  await database.close();
});

test("a process that ends has no leases, is started again, and all forget what it may have changed", async () => {
  running = world();
  const { first, others, swept, log, use } = running;
  const own: unknown[] = [];
  first.follow(async (changes) => void own.push(...(changes ?? ["all"])));
  await use();
  expect(await others[0]!.wire.ask("take", "job gc")).toBe(true);
  expect(await first.leases.take("job gc")).toBeNull();
  others[0]!.end("SIGKILL");
  await waitFor(
    () => others.length === 3 && log.filter((line) => line.includes("serves as well")).length === 3,
    () => log.join("\n"),
  );
  expect(log).toContain("Process 2 of the server has ended: SIGKILL");
  expect(await first.leases.take("job gc")).not.toBeNull();
  expect(swept).toEqual([1]);
  expect([own, others[1]!.heard]).toEqual([["all"], [null]]);
});

test("a process that cannot take a configuration in is started anew with it", async () => {
  running = world();
  const { others, log, handle, use } = running;
  handle({
    use() {
      throw new Error("its port is taken");
    },
  });
  await use();
  await use();
  await waitFor(
    () => log.filter((line) => line.includes("serves as well")).length === 4,
    () => log.join("\n"),
  );
  expect(others).toHaveLength(4);
  expect(log).toContain("Process 3 of the server starts anew: its port is taken");
});

test("who waits for a process to have heard waits no more when it has ended", async () => {
  running = world();
  const { first, others, handle, use } = running;
  first.follow(async () => {});
  handle({ hear: () => new Promise(() => {}) });
  await use();
  const told = others[0]!.wire.ask("changed", change);
  others[1]!.end("SIGKILL");
  expect(await told).toBeUndefined();
});

test("what others counted is kept when they end, and is one page with the first one's", async () => {
  running = world();
  const { first, others, log, handle, use } = running;
  const counted = createMetrics();
  counted.counter("a_total", "A.").add({}, 5);
  const figures = async () => plain(await counted.figures());
  handle({
    figures: (name) => figures().then((all) => all.filter((one) => !name || one.name === name)),
  });
  const own = createMetrics();
  own.counter("a_total", "A.").add({}, 1);
  const together = first.together(own);
  await use();
  expect(await together.read("a_total")).toMatchObject([{ value: 11 }]);
  expect(await together.render()).toContain("a_total 11\n");
  handle({});
  others[0]!.end("SIGKILL");
  await waitFor(
    () => log.filter((line) => line.includes("serves as well")).length === 3,
    () => log.join("\n"),
  );
  expect(await together.read("a_total")).toMatchObject([{ value: 11 }]);
});

test("who guesses passwords at one process is as slow at the others", async () => {
  running = world();
  const { first, others, use } = running;
  const throttle = first.shared(createThrottle(() => 1_000_000));
  await use();
  for (let guess = 0; guess < 3; guess += 1)
    others[0]!.wire.tell("guess", { outcome: "failed", account: "ann", address: "192.0.2.1" });
  await others[0]!.wire.ask("isTaken", "anything"); // after what was told before
  expect(() => throttle.check("ann", "192.0.2.1")).toThrow("Too many log-ins");
  expect(others[1]!.heard).toHaveLength(3);
  throttle.succeeded("ann", "192.0.2.1");
  await others[1]!.wire.ask("isTaken", "anything");
  expect(others[0]!.heard).toMatchObject([{ outcome: "succeeded" }]);
});
