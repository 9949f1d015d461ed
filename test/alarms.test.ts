// Alarms of a whole server: what calls for somebody is told once by a hook, and once when it is over, also across restarts.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { type HookReceiver, startHookReceiver } from "./support/hook-receiver.ts";
import { startServer, type TestServer } from "./support/server.ts";
import { tempFolder } from "./support/temp.ts";
import { waitFor } from "./support/wait.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

let upstream: FakeUpstream;
let server: TestServer;
let receiver: HookReceiver;
beforeAll(async () => {
  upstream = await startUpstream();
  receiver = await startHookReceiver("whsec_bm9ib2R5IGNoZWNrcyBpdCBoZXJl");
  server = await startServer(upstream, {
    freshness: "1s",
    server: {
      hooks: [{ name: "chat", url: receiver.url, events: ["alarm", "alarm-over"] }],
      feeds: [{ name: "gone", directory: join(tempFolder("no-feed"), "gone") }],
      alarms: { quiet: "30d", diskFull: "1d" },
      diskLow: "0B",
    },
  });
});
afterAll(async () => {
  await server.stop();
  receiver.stop();
  await upstream.stop();
});

const look = () => server.operate("alarms look", "");
const rules = async () => (await look()).lines.map((line) => line.split(":", 1)[0]!).toSorted();
const heard = () =>
  receiver.heard.map(({ body }) => `${body.type} ${body.detail.rule} ${body.repository}`);
const told = (wanted: string) =>
  waitFor(
    () => heard().includes(wanted),
    () => `${wanted} was not told, but ${heard()}`,
    30_000,
  );

test("an upstream that stays away is told once and is over, across a restart; and a feed that nobody can read", async () => {
  expect(await look()).toEqual({ isDone: true, lines: ["No alarms."] });
  expect((await fetch(`${server.url}/npm/kelp`)).status).toBe(200);
  await upstream.off();
  server.advance(5_000);
  await fetch(`${server.url}/npm/kelp`);
  await fetch(`${server.url}/npm/coral`);
  await look();
  server.advance(6 * MINUTE);
  await waitFor(
    async () => (await rules()).includes("upstream-down"),
    () => "the upstream is not seen as away",
    30_000,
  );
  await told("alarm upstream-down npm");

  // Stopped and started: what is open is open, and not told again.
  await server.restart();
  expect(await rules()).toEqual(["upstream-down"]);
  await upstream.on();
  server.advance(10 * MINUTE);
  await waitFor(
    async () => {
      await (await fetch(`${server.url}/npm/kelp`)).text();
      return !(await rules()).includes("upstream-down");
    },
    () => "the upstream does not come back",
    30_000,
  );
  await told("alarm-over upstream-down npm");

  server.advance(4 * DAY);
  expect(await rules()).toContain("feed-stale");
  await told("alarm feed-stale -");
  expect(heard().filter((line) => line.startsWith("alarm upstream-down npm"))).toHaveLength(1);
});
