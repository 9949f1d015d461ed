import { expect, test } from "bun:test";
import { createLog } from "../core/log.ts";
import type { Operation, OperationCall, RunOperation } from "../core/operation.ts";
import { Problem } from "../core/problem.ts";
import type { Repository } from "../core/repository.ts";
import { alone, type Lease, type Leases } from "../store/leases.ts";
import { createOperations, lastSuccess, type Operable } from "./operations.ts";

const HOUR = 3_600_000;

/** A repository of a format with one operation that the test ends, or with those that it gives. */
function world(
  given: Partial<Operation>[] = [{}],
  kept = new Map<string, Uint8Array>(),
  run?: RunOperation,
  leases?: Leases,
) {
  const clock = { now: Date.UTC(2026, 10, 23) };
  const lines: Record<string, unknown>[] = [];
  const calls: { call: OperationCall; end: PromiseWithResolvers<boolean> }[] = [];
  const operations = given.map(
    (more): Operation => ({
      name: "mirror run",
      summary: "Mirror",
      ...more,
    }),
  );
  const waits: RunOperation = (_repository, call) => {
    const end = Promise.withResolvers<boolean>();
    call.signal.addEventListener("abort", () => end.reject(call.signal.reason));
    calls.push({ call, end });
    return end.promise;
  };
  const repository = {
    name: "deb",
    options: {},
    async keep(key: string, bytes: Uint8Array) {
      kept.set(key, bytes);
    },
    async kept(key: string) {
      const bytes = kept.get(key);
      return bytes ? { bytes, at: clock.now } : null;
    },
  } as unknown as Repository;
  const runs = Object.fromEntries(operations.map(({ name }) => [name, run ?? waits]));
  const all: Operable[] = [
    { format: { name: "toy", operations }, service: { operations: runs }, repository },
  ];
  const log = createLog("json", (line) => lines.push(JSON.parse(line)));
  const told = () => lines.map(({ level, msg }) => `${level} ${msg}`);
  const made = createOperations(
    () => all,
    log,
    () => clock.now,
    leases,
  );
  return { clock, lines, told, calls, repository, kept, operations: made };
}

const quiet = (signal = new AbortController().signal) => ({ progress() {}, say() {}, signal });
const wanted = (name = "mirror run", repository = "deb") => ({
  name,
  repository,
  flags: new Set(["force"]),
});

test("what a person started is told in the log, and its time is kept when it ends well", async () => {
  const { operations, calls, clock, lines, told, repository } = world();
  const done = operations.run(wanted(), quiet());
  expect(calls[0]!.call.flags).toEqual(new Set(["force"]));
  const began = clock.now;
  clock.now += 5000;
  calls[0]!.end.resolve(true);
  expect(await done).toBe(true);
  expect(told()).toEqual(["info mirror run of deb starts", "info mirror run of deb is done"]);
  expect(lines[0]).toMatchObject({ repository: "deb", by: "command", flags: "force" });
  expect(lines[1]).toMatchObject({ operation: "mirror run", duration_ms: 5000 });
  expect(await lastSuccess(repository, "mirror run")).toBe(began);
});

const ends: [how: string, end: (end: PromiseWithResolvers<boolean>) => void, last: string][] = [
  ["not whole", ({ resolve }) => resolve(false), "warn mirror run of deb is not complete"],
  [
    "a Problem",
    ({ reject }) => reject(new Problem("unreachable", "It is away")),
    "warn mirror run of deb failed",
  ],
  [
    "a catalog that cannot be read",
    ({ reject }) => reject(Object.assign(new Error("malformed"), { code: "SQLITE_CORRUPT" })),
    "warn mirror run of deb failed",
  ],
  [
    "a bug",
    ({ reject }) => reject(new TypeError("x")),
    "error mirror run of deb failed because of a bug",
  ],
];
test("the log has what is behind a failure, and who started it is told the rest", async () => {
  const { operations, calls, lines } = world();
  const done = operations.run(wanted(), quiet());
  const cause = new Error("access key key2");
  calls[0]!.end.reject(new Problem("busy", "The bucket denies this", { cause }));
  await expect(done).rejects.toThrow(/^The bucket denies this$/);
  expect(lines.at(-1)).toMatchObject({ error: "The bucket denies this (access key key2)" });
});

