import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "../../test/support/temp.ts";
import { loadConfig } from "../config/load.ts";
import { createLog } from "../core/log.ts";
import { formats } from "../formats/index.ts";
import { type Running, start } from "../server/start.ts";
import { alarmCommands, checkAlarms } from "./alarms.ts";
import { findRunning } from "./checks.ts";
import { operate } from "./errands.ts";
import { runCli } from "./index.ts";
import { fakeTerminal } from "./testing.ts";

const home = tempFolder("alarms");
const data = join(home, "data");
const file = join(home, "holdfast.yaml");
const load = () => loadConfig({ file, formats, flags: { data, listen: "127.0.0.1:0" }, env: {} });
let server: Running;

beforeAll(async () => {
  writeFileSync(file, JSON.stringify({ offline: true }));
  server = await start({ config: load(), log: createLog("json", () => {}), hasControl: true });
  await server.database.write(
    (sql) => sql`INSERT INTO alarms (rule, repository, subject, message, since, told_at) VALUES
      ('tampered', 'npm', 'tampered', 'left is other bytes now', 1764000000000, 1764000000000),
      ('held', 'pypi', 'withheld', ${"old is held\u001b[2J"}, 1764000060000, 1764000060000)`,
  );
});
afterAll(() => server.stop(0));

async function run(...argv: string[]) {
  const terminal = fakeTerminal({ now: Date.now });
  const commands = alarmCommands({
    formats,
    operate: (...[config, request, call]) => operate(start, config, request, call),
  });
  const [first = "", second = "", ...rest] = argv;
  const args = [first, second, "--config", file, "--data", data, ...rest];
  const code = await runCli(args, commands, terminal);
  return { code, ...terminal.printed };
}

test("what is open is shown, silenced in the server that runs, and told to doctor", async () => {
  const listed = await run("alarms", "list");
  expect(listed).toMatchObject({ code: 1, err: "" });
  expect(listed.out).toMatch(
    /^2025-11-24 16:00 +tampered +npm +left is other bytes now\n.*held +pypi/,
  );
  expect(listed.out).not.toContain("\u001b");
  const doctor = await checkAlarms(load(), Date.now(), findRunning(data));
  expect(doctor.map(({ state, text }) => [state, text.slice(0, 8)])).toEqual([
    ["bad", "tampered"],
    ["warning", "held, si"],
  ]);
  expect((await checkAlarms(load(), Date.now(), null)).map(({ state }) => state)).toEqual([
    "warning",
    "warning",
  ]);

  const made = await run("alarms", "silence", "tampered", "--for", "4h", "--reason", "known");
  expect(made.out).toMatch(
    /^The alarm tampered is silent until .*Z\. It is the silence [\w-]+\.\n$/,
  );
  const all = await run(
    "alarms",
    "silence",
    "all",
    "--for",
    "1d",
    "--reason",
    "x",
    "--repository",
    "pypi",
  );
  expect(all.out).toStartWith("Every alarm of pypi is silent until ");
  const quiet = await run("alarms", "list", "--json");
  expect(quiet.code).toBe(0);
  expect(
    JSON.parse(quiet.out).alarms.map((one: { isSilenced: boolean }) => one.isSilenced),
  ).toEqual([true, true]);
  const shown = (await run("alarms", "list")).out;
  expect(shown).toMatch(/other bytes now \(silenced\)\n/);
  expect(shown).toMatch(/\nSilence \w{8}: tampered until .*, by the operator .*: known\n/);
  expect(await checkAlarms(load(), Date.now(), null)).toEqual([]);

  const [, id = ""] = /silence ([\w-]+)\.\n$/.exec(made.out)!;
  expect((await run("alarms", "unsilence", id.slice(0, 8))).out).toStartWith(
    "Told again: tampered.",
  );
  expect((await run("alarms", "list")).code).toBe(1);
});

test("what is not asked rightly is said, with what to do", async () => {
  for (const [args, why] of [
    [["silence", "tamperd", "--for", "4h", "--reason", "x"], "tampered"],
    [["silence", "tampered", "--reason", "x"], "--for takes how long"],
    [["silence", "tampered", "--for", "soon", "--reason", "x"], "--for takes how long"],
    [["silence", "tampered", "--for", "4h"], "--reason TEXT says why"],
    [["silence", "tampered", "--for", "91d", "--reason", "x"], "90 days at most"],
    [
      ["silence", "tampered", "--for", "4h", "--reason", "x", "--repository", "nmp"],
      "no repository nmp",
    ],
    [["unsilence", "none"], "There is no silence none"],
  ] as const) {
    const { code, err } = await run("alarms", ...args);
    expect([args, code === 0, err]).toEqual([args, false, expect.stringContaining(why)]);
  }
});
