// Every page in a real browser: nothing that axe finds, no page that scrolls sideways, nothing that the policy has to refuse, and all of it without script.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { sitePaths } from "../support/site-paths.ts";
import { hasChromium, launchChromium, logIn, openPage } from "./chromium.ts";
import { forMachines, type LookedAt, lookedAt } from "./pages.ts";
import { openScene, type Scene, sceneLinks } from "./scene.ts";

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

const STATES = [1280, 768, 380].flatMap((width) =>
  (["light", "dark"] as const).map((scheme) => ({ width, scheme })),
);

/** What is wrong with a page that stands in the browser, in each width and scheme. */
async function faultsIn({ page, faults }: Opened, { path, status }: LookedAt): Promise<unknown[]> {
  const wrong: unknown[] = [];
  // In a world that the page's policy says nothing about.
  await page.evaluate(AXE);
  for (const { width, scheme } of STATES) {
    const state = `${path} at ${width} px, ${scheme}`;
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme: scheme });
    const [inner, outer] = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      document.documentElement.clientWidth,
    ]);
    if (inner! > outer!) wrong.push({ state, scrolls: [inner, outer] });
    const runOnly = /1280 px, light|380 px, dark/.test(state) ? TAGS : LOOKS;
    for (const { id, nodes } of await axe(page, runOnly)) wrong.push({ state, id, nodes });
  }
  const told = faults.filter((text) => status === undefined || !/status of 4/.test(text));
  if (told.length > 0) wrong.push({ path, told });
  return wrong;
}

async function axe(page: Page, runOnly: string[]): Promise<{ id: string; nodes: string[] }[]> {
  const { violations } = await page.evaluate(
    // biome-ignore lint/suspicious/noExplicitAny: what axe puts there
    (rules) => (globalThis as any).axe.run({ runOnly: rules, resultTypes: ["violations"] }),
    runOnly,
  );
  return violations.map(({ id, nodes }: { id: string; nodes: { html: string }[] }) => ({
    id,
    nodes: nodes.slice(0, 3).map(({ html }) => html.slice(0, 200)),
  }));
}

test("no page of the site is left out", () => {
  const seen = [...lookedAt.map(({ path }) => path.replace(/\?.*/, "")), ...sceneLinks];
  const left = sitePaths().filter((path) => {
    const pattern = new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`);
    return !seen.some((one) => pattern.test(one)) && !forMachines.includes(path);
  });
  expect(left).toEqual([]);
});

describe.skipIf(!hasChromium)("every page", () => {
  let known: Opened;
  let stranger: Opened;
  beforeAll(async () => {
    known = await openPage(browser, { width: 1280, scheme: "light" });
    const { name, password } = scene.user;
    await logIn(known.page, scene.server.url, name, password);
    stranger = await openPage(browser, { width: 1280, scheme: "light" });
  }, PATIENCE);

  for (const one of lookedAt)
    test(
      `nothing is wrong with ${one.path}${one.isLoggedIn ? ", for an administrator" : ""}`,
      async () => {
        const opened = one.isLoggedIn ? known : stranger;
        opened.faults.length = 0;
        const response = await opened.page.goto(`${scene.server.url}${one.path}`);
        expect(response?.status()).toBe(one.status ?? 200);
        expect(await faultsIn(opened, one)).toEqual([]);
      },
      PATIENCE,
    );

  test(
    "nothing is wrong with a page that a link of an administrator leads to",
    async () => {
      stranger.faults.length = 0;
      const response = await stranger.page.goto(scene.invitation);
      expect(response?.status()).toBe(200);
      expect(await faultsIn(stranger, { path: "/-/invitation" })).toEqual([]);
    },
    PATIENCE,
  );

  for (const path of sceneLinks)
    test(
      `nothing is wrong with ${path}, for an administrator`,
      async () => {
        known.faults.length = 0;
        const response = await known.page.goto(`${scene.server.url}${scene.links[path]}`);
        expect(response?.status()).toBe(200);
        expect(await faultsIn(known, { path })).toEqual([]);
      },
      PATIENCE,
    );

  test(
    "what would be wrong is found: a picture without words, text that cannot be read, a page that is too wide",
    async () => {
      const opened = await openPage(browser, { width: 1280, scheme: "light" });
      const { page, context, faults } = opened;
      await page.goto(`${scene.server.url}/-/help`);
      await page.evaluate(() => {
        const main = document.querySelector("main")!;
        const wide = document.createElement("img");
        wide.src = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=";
        wide.style.width = "2000px";
        main.append(wide);
        const pale = Object.assign(document.createElement("p"), { textContent: "pale" });
        pale.style.color = "rgb(200 200 200)";
        pale.style.background = "rgb(210 210 210)";
        main.append(pale);
      });
      faults.length = 0;
      const found = JSON.stringify(await faultsIn(opened, { path: "/-/help" }));
      for (const want of ["image-alt", "color-contrast", "scrolls"]) expect(found).toContain(want);
      await context.close();
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
