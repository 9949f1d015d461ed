import { expect, test } from "bun:test";
import { join } from "node:path";
import { z } from "zod";
import { runCli } from "./index.ts";
import { type Running, type ServeDeps, serveCommand } from "./serve.ts";
import { type FakeTerminal, fakeTerminal } from "./testing.ts";

const formats: ServeDeps["formats"] = [
  {
    name: "npm",
    options: z.strictObject({}),
    setup: (url) => [{ client: "npm", file: "~/.npmrc", text: `registry=${url}/\n` }],
  },
  {
    name: "pypi",
    options: z.strictObject({}),
    setup: (url) => [
      { client: "pip", file: "shell", text: `pip config set global.index-url ${url}/\n` },
      { client: "pip", file: "~/.config/pip/pip.conf", text: `[global]\nindex-url = ${url}/\n` },
    ],
  },
];

type Signal = "SIGTERM" | "SIGINT";

/** Runs `serve` with signals that the test sends: they arrive once the server has started. */
async function serve(
  signals: Signal[],
  stop: () => Promise<void>,
  settings: { argv?: string[]; terminal?: FakeTerminal; graceMs?: number; code?: string } = {},
) {
  const terminal = settings.terminal ?? fakeTerminal();
  let left = false;
  const command = serveCommand({
    formats,
    start: async ({ listen }): Promise<Running> => ({
      stop,
      url: `http://${listen.host === "::" ? "[::]" : "127.0.0.1"}:${listen.port}`,
      setupCode: () => settings.code ?? null,
    }),
    signals(send) {
      for (const signal of signals) send(signal);
      return () => {
        left = true;
      };
    },
    graceMs: settings.graceMs ?? 30_000,
  });
  const argv = settings.argv ?? ["--data", "/data"];
  const code = await runCli(["serve", ...argv], [command], terminal);
  return { code, left, out: terminal.printed.out, err: terminal.printed.err };
}

const never = () => new Promise<void>(() => undefined);
const messages = (out: string) =>
  out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).msg);

test("a person sees where it is, what each client sets, and where the data is", async () => {
  const { out } = await serve(["SIGINT"], async () => undefined, {
    terminal: fakeTerminal({ tty: true }),
  });
  expect(out.slice(0, out.indexOf("serves others too."))).toBe(`
Holdfast serves on http://127.0.0.1:4653

  npm   ~/.npmrc                registry=http://127.0.0.1:4653/npm/
  pypi  ~/.config/pip/pip.conf  index-url = http://127.0.0.1:4653/pypi/

Data in /data. Stop with Ctrl-C.
Only this machine is served; --listen 0.0.0.0:4653 `);
});

test("the first administrator's page and code stand on lines of their own", async () => {
  const { out } = await serve(["SIGINT"], async () => undefined, {
    terminal: fakeTerminal({ tty: true }),
    code: "AAAA-BBBB-CCCC",
  });
  expect(out).toContain(
    "make the first administrator:\n  http://127.0.0.1:4653/-/setup\n  with the code AAAA-BBBB-CCCC\n",
  );
  const everywhere = await serve(["SIGINT"], async () => undefined, {
    argv: ["--data", "/data", "--listen", "[::]:4653"],
    code: "AAAA-BBBB-CCCC",
  });
  // An address of this machine, in a browser elsewhere too.
  expect(JSON.parse(everywhere.out.split("\n")[0]!).setup).toMatch(
    /^http:\/\/\d+\.\d+\.\d+\.\d+:4653\/-\/setup$/,
  );
});

test("what to do next is told, and an address that can be opened", async () => {
  const { out } = await serve(["SIGINT"], async () => undefined, {
    terminal: fakeTerminal({ tty: true }),
    argv: ["--listen", "[::]:8080"],
  });
  expect(out).toContain("\nHoldfast serves on http://127.0.0.1:8080\n");
  expect(out).toContain("\nOther machines are served too: they say this machine's name");
  expect(out).toContain(`
Next, in another terminal:
  ./holdfast setup npm --write --listen [::]:8080  sets npm up for you
  ./holdfast doctor --listen [::]:8080             looks whether all is well
  http://127.0.0.1:8080/                           shows what is served, in a browser
`);
});

test("offline is told", async () => {
  const { out } = await serve(["SIGINT"], async () => undefined, {
    terminal: fakeTerminal({ tty: true }),
    argv: ["--offline", "--listen", "0.0.0.0:80"],
  });
  expect(out).toContain("Offline: nothing is asked from any upstream.\n");
  expect(out).not.toContain("Only this machine");
});

