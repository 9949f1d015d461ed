import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../test/support/temp.ts";
import { commands } from "../main.ts";
import { bashScript } from "./completion-bash.ts";
import { shapesOf } from "./completion-shape.ts";
import { runCli } from "./index.ts";
import { fakeTerminal } from "./testing.ts";

const script = bashScript(shapesOf(commands()));

/** What bash offers for the last of the words. */
function offers(words: readonly string[], cwd = "."): string[] {
  const asked = `${script}
compopt() { :; }
COMP_WORDS=(holdfast ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}
_holdfast; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["-c", asked], { cwd, encoding: "utf8" });
  expect(stderr).toBe("");
  return stdout.split("\n").filter(Boolean);
}

const lines: [words: string[], want: string[]][] = [
  [["ser"], ["serve"]],
  [["--v"], ["--version"]],
  [["backup", "v"], ["verify"]],
  [
    ["config", "s"],
    ["show", "schema"],
  ],
  [["config", "show", "s"], []],
  [
    ["completion", ""],
    ["bash", "zsh", "fish"],
  ],
  [
    ["user", "i"],
    ["import", "invite"],
  ],
  [["user", "add", "ann", "--a"], ["--admin"]],
  [["serve", "--off"], ["--offline"]],
  [["serve", "--listen", ""], []],
  [["nothing", "--"], []],
  [["serve", "--config", "h"], ["holdfast.yaml"]],
  [["serve", "--config", "=", "h"], ["holdfast.yaml"]],
  [
    ["serve", "--config", "="],
    ["data", "holdfast.yaml"],
  ],
  [["serve", "--data", ""], ["data"]],
  [["backup", "da"], ["data"]],
  [["backup", "verify", "da"], ["data"]],
  [["feeds", "import", "h"], ["holdfast.yaml"]],
];

describe("bash completes", () => {
  const folder = tempFolder("completion");
  afterAll(() => removeTemp(folder));
  mkdirSync(join(folder, "data"));
  writeFileSync(join(folder, "holdfast.yaml"), "");
  for (const [words, want] of lines)
    test(`holdfast ${words.join(" ")}`, () =>
      expect(offers(words, folder).sort()).toEqual([...want].sort()));
});

test("every command and every option of it is offered", () => {
  for (const { name, options } of shapesOf(commands())) {
    const [first, second] = name.split(" ");
    expect(offers(second === undefined ? [first!] : [first!, second])).toContain(second ?? first!);
    const asked = offers([...name.split(" "), "--"]).sort();
    expect([name, asked]).toEqual([name, options.map((option) => `--${option.name}`).sort()]);
  }
}, 60_000);

test("each shell has its script, and no other shell any", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const terminal = fakeTerminal();
    expect(await runCli(["completion", shell], commands(), terminal)).toBe(0);
    expect(terminal.printed.out).toContain(`made by: holdfast completion ${shell}`);
  }
  for (const words of [["completion"], ["completion", "csh"]]) {
    const terminal = fakeTerminal();
    expect(await runCli(words, commands(), terminal)).toBe(2);
    expect(terminal.printed.err).toContain("zsh");
  }
});