for (const [how, end, last] of ends)
  test(`an end that is ${how} is told, and counts for no success`, async () => {
    const { operations, calls, told, repository } = world();
    const done = operations.run(wanted(), quiet());
    end(calls[0]!.end);
    await done.catch(() => null);
    expect(told().at(-1)).toBe(last);
    expect(await lastSuccess(repository, "mirror run")).toBeNull();
    const again = operations.run(wanted(), quiet()); // It is not taken for running.
    calls[1]!.end.resolve(true);
    expect(await again).toBe(true);
  });

test("what there is not is said", async () => {
  const { operations } = world();
  await expect(operations.run(wanted("mirror clean"), quiet())).rejects.toThrow(
    "deb has no mirror clean",
  );
  await expect(operations.run(wanted("mirror run", "php"), quiet())).rejects.toThrow(
    "php has no mirror",
  );
});

test("two about the same files never run at a time; others do", async () => {
  const names = ["mirror run", "mirror clean", "apt accept"].map((name) => ({ name }));
  const { operations, calls } = world(names);
  const first = operations.run(wanted("mirror run"), quiet());
  for (const name of ["mirror run", "mirror clean"])
    await expect(operations.run(wanted(name), quiet())).rejects.toThrow(
      "mirror run runs on deb already, since 2026-11-23T00:00:00.000Z",
    );
  const other = operations.run(wanted("apt accept"), quiet());
  for (const { end } of calls) end.resolve(true);
  expect([await first, await other, calls.length]).toEqual([true, true, 2]);
});

test("who gives up aborts it, and that is no failure", async () => {
  const { operations, calls, told } = world();
  const person = new AbortController();
  const done = operations.run(wanted(), quiet(person.signal));
  expect(calls[0]!.call.signal.aborted).toBe(false);
  person.abort();
  await expect(done).rejects.toThrow("mirror run of deb was stopped");
  await done.catch(() => null);
  expect(told().at(-1)).toBe("info mirror run of deb was stopped");
});

test("a server that stops aborts all, waits for them and starts no more", async () => {
  const { operations, calls, told } = world([{ every: () => HOUR }]);
  const done = operations.run(wanted(), quiet()).catch(({ message }) => message);
  await operations.stop();
  expect(await done).toBe("mirror run of deb was stopped");
  await expect(operations.run(wanted(), quiet())).rejects.toThrow("The server is stopping");
  await operations.turns()[0]!.run();
  expect(calls).toHaveLength(1);
  expect(told().at(-1)).toBe("info mirror run of deb was stopped");
});

test("only what says how often has turns of its own", () => {
  const never = world([{}, { name: "apt accept", every: () => null }]);
  expect(never.operations.turns()).toEqual([]);
  const [job] = world([{ every: () => 40 * 24 * HOUR }]).operations.turns();
  // A timer would take a longer time than 2^31 ms for none at all.
  expect(job).toMatchObject({ name: "mirror run of deb", everyMs: 60_000, firstMs: 5000 });
});

test("the server's turn comes when the last good one is older than that, also after a restart", async () => {
  let result = true;
  const open = (kept?: Map<string, Uint8Array>) =>
    world([{ every: () => HOUR }], kept, async () => result);
  const one = open();
  const turns = async ({ operations, lines }: typeof one) => {
    const before = lines.length;
    await operations.turns()[0]!.run();
    return lines.slice(before).filter(({ by }) => by === "schedule").length;
  };
  expect(await turns(one)).toBe(1);
  one.clock.now += HOUR - 1;
  expect(await turns(one)).toBe(0);
  one.clock.now += 1;
  result = false;
  expect(await turns(one)).toBe(1);
  // A failure waits for its turn as well, but a new server tries at once.
  result = true;
  one.clock.now += HOUR - 1;
  expect(await turns(one)).toBe(0);
  const next = open(one.kept);
  next.clock.now = one.clock.now;
  expect(await turns(next)).toBe(1);
  const third = open(one.kept);
  third.clock.now = next.clock.now + 1;
  expect(await turns(third)).toBe(0);
  // The clock was wrong, and is put back by a year: no turn waits for it to come again.
  third.clock.now -= 365 * 24 * HOUR;
  expect([await turns(third), await turns(third)]).toEqual([1, 0]);
});

