import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { Operation } from "../core/operation.ts";
import { Problem } from "../core/problem.ts";
import { runCli } from "./index.ts";
import { type OperatingFormat, type OperationDeps, operationCommands } from "./operations.ts";
import { fakeTerminal } from "./testing.ts";

const folder = mkdtempSync(join(tmpdir(), "holdfast-operations-"));
afterAll(() => rmSync(folder, { recursive: true }));

const operation = (name: string, more: Partial<Operation> = {}): Operation => ({
  name,
  summary: `Does ${name}`,
  ...more,
});
const format = (name: string, operations: Operation[]): OperatingFormat => ({
  name,
  options: z.strictObject({}),
  operations,
});
const formats = [
  format("npm", []),
  format("deb", [
    operation("mirror run", { details: "All of it." }),
    operation("mirror clean", { flags: { "dry-run": "Only say", force: "All the same" } }),
  ]),
  format("rpm", [operation("mirror clean", { flags: { keys: "The keys too" } })]),
];
const file = join(folder, "holdfast.yaml");
writeFileSync(
  file,
  `repositories:
  debian: { format: deb, offline: true }
  fedora: { format: rpm, offline: true }
`,
);

async function run(line: string, deps: Partial<OperationDeps> = {}, terminal = fakeTerminal()) {
  const asked: unknown[] = [];
  const operate: OperationDeps["operate"] = async (config, { name, repository, flags }) => {
    asked.push([config.data, name, repository, [...flags]]);
    return true;
  };
  const commands = operationCommands({ formats, operate, signals: () => () => {}, ...deps });
  const argv = [...line.split(" "), "--config", file, "--data", "/data"];
  const code = await runCli(argv, commands, terminal);
  return { code, asked, ...terminal.printed };
}

/** Signals that a test sends. */
function signalling() {
  const state = { left: false, send: (_signal: NodeJS.Signals) => {} };
  const signals: OperationDeps["signals"] = (stop) => {
    state.send = stop;
    return () => {
      state.left = true;
    };
  };
  return { state, signals };
}

test("an operation is a command of two words, and its flags are switches", async () => {
  expect(await run("mirror clean debian --force --dry-run")).toMatchObject({
    code: 0,
    out: "",
    err: "",
    asked: [["/data", "mirror clean", "debian", ["dry-run", "force"]]],
  });
  expect((await run("mirror run debian")).asked).toEqual([["/data", "mirror run", "debian", []]]);
  expect((await run("mirror clean fedora --keys")).asked).toHaveLength(1);
});

test("its help is made from what the format says", async () => {
  const { code, out } = await run("mirror clean --help");
  expect(code).toBe(0);
  expect(out).toStartWith(
    "Does mirror clean.\n\nUsage: holdfast mirror clean REPOSITORY [OPTIONS]\n",
  );
  expect(out).toContain("  --dry-run      Only say\n  --force        All the same\n");
  expect((await run("mirror run --help")).out).toContain("\n\nAll of it.\n\nA server that runs");
});

const refused: [line: string, want: string][] = [
  ["mirror run debain", 'unknown repository "debain" (did you mean debian?)'],
  ["mirror clean other", 'unknown repository "other" (known: debian, fedora)'],
  [
    "mirror run npm",
    "npm is a repository of the format npm, which has no mirror run (these have: debian)",
  ],
  ["mirror run debian --force", "unknown option --force"],
];
for (const [line, want] of refused)
  test(`${line} is wrong usage`, async () => {
    const { code, err, asked } = await run(line);
    expect([code, asked]).toEqual([2, []]);
    expect(err).toContain(want);
  });

test("a configuration without such a repository says so", async () => {
  const other = formats.map((format) =>
    format.name === "npm" ? format : { ...format, operations: [] },
  );
  const all = [...other, format("odd", [operation("mirror run")])];
  const { code, err } = await run("mirror run debian", { formats: all });
  expect(code).toBe(2);
  expect(err).toContain("no repository of the configuration has mirror run\n");
});

test("plain lines tell how far it is, and what it says stays", async () => {
  const terminal = fakeTerminal();
  const operate: OperationDeps["operate"] = async (_config, _request, { progress, say }) => {
    say("12 files to fetch\u001b[2J");
    terminal.wait(11_000);
    progress(0, 0, "reading indices");
    terminal.wait(11_000);
    progress(6, 12, "6 of 12 files");
    return false;
  };
  const { out, code } = await run("mirror run debian", { operate }, terminal);
  expect(code).toBe(1);
  expect(out).toBe(`12 files to fetch?[2J
mirror run debian: reading indices
mirror run debian: 50 %  6 of 12 files, 22 s left
`);
});

test("a person sees a bar that goes in the end", async () => {
  const operate: OperationDeps["operate"] = async (_config, _request, { progress }) => {
    progress(1, 4, "hello");
    return true;
  };
  const { out } = await run("mirror run debian", { operate }, fakeTerminal({ tty: true }));
  expect(out).toContain("mirror run debian  ███████");
  expect(out).toContain(" 25 %  hello");
  expect(out).toEndWith("\r\x1b[2K");
});

test("a Problem is one line, and the end a failure", async () => {
  const { code, err } = await run("mirror run debian", {
    operate: () => Promise.reject(new Problem("conflict", "mirror run runs on debian already")),
  });
  expect([code, err]).toEqual([1, "holdfast mirror run: mirror run runs on debian already\n"]);
});

test("a signal stops it, and it is said that it was not the end", async () => {
  const { state, signals } = signalling();
  const operate: OperationDeps["operate"] = (_config, _request, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(new Error("whatever that was")));
      state.send("SIGINT");
    });
  const { code, out, err } = await run("mirror run debian", { operate, signals });
  expect([code, state.left]).toEqual([1, true]);
  expect(out).toBe("SIGINT: stopping; once more stops at once\n");
  expect(err).toBe("Stopped before the end.\n");
});

test("a second signal waits for nothing", async () => {
  const { state, signals } = signalling();
  const operate = () => {
    state.send("SIGTERM");
    state.send("SIGTERM");
    return new Promise<boolean>(() => {});
  };
  const { code, err } = await run("mirror run debian", { operate, signals });
  expect([code, err]).toEqual([1, "Stopped before the end.\n"]);
});
