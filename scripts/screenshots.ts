// Makes the pictures of the README, of a server with seeded data: nothing in them is anybody's. Needs Chromium.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { launchChromium, openPage } from "../test/browser/chromium.ts";
import { openScene } from "../test/browser/scene.ts";

const FOLDER = join(import.meta.dirname, "..", "docs", "pictures");
const LARGEST = 150_000;

const pictures: [name: string, path: string, height: number][] = [
  ["package", "/-/packages/npm/tideline", 820],
  ["version", "/-/packages/npm/tideline/v/1.2.0", 820],
];

const scene = await openScene("https://packages.example.com");
const browser = await launchChromium();
mkdirSync(FOLDER, { recursive: true });
for (const [name, path, height] of pictures)
  for (const scheme of ["light", "dark"] as const) {
    const { page, context } = await openPage(browser, { width: 1280, scheme });
    await page.setViewportSize({ width: 1280, height });
    await page.goto(`${scene.server.url}${path}`);
    const picture = await asWebp(browser, await page.screenshot());
    if (picture.length > LARGEST) throw new Error(`${name} is of ${picture.length} bytes`);
    const file = `${name}-${scheme}.webp`;
    writeFileSync(join(FOLDER, file), picture);
    console.log(`docs/pictures/${file}: ${picture.length} bytes`);
    await context.close();
  }
await browser.close();
await scene.stop();

/** A third of what PNG takes; Chromium has the encoder. */
async function asWebp(browser: Browser, png: Buffer): Promise<Buffer> {
  const page = await browser.newPage();
  const url = await page.evaluate(async (base64) => {
    const image = new Image();
    image.src = `data:image/png;base64,${base64}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    canvas.getContext("2d")!.drawImage(image, 0, 0);
    return canvas.toDataURL("image/webp", 0.9);
  }, png.toString("base64"));
  await page.close();
  return Buffer.from(url.slice(url.indexOf(",") + 1), "base64");
}
