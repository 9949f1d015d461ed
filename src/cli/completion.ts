// `holdfast completion`: what a shell needs to complete Holdfast's command lines, made of what the commands say of themselves.
import { type Command, UsageError } from "./arguments.ts";
import { bashScript } from "./completion-bash.ts";
import { fishScript } from "./completion-fish.ts";
import { type Shape, shapesOf } from "./completion-shape.ts";
import { zshScript } from "./completion-zsh.ts";

const scripts: Readonly<Record<string, (shapes: readonly Shape[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** `commands`: all that there are, asked for when it runs. */
export function completionCommand(commands: () => readonly Command[]): Command {
  const shells = Object.keys(scripts);
  return {
    name: "completion",
    words: shells.join("|"),
    summary: "Print what a shell needs to complete these commands",
    options: {},
    details: `Packages of Debian bring it for all three. By hand: the shell reads it at its start, as below.`,
    examples: [
      ["completion bash", "In ~/.bashrc: source <(holdfast completion bash)"],
      ["completion zsh", "Into a file _holdfast of a folder of $fpath"],
      ["completion fish", "Into ~/.config/fish/completions/holdfast.fish"],
    ],
    async run(given, terminal) {
      const script = scripts[given.words[0] ?? ""];
      if (!script) throw new UsageError(`what is missing: ${shells.join("|")}`);
      terminal.out(script(shapesOf(commands())));
      return 0;
    },
  };
}
