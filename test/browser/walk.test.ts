// The operator's walk, by clicks alone: from a red line of the overview to its cause and its cure, in a real browser and without the terminal.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { makeAccounts } from "../support/accounts.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";
import { hasChromium, launchChromium, logIn, openPage } from "./chromium.ts";

const PATIENCE = 300_000;
const DAY = 86_400_000;
const OVERVIEW = "/-/operator";

describe.skipIf(!hasChromium)("from a red line to its cure", () => {
  let upstream: FakeUpstream;
  let server: TestServer;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    upstream = await startUpstream();
    upstream.npm.publish({ name: "spray", version: "1.0.0", time: new Date(Date.now() - DAY) });
    server = await startServer(upstream, {
      server: {
        policy: [{ name: "cooldown", packages: ["pkg:npm/*"], minimumAge: "7d" }],
      },
      access: { anonymous: "read" },
    });
    await makeAccounts(server, [
      { user: "ann", actions: ["admin"], password: "a long pass phrase" },
    ]);
    await server.restart();
    browser = await launchChromium();
    ({ page } = await openPage(browser, { width: 1280, scheme: "light" }));
    await logIn(page, server.url, "ann", "a long pass phrase");
  }, PATIENCE);
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    await upstream?.stop();
  });

  const fetched = async (path: string) => (await fetch(`${server.url}${path}`)).status;
  const here = () => new URL(page.url()).pathname;
  const says = (text: string | RegExp) => page.getByText(text).first().waitFor();
  const click = async (name: string | RegExp, within = "main") => {
    await page.locator(within).getByRole("link", { name }).first().click();
  };
  const press = async (name: string | RegExp) => {
    await page.locator("main").getByRole("button", { name }).first().click();
  };

  test(
    "a release that is held: which rule, who was refused it, and let through with a reason",
    async () => {
      expect(await fetched("/npm/spray/-/spray-1.0.0.tgz")).toBe(403);
      await waitFor(
        async () => {
          await page.goto(`${server.url}${OVERVIEW}`);
          return /^1\D/.test((await page.textContent(".figures div:first-child dd")) ?? "");
        },
        () => "nothing is told as held",
        PATIENCE / 2,
      );
      await page.locator(".figures").getByRole("link").first().click();
      expect(here()).toBe("/-/operator/withheld");
      await click("spray");
      await says(/held by the rule cooldown/);
      const form = page.locator("section", { hasText: "Let through for good" });
      await form.getByLabel("Reason").fill("looked at, and needed today");
      await form.getByRole("button").click();
      await says("Released: clients see it from their next request on.");
      expect(await fetched("/npm/spray/-/spray-1.0.0.tgz")).toBe(200);
      await click(/^Take back/);
      await page.getByLabel("Reason").fill("the build is done");
      await press("Take it back");
      await says("Taken back: the rules hold again");
    },
    PATIENCE,
  );
});
