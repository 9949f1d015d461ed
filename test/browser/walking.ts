// An operator who walks through pages by clicks, on a server that does nothing by itself: each of its jobs is begun by the walk.
import type { Browser, Page } from "playwright-core";
import { makeAccounts } from "../support/accounts.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";
import { logIn, openPage } from "./chromium.ts";

const WHO = { user: "ann", password: "a long pass phrase" };
const OVERVIEW = "/-/operator";
const LIMIT = 60_000;

export interface Walk {
  readonly server: TestServer;
  readonly upstream: FakeUpstream;
  readonly page: Page;
  /** The path of the page that is open. */
  here(): string;
  open(path: string): Promise<void>;
  /** From the home page to the overview, and on by the link beside the line that says this. */
  follow(line: RegExp): Promise<void>;
  click(name: string | RegExp): Promise<void>;
  press(name: string | RegExp): Promise<void>;
  says(text: string | RegExp): Promise<void>;
  /** What the lines of the overview say now. */
  lines(): Promise<string[]>;
  /** Says of the one event that waits for somebody that it was seen: what happened stays a line until then, also when it is over. */
  seen(kind: string): Promise<void>;
  /** As a client asks: the status, after the last byte. */
  fetched(path: string): Promise<number>;
  // biome-ignore lint/suspicious/noExplicitAny: an answer as its endpoint has it
  api(path: string): Promise<any>;
  /** Begins a turn of a job, by its name. */
  turn(job: string): Promise<void>;
  /** Until the API says so. */
  // biome-ignore lint/suspicious/noExplicitAny: an answer as its endpoint has it
  until(path: string, isSo: (answer: any) => boolean): Promise<void>;
  /** Until the long work whose page is open has ended, as which is returned. */
  ended(): Promise<string>;
  stop(): Promise<void>;
}

export async function openWalk(
  browser: Browser,
  options: Parameters<typeof startServer>[1] = {},
  prepare: (upstream: FakeUpstream) => void = () => {},
): Promise<Walk> {
  const upstream = await startUpstream();
  prepare(upstream);
  const server = await startServer(upstream, {
    access: { anonymous: "read" },
    hasSchedule: false,
    ...options,
  });
  const [token] = await makeAccounts(server, [{ ...WHO, actions: ["admin"] }]);
  await server.restart();
  const { page, context } = await openPage(browser, { width: 1280, scheme: "light" });
  await logIn(page, server.url, WHO.user, WHO.password);
  page.setDefaultTimeout(LIMIT);
  const main = page.locator("main");

  async function ask(method: string, path: string): Promise<Response> {
    const headers = { authorization: `Bearer ${token}` };
    return fetch(`${server.url}/-/api/v1${path}`, { method, headers });
  }
  const walk: Walk = {
    server,
    upstream,
    page,
    here: () => new URL(page.url()).pathname,
    async open(path) {
      await page.goto(`${server.url}${path}`);
    },
    async follow(line) {
      await walk.open("/");
      await walk.click("Overview");
      await page.locator(".notice li", { hasText: line }).getByRole("link").click();
    },
    click: (name) => main.getByRole("link", { name }).first().click(),
    press: (name) => main.getByRole("button", { name }).first().click(),
    says: (text) => main.getByText(text).first().waitFor(),
    async lines() {
      await walk.open(OVERVIEW);
      return page.locator(".notice li").allTextContents();
    },
    async seen(kind) {
      await walk.follow(/An event that nobody has looked at is serious/);
      await page.locator("tbody").getByRole("link", { name: kind, exact: true }).click();
      await walk.press("I have seen it");
      await walk.says(`${WHO.user} has seen it`);
    },
    async fetched(path) {
      const response = await fetch(`${server.url}${path}`);
      await response.arrayBuffer();
      return response.status;
    },
    api: async (path) => (await ask("GET", path)).json(),
    async turn(job) {
      const { status } = await ask("POST", `/jobs/${encodeURIComponent(job)}/run`);
      if (status >= 300) throw new Error(`${job} was answered with ${status}`);
      const isOver = ({ items }: { items: { name: string; isRunning: boolean }[] }) =>
        items.some(({ name, isRunning }) => name === job && !isRunning);
      await walk.until("/jobs?limit=1000", isOver);
    },
    async until(path, isSo) {
      let last: unknown = null;
      await waitFor(
        async () => {
          last = await walk.api(path);
          return isSo(last);
        },
        () => `${path} says ${JSON.stringify(last).slice(0, 2_000)}`,
        LIMIT,
      );
    },
    async ended() {
      const path = `/operations/${walk.here().split("/").at(-1)}`;
      await walk.until(path, ({ state }) => state !== "running");
      // The page goes on by itself to what it says at the end, perhaps in this moment.
      await page.reload().catch(() => page.waitForLoadState());
      return (await walk.api(path)).state;
    },
    async stop() {
      await context.close();
      await server.stop();
      await upstream.stop();
    },
  };
  return walk;
}