test("elsewhere it is one line of JSON each", async () => {
  const { out, code, left } = await serve(["SIGTERM"], async () => undefined);
  const [first] = out.split("\n");
  expect(JSON.parse(first!)).toMatchObject({
    level: "info",
    msg: "Holdfast serves on http://127.0.0.1:4653",
    repositories: "npm,pypi",
    data: "/data",
    offline: false,
  });
  expect(messages(out).slice(1)).toEqual([
    "SIGTERM: finishing running responses; once more stops at once",
    "Stopped",
  ]);
  expect([code, left]).toEqual([0, true]);
});

test("a second signal does not wait", async () => {
  const { out, code } = await serve(["SIGINT", "SIGINT"], never);
  expect(code).toBe(1);
  expect(messages(out).at(-1)).toBe("Stopped by a second SIGINT: running responses were cut");
});

test("responses that never end are cut when their time is over", async () => {
  const { out, code } = await serve(["SIGTERM"], never, { graceMs: 1 });
  expect(code).toBe(0);
  expect(messages(out).at(-1)).toBe("Stopped after 0.001 s: running responses were cut");
});

const failures: [code: string, want: string][] = [
  ["EADDRINUSE", "the port is taken. `holdfast doctor` looks by whom"],
  ["EACCES", "permission denied. Ports below 1024 need a privilege"],
  ["EADDRNOTAVAIL", "this machine has no such address"],
];
for (const [code, want] of failures)
  test(`a start that fails with ${code} is explained`, async () => {
    const terminal = fakeTerminal();
    const start = () => Promise.reject(Object.assign(new Error("listen failed"), { code }));
    const argv = ["serve", "--listen", "127.0.0.1:80"];
    expect(await runCli(argv, [serveCommand({ formats, start })], terminal)).toBe(1);
    expect(terminal.printed.err).toBe(`holdfast serve: cannot listen on 127.0.0.1:80: ${want}\n`);
  });

const dataFailures: [code: string, path: string | undefined, want: string][] = [
  ["EACCES", "/data", "permission denied"],
  ["ENOTDIR", "/data/blobs", "there is a file in its place (/data/blobs)"],
  ["EROFS", "/data", "its disk can only be read"],
  ["SQLITE_READONLY_DIRECTORY", undefined, "it can only be read"],
];
for (const [code, path, want] of dataFailures)
  test(`a data directory that fails with ${code} is explained`, async () => {
    const terminal = fakeTerminal();
    const start = () => Promise.reject(Object.assign(new Error("failed"), { code, path }));
    const command = serveCommand({ formats, start });
    expect(await runCli(["serve", "--data", "/data"], [command], terminal)).toBe(1);
    expect(terminal.printed.err).toBe(
      `holdfast serve: the data directory /data cannot be used: ${want}. It must be a folder of the user that Holdfast runs as; another is given with --data\n`,
    );
  });

test("another file's failure is told as it is", async () => {
  const terminal = fakeTerminal();
  const error = Object.assign(new Error("EACCES: open '/etc/x'"), {
    code: "EACCES",
    path: "/etc/x",
  });
  const command = serveCommand({ formats, start: () => Promise.reject(error) });
  expect(await runCli(["serve", "--data", "/data"], [command], terminal)).toBe(1);
  expect(terminal.printed.err).toBe("holdfast serve: EACCES: open '/etc/x'\n");
});

for (const signal of ["SIGTERM", "SIGINT"] as const)
  test(`a real ${signal} ends the process, and nothing keeps it alive`, async () => {
    const script = `
      import { z } from "zod";
      import { runCli } from ${JSON.stringify(join(import.meta.dir, "index.ts"))};
      import { serveCommand } from ${JSON.stringify(join(import.meta.dir, "serve.ts"))};
      const open = setInterval(() => {}, 1000);
      const stop = async () => clearInterval(open);
      const formats = [{ name: "npm", options: z.strictObject({}), setup: () => [] }];
      const start = async () => ({ url: "http://127.0.0.1:1", stop });
      process.exitCode = await runCli(["serve"], [serveCommand({ formats, start })]);
    `;
    const child = Bun.spawn([process.execPath, "-e", script], {
      cwd: import.meta.dir,
      stdout: "pipe",
    });
    const reader = child.stdout.getReader();
    await reader.read(); // It has started and says so.
    child.kill(signal);
    expect(await child.exited).toBe(0);
  });