test("a turn that meets a person's waits for how that ends", async () => {
  const { operations, calls, clock } = world([{ every: () => HOUR }]);
  const person = operations.run(wanted(), quiet());
  await operations.turns()[0]!.run();
  expect(calls).toHaveLength(1);
  calls[0]!.end.resolve(true);
  await person;
  clock.now += 60_000;
  await operations.turns()[0]!.run();
  expect(calls).toHaveLength(1);
});

test("the log gets the first lines of a turn, and how many more there were", async () => {
  const { operations, told } = world(
    [{ every: () => HOUR }],
    new Map(),
    async (_repository, { say }) => {
      for (let line = 1; line <= 25; line++) say(`line ${line}`);
      return true;
    },
  );
  await operations.turns()[0]!.run();
  expect(told().slice(0, 2)).toEqual(["info mirror run of deb starts", "info line 1"]);
  expect(told().slice(-3)).toEqual([
    "info line 20",
    "info mirror run of deb is done",
    "info and 5 more lines",
  ]);
});

test("of one that mostly finds nothing the log gets what is new, and what fails", async () => {
  let says = ["nothing"];
  let fails = false;
  const { operations, told, clock, calls } = world(
    [{ every: () => HOUR, isQuiet: true }],
    new Map(),
    async (_repository, { say }) => {
      if (fails) throw new Problem("unreachable", "It is away");
      says.forEach(say);
      return true;
    },
  );
  const turn = async () => {
    const before = told().length;
    await operations.turns()[0]!.run();
    clock.now += HOUR;
    return told().slice(before);
  };
  expect(await turn()).toEqual(["info nothing"]);
  expect(await turn()).toEqual([]);
  says = ["one", "nothing"];
  expect(await turn()).toEqual(["info one", "info nothing"]);
  fails = true;
  expect(await turn()).toEqual(["warn mirror run of deb failed"]);
  fails = false;
  expect(await turn()).toEqual(["info one", "info nothing"]);
  expect(calls).toEqual([]);
  // Who asks for it is told of, and sees all of it.
  await operations.run(wanted(), quiet());
  expect(told().slice(-2)).toEqual([
    "info mirror run of deb starts",
    "info mirror run of deb is done",
  ]);
});

test("how work goes is told: that it runs and how far, how the last one ended, and when the next is due", async () => {
  const { operations, clock, calls } = world([{ every: () => HOUR }, { name: "deb check" }]);
  const state = async (name = "mirror run") =>
    (await operations.states()).find((one) => one.name === name)!;
  expect(await state()).toMatchObject({ everyMs: HOUR, running: null, last: null, doneAt: null });
  expect(await state("deb check")).toMatchObject({ everyMs: null, nextAt: null });
  const began = clock.now;
  const first = operations.run(wanted(), quiet());
  calls[0]!.call.progress(3, 9, "12 MiB");
  expect((await state()).running).toEqual({
    since: began,
    by: "command",
    progress: { done: 3, total: 9, note: "12 MiB" },
  });
  clock.now += 1000;
  calls[0]!.end.resolve(true);
  await first;
  const done = { startedAt: began, endedAt: began + 1000, end: "done", error: null };
  expect(await state()).toMatchObject({
    running: null,
    last: done,
    doneAt: began,
    nextAt: began + HOUR,
  });
  const second = operations.run(wanted(), quiet());
  calls[1]!.end.reject(new Problem("unreachable", "no water"));
  await expect(second).rejects.toThrow("no water");
  expect(await state()).toMatchObject({
    last: { end: "failed", error: "no water" },
    doneAt: began,
  });
  const third = operations.run(wanted(), quiet());
  calls[2]!.end.resolve(false);
  await third;
  expect((await state()).last).toMatchObject({ end: "incomplete" });
});

test("what another server may do by now, as this one was taken for dead, is stopped here", async () => {
  let owner: "us" | "them" = "us";
  const lease = { isHeld: () => owner === "us", release: async () => {} } as Lease;
  const take = async () => (owner === "us" ? lease : null);
  const leases: Leases = { ...alone, hasOthers: true, take };
  const { operations, calls, told } = world([{}], new Map(), undefined, leases);
  const done = operations.run(wanted(), quiet());
  await Bun.sleep(1);
  expect(calls).toHaveLength(1);
  owner = "them";
  await expect(done).rejects.toThrow("mirror run of deb was stopped");
  expect(told()).toEqual(["info mirror run of deb starts", "info mirror run of deb was stopped"]);
});
