// The script for fish, with what each command and option is for.
import { firstWords, type Kind, type Shape, secondWords } from "./completion-shape.ts";

export function fishScript(shapes: readonly Shape[]): string {
  const families = firstWords(shapes).flatMap(({ word }) => {
    const seconds = secondWords(shapes, word);
    return seconds.map((second) => complete(`__holdfast_at ${word}`, second));
  });
  return `# fish completion of Holdfast, made by: holdfast completion fish
# Whether the words before the cursor are these and no more.
function __holdfast_at
  set -l before (commandline -opc)
  test "$before[2..]" = "$argv"
end
# Whether they begin with these.
function __holdfast_in
  set -l before (commandline -opc)
  string match -q -- "$argv *" "$before[2..] "
end
complete -c holdfast -f
${firstWords(shapes)
  .map((first) => complete("__holdfast_at", first))
  .join("\n")}
${families.join("\n")}
${shapes.flatMap((shape) => ofCommand(shape, shapes)).join("\n")}
`;
}

function complete(when: string, { word, summary }: { word: string; summary: string }): string {
  return `complete -c holdfast -n ${quote(when)} -a ${quote(word)} -d ${quote(summary)}`;
}

function ofCommand({ name, words, options }: Shape, shapes: readonly Shape[]): string[] {
  const seconds = secondWords(shapes, name).map(
    ({ word }) => `; and not __holdfast_in ${name} ${word}`,
  );
  const when = quote(`__holdfast_in ${name}${seconds.join("")}`);
  const lines = options.map(
    ({ name, help, kind }) =>
      `complete -c holdfast -n ${when} -l ${name}${kind === null ? "" : ` -x${values(kind)}`} -d ${quote(help)}`,
  );
  if (typeof words !== "string")
    lines.push(
      `complete -c holdfast -n ${quote(`__holdfast_at ${name}`)} -a ${quote(words.join(" "))}`,
    );
  else if (words !== "other") lines.push(`complete -c holdfast -n ${when}${values(words)}`);
  return lines;
}

function values(kind: Kind): string {
  if (kind === "file") return " -a '(__fish_complete_path (commandline -ct))'";
  if (kind === "folder") return " -a '(__fish_complete_directories (commandline -ct))'";
  return kind === "other" ? "" : ` -a ${quote(kind.join(" "))}`;
}

function quote(text: string): string {
  return `'${text.replaceAll(/['\\]/g, "\\$&")}'`;
}
