// Pages on paper, in the colours of a system, and for those whom motion troubles: nothing is lost, and nothing moves.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { hasChromium, launchChromium, logIn, openPage } from "./chromium.ts";
import { openScene, type Scene } from "./scene.ts";

const PATIENCE = 300_000;
const MAIN = ["/", "/-/operator", "/-/packages/npm/tideline"];

describe.skipIf(!hasChromium)("pages that are not seen as on most screens", () => {
  let scene: Scene;
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    [scene, browser] = await Promise.all([openScene(), launchChromium()]);
    ({ page } = await openPage(browser, { width: 1280, scheme: "light" }));
    await logIn(page, scene.server.url, scene.user.name, scene.user.password);
  }, PATIENCE);
  afterAll(async () => {
    await browser?.close();
    await scene?.stop();
  });

  const open = (path: string) => page.goto(`${scene.server.url}${path}`);
  /** Of all elements that match and are shown, each value that this property has. */
  const styles = (selector: string, property: string) =>
    page.evaluate(
      ([selector, property]) => [
        ...new Set(
          [...document.querySelectorAll(selector!)]
            .filter((one) => one.checkVisibility())
            .map((one) => getComputedStyle(one).getPropertyValue(property!)),
        ),
      ],
      [selector, property] as const,
    );

  test(
    "in forced colours what has the focus, what is current, states, figures and lines of charts are seen",
    async () => {
      await page.emulateMedia({ forcedColors: "active" });
      for (const path of MAIN) {
        await open(path);
        for (let at = 0; at < 4; at++) {
          await page.keyboard.press("Tab");
          expect([path, at, await styles(":focus", "outline-style")]).toEqual([
            path,
            at,
            ["solid"],
          ]);
          expect([path, at, await styles(":focus", "outline-width")]).toEqual([path, at, ["2px"]]);
        }
        expect(await styles(".chip, .notice", "border-top-style")).toEqual(["solid"]);
        expect(await styles("[aria-current]", "outline-style")).toEqual(["solid"]);
        // Words as well as a colour.
        const words = await page.locator(".chip, .line").allTextContents();
        expect(words.filter((text) => text.trim() === "")).toEqual([]);
      }
      await open("/-/operator");
      expect(await styles(".figures div", "outline-style")).toEqual(["solid"]);
      const [text] = await styles("body", "color");
      expect(await styles("svg .chart-line, .chart-key .chart-line", "stroke")).toEqual([text!]);
      const dashes = await styles(".chart-key .chart-line", "stroke-dasharray");
      expect(dashes.length).toBeGreaterThan(2);
      await page.emulateMedia({ forcedColors: "none" });
    },
    PATIENCE,
  );

  test(
    "nothing moves for those who asked for that; for others the skip link glides",
    async () => {
      await page.emulateMedia({ reducedMotion: "no-preference" });
      await open("/");
      const moves = async () => [
        ...(await styles("*", "transition-duration")),
        ...(await styles("*", "animation-name")),
      ];
      expect(await moves()).toContain("0.12s");
      await page.emulateMedia({ reducedMotion: "reduce" });
      for (const path of MAIN) {
        await open(path);
        expect([path, await moves()]).toEqual([path, ["0s", "none"]]);
        await page.keyboard.press("Tab");
        expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
      }
    },
    PATIENCE,
  );

  test(
    "on paper there is the content without ways to elsewhere, folded lines are open, and a dark page is printed light",
    async () => {
      await open("/-/packages/npm/tideline");
      const folded = page.getByText("pnpm add tideline");
      expect(await folded.isVisible()).toBe(false);
      await page.click("footer button >> text=Dark");
      await page.emulateMedia({ media: "print" });
      for (const path of MAIN) {
        await open(path);
        for (const gone of [".top nav", ".tabs", "footer", ".search", ".skip", ".chart details"])
          expect([path, gone, await page.locator(gone).filter({ visible: true }).count()]).toEqual([
            path,
            gone,
            0,
          ]);
        expect(await page.locator("h1").isVisible()).toBe(true);
        expect(await styles("body", "background-color")).toEqual(["rgb(255, 255, 255)"]);
      }
      await open("/-/packages/npm/tideline");
      expect(await folded.isVisible()).toBe(true);
      await page.emulateMedia({ media: "screen" });
      expect(await page.locator(".top nav").isVisible()).toBe(true);
    },
    PATIENCE,
  );
});
