import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "../../test/support/wait.ts";
import { type Carrier, type Letter, type Outcome, type Told, typesOf } from "../core/hook.ts";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import type { Database } from "../store/database.ts";
import { openTestDatabase } from "../store/testkit.ts";
import { createHooks, type Hooks, type OpenHook } from "./room.ts";

const HOUR = 60 * 60 * 1000;
const told: Told = { type: "publish", repository: "npm", package: "@acme/ui", message: "m" };

let root: string;
let database: Database;
let hooks: Hooks;
let clock: number;
let log: string[];
const metrics = createMetrics();

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "holdfast-hooks-"));
  database = await openTestDatabase(join(root, "holdfast.db"));
  clock = Date.UTC(2026, 10, 26);
  log = [];
  hooks = open();
});
afterEach(async () => {
  await hooks.stop();
  await database.close();
  rmSync(root, { recursive: true, force: true });
});

function open(): Hooks {
  const sink = (line: string) => void log.push(line);
  const quick = { lookMs: 10, countMs: 10, graceMs: 10 };
  return createHooks({
    database,
    log: createLog("json", sink),
    metrics,
    now: () => clock,
    ...quick,
  });
}

/** A receiver that says what it is told to say. */
function receiver(say: (letter: Letter, nth: number) => Outcome | Promise<Outcome>) {
  const heard: string[] = [];
  let unavailable: string | null = null;
  const carrier: Carrier = {
    to: "receiver.test",
    most: 1,
    lanes: 2,
    restMs: 0,
    unavailable: () => unavailable,
    carry: async ([letter]) => say(letter!, heard.push(letter!.id)),
    close() {},
  };
  return {
    heard,
    carrier,
    away(why: string | null) {
      unavailable = why;
    },
  };
}

const yes = () => ({ isTold: true }) as const;
const no = () => ({ isTold: false, why: "answered 500" }) as const;

function hook(name: string, carrier: Carrier, more: Partial<OpenHook> = {}): OpenHook {
  const wish = { types: typesOf(["*"]), repositories: null, packages: null };
  return { name, retryMs: 24 * HOUR, carrier, ...wish, ...more };
}

const use = (...all: OpenHook[]) => hooks.use(all, () => undefined);
const tell = (what: Partial<Told> = {}) =>
  database.write((sql) => hooks.tell(sql, { ...told, ...what }));
const statesOf = async (name: string) =>
  (await hooks.deliveries(name, { limit: 100 })).map(({ state }) => state);
const until = (done: () => boolean | Promise<boolean>) =>
  waitFor(done, () => `it does not come to that\n${log.join("")}`, 10_000);

test("what happened is told each hook that wants it, under one id, and nobody twice", async () => {
  const [all, yanks] = [receiver(yes), receiver(yes)];
  use(hook("all", all.carrier), hook("yanks", yanks.carrier, { types: typesOf(["yank"]) }));
  await tell();
  await tell({ type: "yank" });
  hooks.start();
  await until(() => all.heard.length === 2 && yanks.heard.length === 1);
  await until(async () => (await statesOf("all")).join() === "told,told");
  expect(all.heard).toContain(yanks.heard[0]!);
  expect(new Set(all.heard).size).toBe(2);
});

