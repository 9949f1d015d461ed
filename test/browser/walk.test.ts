// The operator's walks, by clicks alone: from a red line of the home page to its cause and its cure, in a real browser and without the terminal.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { hasChromium, launchChromium } from "./chromium.ts";
import { openWalk, type Walk } from "./walking.ts";

const PATIENCE = 300_000;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 1440 * MINUTE;
const KELP = "/npm/kelp/-/kelp-1.0.0.tgz";

type Listed = { items: { kind: string; name: string }[] };
const hasOne = ({ items }: Listed) => items.length === 1;

describe.skipIf(!hasChromium)("from a red line to its cure", () => {
  let browser: Browser;
  let walk: Walk | null = null;
  const begin = async (
    ...how: [Parameters<typeof openWalk>[1]?, Parameters<typeof openWalk>[2]?]
  ) => {
    walk = await openWalk(browser, ...how);
    return walk;
  };
  beforeAll(async () => {
    browser = await launchChromium();
  }, PATIENCE);
  afterEach(async () => {
    await walk?.stop();
    walk = null;
  }, PATIENCE);
  afterAll(async () => {
    await browser?.close();
  });

  test(
    "a release that is held: which rule, who was refused it, and let through with a reason",
    async () => {
      const policy = [{ name: "cooldown", packages: ["pkg:npm/*"], minimumAge: "7d" }];
      const { page, fetched, here, open, click, press, says, until } = await begin(
        { server: { policy } },
        ({ npm }) =>
          npm.publish({ name: "spray", version: "1.0.0", time: new Date(Date.now() - DAY) }),
      );
      const file = "/npm/spray/-/spray-1.0.0.tgz";
      expect(await fetched(file)).toBe(403);
      await until("/withheld", hasOne);
      await open("/");
      await click("Overview");
      await page.locator(".figures").getByRole("link").first().click();
      expect(here()).toBe("/-/operator/withheld");
      await click("spray");
      await says(/held by the rule cooldown/);
      const form = page.locator("section", { hasText: "Let through for good" });
      await form.getByLabel("Reason").fill("looked at, and needed today");
      await form.getByRole("button").click();
      await says("Released: clients see it from their next request on.");
      expect(await fetched(file)).toBe(200);
      await click(/^Take back/);
      await page.getByLabel("Reason").fill("the build is done");
      await press("Take it back");
      await says("Taken back: the rules hold again");
    },
    PATIENCE,
  );

  test(
    "a repository over its quota: by how much, which line says so, what would go, and room made after a question",
    async () => {
      const { server, fetched, here, follow, press, click, says, ended, lines } = await begin({
        own: { npm: { quota: "100B" } },
      });
      expect(await fetched(KELP)).toBe(200);
      server.advance(2 * MINUTE);
      await follow(/npm has .* more than its quota of 100 B: room is being made/);
      expect(here()).toBe("/-/operator/disk");
      await says(/^, line \d+$/);
      await press("Say what would go");
      expect(await ended()).toBe("done");
      await says(/npm: would remove 1 file/);
      expect(server.files()).toHaveLength(1);
      await click("Disk");
      await press("Make the room that is wanted");
      await says("They are fetched again when a client asks");
      await press("Do it");
      expect(await ended()).toBe("done");
      await says(/npm: removed 1 file/);
      expect(server.files()).toEqual([]);
      expect(await lines()).toEqual([]);
    },
    PATIENCE,
  );

  test(
    "a package that was tampered with: what it was and what it is now, the first bytes served on, blocked, and seen by somebody",
    async () => {
      const {
        page,
        server,
        upstream,
        fetched,
        here,
        follow,
        click,
        press,
        open,
        says,
        until,
        lines,
        seen,
      } = await begin();
      await fetched("/npm/kelp");
      expect(await fetched(KELP)).toBe(200);
      upstream.npm.republish("kelp", "1.0.0");
      server.advance(10 * MINUTE);
      await fetched("/npm/kelp");
      await until("/events?kind=tampered", hasOne);
      await server.operate("alarms look", "");

      await follow(/that nobody has looked at are serious/);
      expect(here()).toBe("/-/operator/events");
      await click("tampered");
      await says(/now shows another integrity for kelp-1\.0\.0\.tgz/);
      const evidence = page.locator("dl.facts", { has: page.getByText("shown", { exact: true }) });
      const [first, shown] = await evidence.locator("code").allTextContents();
      expect([first!.slice(0, 7), shown!.slice(0, 7)]).toEqual(["sha512-", "sha512-"]);
      expect(first).not.toBe(shown);
      // Other bytes could never be had under this version: nothing offers them.
      expect(await page.getByRole("button", { name: "Take the pin back" }).count()).toBe(0);
      expect(await fetched(KELP)).toBe(200);

      const event = here();
      await click("Block or release it");
      const form = page.locator("section", { hasText: "Nobody is sent it" });
      await form.getByLabel("Reason").fill("nobody knows which bytes are right");
      await form.getByRole("button").click();
      expect(await fetched(KELP)).toBe(403);
      await open(event);
      await page.getByLabel("What was done about it").fill("blocked, its publisher was asked");
      await press("I have seen it");
      await says(/ann has seen it.*blocked, its publisher was asked/);
      await seen("alarm");
      expect(await lines()).toEqual([]);
      // The alarm is open for a day, and leads to the same place.
      await page.getByRole("link", { name: "Events about tampered of npm" }).click();
      await says("now shows another integrity");
    },
    PATIENCE,
  );

  test(
    "an upstream that is down: since when and why, told as an event and an alarm, and all of it over once it answers",
    async () => {
      const {
        page,
        server,
        upstream,
        fetched,
        here,
        follow,
        click,
        open,
        says,
        until,
        turn,
        lines,
        seen,
      } = await begin();
      const watch = () => turn("The watch on upstreams");
      const tellsOf = (kind: string) => until(`/events?kind=${kind}&repository=npm`, hasOne);
      expect(await fetched("/npm/kelp")).toBe(200);
      await server.operate("alarms look", "");
      await upstream.off();
      server.advance(10 * MINUTE);
      await fetched("/npm/kelp");
      expect(await fetched("/npm/coral")).toBe(424);
      await until("/state", ({ state }) => state === "degraded");
      await watch();
      await server.operate("alarms look", "");
      server.advance(6 * MINUTE);
      await watch();
      await tellsOf("upstream-down");
      await server.operate("alarms look", "");

      await open("/");
      await says("Degraded");
      await says(/is away: what is stored is served/);
      await follow(/an upstream of npm, cannot be reached: /);
      expect(new URL(page.url()).hash).toBe("#upstreams");
      const row = page.locator("tr", { has: page.getByRole("link", { name: "npm", exact: true }) });
      const upstreams = row.filter({ hasText: "127.0.0.1" });
      expect(await upstreams.first().textContent()).toMatch(/away|being asked again/);
      expect(await upstreams.first().textContent()).toContain("refused");
      await page.getByRole("link", { name: "Upstreams about upstream-down of npm" }).waitFor();
      await open("/-/operator/events?kind=upstream-down");
      await click("upstream-down");
      await says("Look at the reason, and at the way there: name service, proxy, firewall.");
      await click("Upstreams");
      expect(here()).toBe("/-/operator");

      await upstream.on();
      server.advance(10 * MINUTE);
      await until("/state", ({ state }) => {
        void fetched("/npm/kelp");
        return state === "serving";
      });
      await watch();
      await tellsOf("upstream-up");
      await server.operate("alarms look", "");
      await seen("alarm");
      expect(await lines()).toEqual([]);
      await says("Serving");
      expect(await page.getByRole("link", { name: /about upstream-down/ }).count()).toBe(0);
      expect(await upstreams.first().textContent()).toContain("answers");
      await open("/");
      await says("Online: upstreams are asked for what is not stored");
    },
    PATIENCE,
  );

  test(
    "canaries that are red: why, another round that ends alike, and one that is green once the cause is gone",
    async () => {
      const { page, server, here, follow, press, click, open, says, until, ended, lines, seen } =
        await begin({
          hasCanaries: true,
        });
      const incoming = join(server.data, "incoming");
      renameSync(incoming, `${incoming}.away`);
      writeFileSync(incoming, "no folder");
      await server.operate("canary run", "");
      await until("/events?kind=canary-red", hasOne);

      await follow(/not proven that any repository enforces its rules: no canary could be asked/);
      expect(here()).toBe("/-/operator/canaries");
      await says(/None could be asked: .*incoming/);
      await says("the server does not enforce what it says it does");
      await press("Ask all of them again");
      expect(await ended()).toBe("incomplete");
      await says(/None could be asked/);

      rmSync(incoming);
      renameSync(`${incoming}.away`, incoming);
      await follow(/no canary could be asked/);
      await press("Ask all of them again");
      expect(await ended()).toBe("done");
      await until("/events?kind=canary-green", hasOne);
      await open("/-/operator");
      await click("What they are, and another round");
      await says("Last round");
      expect(await page.locator(".chip.bad").count()).toBe(0);
      expect(await page.locator(".chip.good").count()).toBeGreaterThan(20);
      await seen("canary-red");
      expect(await lines()).toEqual([]);
    },
    PATIENCE,
  );
});
