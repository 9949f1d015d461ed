// Every page in a real browser: nothing that axe finds, no page that scrolls sideways, nothing that the policy has to refuse, and all of it without script.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Browser } from "playwright-core";
import { hasChromium, launchChromium, logIn, openPage } from "./chromium.ts";
import { type LookedAt, lookedAt } from "./pages.ts";
import { openScene, type Scene } from "./scene.ts";

const AXE = readFileSync(
  new URL("../../node_modules/axe-core/axe.min.js", import.meta.url),
  "utf8",
);
/** All of it once in each scheme, at both ends of widths; and what goes by looks in all of them. */
const LOOKS = [
  "color-contrast",
  "target-size",
  "link-in-text-block",
  "scrollable-region-focusable",
];
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const PATIENCE = 300_000;

let scene: Scene;
let browser: Browser;
beforeAll(async () => {
  if (!hasChromium) return;
  [scene, browser] = await Promise.all([openScene(), launchChromium()]);
}, PATIENCE);
afterAll(async () => {
  await browser?.close();
  await scene?.stop();
});

type Opened = Awaited<ReturnType<typeof openPage>>;

/** One context for all that are logged in, and one for all that are not. */
async function visit(
  opened: Record<"known" | "stranger", Opened>,
  { path, isLoggedIn = false, status = 200 }: LookedAt,
) {
  const { page, faults } = opened[isLoggedIn ? "known" : "stranger"];
  faults.length = 0;
  const response = await page.goto(`${scene.server.url}${path}`);
  expect([path, response?.status()]).toEqual([path, status]);
  return { page, faults };
}

async function openBoth(look: Parameters<typeof openPage>[1]) {
  const known = await openPage(browser, look);
  await logIn(known.page, scene.server.url, scene.user.name, scene.user.password);
  return { known, stranger: await openPage(browser, look) };
}

describe.skipIf(!hasChromium)("every page", () => {
  for (const width of [1280, 768, 380])
    for (const scheme of ["light", "dark"] as const)
      test(
        `at ${width} px, ${scheme}`,
        async () => {
          const opened = await openBoth({ width, scheme });
          const isWhole =
            `${width} ${scheme}` === "1280 light" || `${width} ${scheme}` === "380 dark";
          const runOnly = isWhole ? TAGS : LOOKS;
          const wrong: unknown[] = [];
          for (const one of lookedAt) {
            const { page, faults } = await visit(opened, one);
            const told = faults.filter(
              (text) => one.status === undefined || !/status of 4/.test(text),
            );
            if (told.length > 0) wrong.push({ path: one.path, told });
            const [inner, outer] = await page.evaluate(() => [
              document.documentElement.scrollWidth,
              document.documentElement.clientWidth,
            ]);
            if (inner! > outer!) wrong.push({ path: one.path, scrolls: [inner, outer] });
            // In a world of its own, which the page's policy says nothing about.
            await page.evaluate(AXE);
            const found = await page.evaluate(
              (runOnly) =>
                // biome-ignore lint/suspicious/noExplicitAny: what axe puts there
                (globalThis as any).axe.run(document, { runOnly, resultTypes: ["violations"] }),
              runOnly,
            );
            for (const { id, nodes } of found.violations)
              wrong.push({
                path: one.path,
                id,
                at: nodes.slice(0, 3).map((node: { html: string }) => node.html.slice(0, 200)),
              });
          }
          expect(wrong).toEqual([]);
          for (const { context } of Object.values(opened)) await context.close();
        },
        PATIENCE,
      );

  test(
    "works without script: log in, search, a package, a version, another theme",
    async () => {
      const { page, context, faults } = await openPage(browser, {
        width: 1280,
        scheme: "light",
        hasScript: false,
      });
      const { url } = scene.server;
      await logIn(page, url, scene.user.name, scene.user.password);
      await page.goto(`${url}/`);
      await page.fill("#search", "TIDE");
      await page.press("#search", "Enter");
      await page.click("main tbody a >> text=tideline");
      expect(new URL(page.url()).pathname).toBe("/-/packages/npm/tideline");
      await page.click("main tbody a >> text=1.2.0");
      expect(await page.textContent("h1")).toContain("1.2.0");
      expect(await page.isVisible("button[data-copy]")).toBe(false);
      const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const before = await ground();
      await page.click("footer button >> text=Dark");
      expect(new URL(page.url()).pathname).toBe("/-/packages/npm/tideline/v/1.2.0");
      expect(await ground()).not.toBe(before);
      expect(faults).toEqual([]);
      await context.close();
    },
    PATIENCE,
  );

  test(
    "a readme runs nothing, fetches nothing, and takes no place of the page's own",
    async () => {
      const { page, context, faults } = await openPage(browser, { width: 1280, scheme: "light" });
      await page.goto(`${scene.server.url}/-/packages/npm/tideline`);
      const readme = page.locator(".readme");
      expect(await readme.innerHTML()).not.toMatch(
        /<(script|img|iframe|style|form)|javascript:| on\w+=| style=/i,
      );
      expect(await readme.textContent()).toContain("[a gauge]");
      expect(await readme.locator("table").count()).toBe(1);
      expect(faults).toEqual([]);
      await context.close();
    },
    PATIENCE,
  );

  test(
    "by keys alone: skip link, search, rows of a list, help; and none of it while somebody types, or where keys are off",
    async () => {
      const { page, context } = await openPage(browser, { width: 1280, scheme: "light" });
      const { url } = scene.server;
      const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim());
      await page.goto(`${url}/-/packages?q=tide`);
      await page.keyboard.press("Tab");
      expect(await focused()).toBe("Skip to the content");
      await page.keyboard.press("Enter");
      expect(await page.evaluate(() => document.activeElement?.id)).toBe("main");
      await page.keyboard.press("j");
      const first = await focused();
      await page.keyboard.press("j");
      expect([first, await focused()]).toEqual(["tidelime", "tideline"]);
      await page.keyboard.press("k");
      expect(await focused()).toBe("tidelime");
      await page.keyboard.press("/");
      await page.keyboard.type("j?k");
      expect(await page.inputValue("#search")).toBe("j?k");
      await page.locator("h1").click();
      await Promise.all([page.waitForURL(`${url}/-/help`), page.keyboard.press("?")]);
      await page.click("footer button >> text=Keys on");
      await page.keyboard.press("/");
      expect(await page.evaluate(() => document.activeElement?.id)).not.toBe("search");
      await context.close();
    },
    PATIENCE,
  );

  test(
    "a line that is copied says so, for those who see and those who listen",
    async () => {
      const { page, context } = await openPage(browser, { width: 1280, scheme: "light" });
      await context.grantPermissions(["clipboard-read", "clipboard-write"]);
      await page.goto(`${scene.server.url}/-/packages/npm/tideline`);
      await page.click("button[data-copy=install]");
      await page.waitForFunction(() => document.getElementById("live")?.textContent === "Copied");
      const copied = await page.evaluate(() => navigator.clipboard.readText());
      expect(copied).toBe(`npm install tideline --registry ${scene.server.url}/npm/`);
      await context.close();
    },
    PATIENCE,
  );
});