test("what is rolled back is told nobody", async () => {
  const all = receiver(yes);
  use(hook("all", all.carrier));
  const failing = database.write(async (sql) => {
    await hooks.tell(sql, told);
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  expect(await statesOf("all")).toEqual([]);
});

test("what fails is tried again later and later, under the same id, and given up in the end", async () => {
  const away = receiver(no);
  use(hook("away", away.carrier, { retryMs: HOUR }));
  await tell();
  hooks.start();
  await until(() => away.heard.length === 1);
  await until(async () => (await hooks.deliveries("away", { limit: 1 }))[0]!.tries === 1);
  const [first] = await hooks.deliveries("away", { limit: 1 });
  expect(first).toMatchObject({ state: "waiting", tries: 1, error: "answered 500" });
  expect(first!.nextAt).toBeGreaterThan(clock);
  for (let tries = 2; (await statesOf("away"))[0] === "waiting"; tries += 1) {
    ({ nextAt: clock } = (await hooks.deliveries("away", { limit: 1 }))[0]!);
    await until(async () => (await hooks.deliveries("away", { limit: 1 }))[0]!.tries === tries);
  }
  expect(new Set(away.heard).size).toBe(1);
  expect(away.heard.length).toBeGreaterThan(5);
  expect(log.filter((line) => line.includes("cannot be told"))).toHaveLength(1);
  expect(log.filter((line) => line.includes("was not told of"))).toHaveLength(1);
  expect((await hooks.states())[0]).toMatchObject({ waiting: 0, failed: 1, lastTold: null });
}, 60_000);

test("a receiver that is gone for good is not asked again", async () => {
  const gone = receiver(() => ({ isTold: false, why: "answered 410", isFinal: true }));
  use(hook("gone", gone.carrier));
  await tell();
  hooks.start();
  await until(async () => (await statesOf("gone"))[0] === "failed");
  expect(gone.heard).toHaveLength(1);
});

test("one that hangs holds up neither the others nor the end", async () => {
  const hangs = receiver(() => new Promise<never>(() => {}));
  const good = receiver(yes);
  use(hook("hangs", hangs.carrier), hook("good", good.carrier));
  for (let nth = 0; nth < 20; nth += 1) await tell();
  hooks.start();
  await until(() => good.heard.length >= 20);
  await until(async () => (await statesOf("good")).every((state) => state === "told"));
  expect(good.heard).toHaveLength(20);
  expect(hangs.heard).toHaveLength(2); // its lanes
  await hooks.stop();
}, 20_000);

test("one message that fails does not hold up those behind it", async () => {
  let poison = "";
  const some = receiver(({ id, payload }) => {
    if (payload.includes("poison")) poison = id;
    return payload.includes("poison") ? no() : yes();
  });
  use(hook("some", some.carrier));
  await tell({ message: "poison" });
  for (let nth = 0; nth < 5; nth += 1) await tell();
  hooks.start();
  await until(async () => (await statesOf("some")).filter((one) => one === "told").length === 5);
  expect(await hooks.delivery("some", poison)).toMatchObject({ state: "waiting" });
});

test("what waits is told after a restart; what cannot be tried waits without being tried", async () => {
  const first = receiver(yes);
  first.away("offline");
  use(hook("all", first.carrier));
  hooks.start();
  await tell();
  expect((await hooks.states())[0]).toMatchObject({ waiting: 1, unavailable: "offline" });
  await hooks.stop();
  hooks = open();
  const second = receiver(yes);
  use(hook("all", second.carrier));
  hooks.start();
  await until(() => second.heard.length === 1);
  expect(first.heard).toEqual([]);
  await until(async () => (await statesOf("all"))[0] === "told");
  expect((await hooks.deliveries("all", { limit: 1 }))[0]!.tries).toBe(1);
});

test("hooks of a new configuration count at once, and what is on its way is not sent twice by those that take over", async () => {
  const held = Promise.withResolvers<Outcome>();
  const before = receiver(() => held.promise);
  use(hook("chat", before.carrier));
  hooks.start();
  await tell();
  await until(() => before.heard.length === 1);
  const after = receiver(yes);
  const added = receiver(yes);
  use(hook("chat", after.carrier), hook("added", added.carrier));
  await tell({ type: "yank" });
  await until(() => after.heard.length === 1 && added.heard.length === 1);
  expect(after.heard).not.toContain(before.heard[0]!);
  held.resolve({ isTold: true });
  await until(async () => (await statesOf("chat")).join() === "told,told");
});

test("a test is told once, and says how that went; what failed can be told again", async () => {
  let answer: () => Outcome = no;
  const moody = receiver(() => answer());
  use(hook("moody", moody.carrier, { types: typesOf(["yank"]) }));
  const failed = await hooks.test("moody");
  expect(failed.outcome).toEqual(no());
  expect(await hooks.delivery("moody", failed.id)).toMatchObject({ state: "failed", type: "test" });
  answer = yes;
  expect((await hooks.test("moody")).outcome).toEqual(yes());
  expect(await hooks.resend("moody", failed.id)).toEqual(yes());
  expect(await hooks.delivery("moody", failed.id)).toMatchObject({ state: "told", error: null });
  await expect(hooks.resend("moody", "msg_nothing")).rejects.toThrow("no message msg_nothing");
  await expect(hooks.test("nobody")).rejects.toThrow("no hook nobody");
});

test("all that failed is told again when somebody asks for it, newest pages first", async () => {
  let answer: () => Outcome = () => ({ isTold: false, why: "no", isFinal: true });
  const moody = receiver(() => answer());
  use(hook("moody", moody.carrier));
  hooks.start();
  for (let nth = 0; nth < 5; nth += 1) {
    clock += 1;
    await tell({ message: `m${nth}` });
  }
  await until(async () => (await statesOf("moody")).every((state) => state === "failed"));
  const first = await hooks.deliveries("moody", { state: "failed", limit: 3 });
  const rest = await hooks.deliveries("moody", { before: first.at(-1)!.id, limit: 3 });
  expect([...first, ...rest].map(({ payload }) => JSON.parse(payload).message)).toEqual([
    "m4",
    "m3",
    "m2",
    "m1",
    "m0",
  ]);
  answer = yes;
  expect(await hooks.resendFailed("moody")).toBe(5);
  await until(async () => (await statesOf("moody")).every((state) => state === "told"));
});

test("what ended long ago is forgotten, and what no hook asks for any more is given up in its time", async () => {
  const all = receiver(yes);
  use(hook("all", all.carrier), hook("removed", receiver(yes).carrier, { retryMs: HOUR }));
  await tell();
  use(hook("all", all.carrier));
  hooks.start();
  await until(async () => (await statesOf("all"))[0] === "told");
  clock += 3 * HOUR;
  await hooks.tidy();
  const [removed] =
    await database.read`SELECT state, error FROM deliveries WHERE hook = ${"removed"}`;
  expect(removed).toEqual({ state: "failed", error: "it could not be tried in its time" });
  clock += 31 * 24 * HOUR;
  await hooks.tidy();
  expect(await database.read`SELECT COUNT(*) AS many FROM deliveries`).toMatchObject([{ many: 0 }]);
});

test("the table has a bound: of each hook so many are kept, and so many may wait", async () => {
  const away = receiver(yes);
  away.away("offline");
  use(hook("away", away.carrier));
  await database.write(async (sql) => {
    for (let nth = 0; nth < 10_050; nth += 1)
      await hooks.tell(sql, { ...told, message: String(nth) });
  });
  expect((await hooks.states())[0]!.waiting).toBe(10_000);
  expect(await metrics.render()).toContain('holdfast_hook_dropped_total{hook="away"} 50');
  expect(log.filter((line) => line.includes("no more are kept"))).toHaveLength(1);
  await database.write(async (sql) => {
    for (let nth = 0; nth < 20; nth += 1)
      await sql`INSERT INTO deliveries (hook, id, type, repository, package, payload, state, created_at, tries, next_at, ends_at)
        VALUES (${"away"}, ${`msg_0${nth}`}, ${"x"}, ${"r"}, ${""}, ${"{}"}, ${"told"}, ${clock}, 1, 0, 0)`;
    await sql`UPDATE deliveries SET state = ${"told"} WHERE state = ${"waiting"}`;
  });
  await hooks.tidy();
  expect(await hooks.deliveries("away", { limit: 20_000 })).toHaveLength(10_000);
}, 60_000);

test("who carries nothing goes on keeping messages once others have carried what waited", async () => {
  const chat = receiver(no);
  use(hook("chat", chat.carrier));
  await database.write(async (sql) => {
    for (let nth = 0; nth < 10_001; nth += 1) await hooks.tell(sql, told);
    await sql`DELETE FROM deliveries`; // another process has carried them, and that was long ago
  });
  hooks.start(false);
  await until(async () => {
    await tell();
    return (await statesOf("chat")).length > 0;
  });
  expect(new Set(await statesOf("chat"))).toEqual(new Set(["waiting"]));
  expect(chat.heard).toEqual([]);
}, 60_000);

test("events are told with who caused them, and with the purl of a release that is stored", async () => {
  const all = receiver(yes);
  use(hook("all", all.carrier));
  await database.write(async (sql) => {
    await sql`INSERT INTO artifacts (repository, package, file, version, purl, sha256, size, fetched_at, upstream, path)
      VALUES (${"npm"}, ${"a"}, ${"f"}, ${"1"}, ${"pkg:npm/a@1"}, ${"0"}, 1, 1, ${"u"}, ${"/f"})`;
    await hooks.event(sql, "npm", {
      kind: "unpinned",
      package: "a",
      version: "1",
      file: "f",
      message: "m",
      detail: { by: "ann", before: "00" },
    });
  });
  const [one] = await hooks.deliveries("all", { limit: 1 });
  expect(JSON.parse(one!.payload)).toEqual({
    id: one!.id,
    type: "unpinned",
    time: "2026-11-26T00:00:00.000Z",
    repository: "npm",
    package: "a",
    version: "1",
    purl: "pkg:npm/a@1",
    file: "f",
    who: "ann",
    message: "m",
    detail: { by: "ann", before: "00" },
  });
});
