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
const rules = async () => (await look()).lines.map((line) => line.split(":", 1)[0]!);
const isDown = async () =>
  (await look()).lines.some((line) => line.includes("an upstream of npm, cannot be reached"));
const heard = () =>
  receiver.heard.map(({ body }) => `${body.type} ${body.detail.rule} ${body.repository}`);
const told = (wanted: string) =>
  waitFor(
    () => heard().includes(wanted),
    () => `${wanted} was not told, but ${heard()}`,
    30_000,
  );

test("an upstream that stays away is told once and is over, across a restart; and so are a feed that nobody can read and a release that ends", async () => {
  // By its own date clients refuse this release in a month.
  await upstream.apt
    .archive("debian")
    .renew("stable", { validUntil: new Date(Date.now() + 30 * DAY) });
  expect((await fetch(`${server.url}/debian/dists/stable/InRelease`)).status).toBe(200);
  expect(await look()).toEqual({ isDone: true, lines: ["No alarms."] });
  expect((await fetch(`${server.url}/npm/kelp`)).status).toBe(200);
  await upstream.off();
  server.advance(5_000);
  await fetch(`${server.url}/npm/kelp`);
  await fetch(`${server.url}/npm/coral`);
  await look();
  server.advance(6 * MINUTE);
  await waitFor(isDown, () => "the upstream is not seen as away", 30_000);
  await told("alarm upstream-down npm");

  // Stopped and started: what is open is open, and not told again.
  await server.restart();
  expect(await isDown()).toBe(true);
  await upstream.on();
  server.advance(10 * MINUTE);
  await waitFor(
    async () => {
      await (await fetch(`${server.url}/npm/kelp`)).text();
      return !(await isDown());
    },
    () => "the upstream does not come back",
    30_000,
  );
  await told("alarm-over upstream-down npm");

  server.advance(4 * DAY);
  expect(await rules()).toContain("feed-stale");
  await told("alarm feed-stale -");
  expect(await rules()).not.toContain("valid-until");
  await upstream.off();
  server.advance(25 * DAY);
  expect(await rules()).toContain("valid-until");
  await told("alarm valid-until debian");
  expect(heard().filter((line) => line.startsWith("alarm upstream-down npm"))).toHaveLength(1);
});
