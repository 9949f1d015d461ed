// A real browser, as Debian packages it; null where the machine has none.
import { existsSync } from "node:fs";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath =
  process.env["HOLDFAST_TEST_CHROMIUM"] ?? PLACES.find((path) => existsSync(path));

/** A machine that does much else has a slow browser. */
const PATIENCE = 240_000;

export const hasChromium = executablePath !== undefined;

export function launchChromium(): Promise<Browser> {
  // Without a sandbox: it shows nothing but pages of ours, also where the tests run as root.
  return chromium.launch({
    executablePath: executablePath!,
    args: ["--no-sandbox"],
    timeout: PATIENCE,
  });
}

export interface Look {
  width: number;
  scheme: "light" | "dark";
  hasScript?: boolean;
}

/** A page in a context of its own; `faults` fills with what the browser complains about, refusals by the policy among it. */
export async function openPage(
  browser: Browser,
  { width, scheme, hasScript = true }: Look,
): Promise<{ page: Page; context: BrowserContext; faults: string[] }> {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: scheme,
    javaScriptEnabled: hasScript,
    reducedMotion: "reduce",
  });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("request", (request) => {
    const { hostname } = new URL(request.url());
    if (hostname !== "127.0.0.1" && hostname !== "localhost") faults.push(`asks ${request.url()}`);
  });
  return { page, context, faults };
}

/** As a person does, by the form. */
export async function logIn(
  page: Page,
  url: string,
  name: string,
  password: string,
): Promise<void> {
  await page.goto(`${url}/-/login`);
  await page.fill("input[name=name]", name);
  await page.fill("input[name=password]", password);
  await Promise.all([page.waitForURL(`${url}/-/account`), page.click("main form button")]);
}
