// Shells that complete Holdfast's command lines, each as somebody types in it. For bash see src/cli/completion.test.ts.
import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fishScript } from "../../src/cli/completion-fish.ts";
import { shapesOf } from "../../src/cli/completion-shape.ts";
import { zshScript } from "../../src/cli/completion-zsh.ts";
import { commands } from "../../src/main.ts";
import { run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { withPrograms } from "./clients.ts";

const home = tempFolder("shells");
afterAll(() => removeTemp(home));
const env = { PATH: process.env["PATH"] ?? "", HOME: home, LANG: "C.UTF-8", TERM: "xterm" };
const shapes = shapesOf(commands());
writeFileSync(join(home, "holdfast.yaml"), "");

withPrograms(["zsh"], () => {
  test("zsh completes what has one end, when the tabulator is pressed", async () => {
    const script = join(home, "completion.zsh");
    writeFileSync(script, zshScript(shapes));
    const typed: [keys: string, line: string][] = [
      ["ser", "serve"],
      ["backup ver", "backup verify"],
      ["config sch", "config schema"],
      ["serve --off", "serve --offline"],
      ["user add ann --adm", "user add ann --admin"],
      ["serve --config hold", "serve --config holdfast.yaml"],
    ];
    // A shell in a terminal of its own, in which the command only says what it was given.
    const ask = join(home, "ask.zsh");
    writeFileSync(
      ask,
      `zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "cd ${home}; PS1='' RPS1=''; autoload -Uz compinit; compinit -u -D; source ${script}; holdfast() { print -r -- \\"[\\$*]\\" }; print RE''ADY"
zpty -r z line '*READY*'
${typed.map(([keys]) => `zpty -w z $'holdfast ${keys}\\t'; zpty -r z line '*\\[[a-z]*\\]*'; print -r -- $line`).join("\n")}
zpty -d z
`,
    );
    const { output } = await run(["zsh", "-f", ask], { cwd: home, env, timeout: 60_000 });
    const lines = [...output.matchAll(/^\[([a-z][^\]]*)\]\r?$/gm)].map(([, line]) => line!);
    expect([lines, output]).toEqual([typed.map(([, line]) => line), output]);
  }, 90_000);
});

withPrograms(["fish"], () => {
  test("fish offers commands, options, words and files, with what they are for", async () => {
    const script = join(home, "completion.fish");
    writeFileSync(script, fishScript(shapes));
    const asked: [line: string, want: string[]][] = [
      ["serv", ["serve\tServe the repositories"]],
      ["backup ver", ["verify\tRe-hash a backup, and say what of it is damaged"]],
      ["config ", ["check", "schema", "show"]],
      ["user add --adm", ["--admin\tMay do everything"]],
      ["backup verify --h", ["--help\tShow this"]],
      ["serve --listen ", []],
      ["serve --config hold", ["holdfast.yaml"]],
    ];
    for (const [line, want] of asked) {
      const ask = `source ${script}; complete -C "holdfast ${line}"`;
      const { output } = await run(["fish", "--no-config", "-c", ask], { cwd: home, env });
      expect([line, output.split("\n").filter(Boolean)]).toEqual([line, want]);
    }
  }, 90_000);
});
