// The script for zsh, with what each command and option is for.
import { firstWords, type Kind, type Shape, secondWords } from "./completion-shape.ts";

export function zshScript(shapes: readonly Shape[]): string {
  const families = firstWords(shapes).filter(({ word }) => secondWords(shapes, word).length > 0);
  return `#compdef holdfast
# zsh completion of Holdfast, made by: holdfast completion zsh
_holdfast() {
  local -a first second
  local name
  first=(
${described(firstWords(shapes))}
  )
  if (( CURRENT == 2 )); then
    _describe -t commands command first
    return
  fi
  case $words[2] in
${families.map(({ word }) => `    ${word}) second=(\n${described(secondWords(shapes, word))}\n    ) ;;`).join("\n")}
  esac
  name=$words[2]
  if (( CURRENT == 3 && $#second )) && [[ $words[3] != -* ]]; then
    _describe -t commands command second
  fi
  if (( CURRENT > 3 )) && [[ -n \${(M)second:#$words[3]:*} ]]; then
    name="$words[2] $words[3]"
    shift words
    (( CURRENT-- ))
  fi
  shift words
  (( CURRENT-- ))
  case $name in
${shapes.map(commandCase).join("\n")}
  esac
}
if [ "$funcstack[1]" = "_holdfast" ]; then _holdfast "$@"; else compdef _holdfast holdfast; fi
`;
}

function described(list: readonly { word: string; summary: string }[]): string {
  return list.map(({ word, summary }) => `      ${quote(`${word}:${summary}`)}`).join("\n");
}

function commandCase({ name, words, options }: Shape): string {
  const specs = options.map(({ name, help, kind }) => {
    const text = help.replace(/[\\\][]/g, "\\$&");
    return quote(kind === null ? `--${name}[${text}]` : `--${name}=[${text}]${action(kind)}`);
  });
  // Without one for words an option behind a word is not completed.
  specs.push(quote(typeof words === "string" ? `*${action(words)}` : `1${action(words)}`));
  return `    ${quote(name)}) _arguments ${specs.join(" ")} ;;`;
}

function action(kind: Kind): string {
  if (kind === "file") return ":file:_files";
  if (kind === "folder") return ":folder:_files -/";
  return kind === "other" ? ": :( )" : `:word:(${kind.join(" ")})`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
