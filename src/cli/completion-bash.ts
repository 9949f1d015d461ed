// The script for bash. It needs nothing but bash 4: not the package bash-completion, whose loader finds it by its name.
import type { Kind, Shape } from "./completion-shape.ts";
import { firstWords, secondWords } from "./completion-shape.ts";

export function bashScript(shapes: readonly Shape[]): string {
  const families = firstWords(shapes).filter(({ word }) => secondWords(shapes, word).length > 0);
  return `# bash completion of Holdfast, made by: holdfast completion bash
_holdfast() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  # bash takes --option=value for three words.
  if [[ $cur == "=" ]]; then cur=""; elif [[ $prev == "=" ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "${words(firstWords(shapes))} --help --version" -- "$cur"))
    return
  fi
  local first=\${COMP_WORDS[1]} name=\${COMP_WORDS[1]} own=1 seconds="" files="" folders="" others="" switches="" kind="other"
  case $first in
${families.map(({ word }) => `    ${word}) seconds="${words(secondWords(shapes, word))}" ;;`).join("\n")}
  esac
  if ((COMP_CWORD > 2)) && [[ " $seconds " == *" \${COMP_WORDS[2]} "* ]]; then
    name="$first \${COMP_WORDS[2]}" own=2
  fi
  case $name in
${shapes.map(commandCase).join("\n")}
  esac
  if [[ " $others " == *" $prev "* ]]; then return; fi
  if [[ " $files " == *" $prev "* ]]; then kind=file
  elif [[ " $folders " == *" $prev "* ]]; then kind=folder
  elif [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$files $folders $others $switches" -- "$cur"))
    return
  elif ((COMP_CWORD == 2)) && [[ -n $seconds ]]; then
    COMPREPLY=($(compgen -W "$seconds" -- "$cur"))
  fi
  case $kind in
    file) compopt -o filenames; mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur") ;;
    folder) compopt -o filenames; mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$cur") ;;
    other) ;;
    *) ((COMP_CWORD > own + 1)) || COMPREPLY+=($(compgen -W "$kind" -- "$cur")) ;;
  esac
}
complete -F _holdfast holdfast ./holdfast
`;
}

function commandCase({ name, words, options }: Shape): string {
  const of = (wanted: (kind: Kind | null) => boolean) =>
    options
      .filter(({ kind }) => wanted(kind))
      .map((option) => `--${option.name}`)
      .join(" ");
  const parts = [
    ["files", of((kind) => kind === "file")],
    ["folders", of((kind) => kind === "folder")],
    ["others", of((kind) => kind === "other" || Array.isArray(kind))],
    ["switches", of((kind) => kind === null)],
    ["kind", typeof words === "string" ? (words === "other" ? "" : words) : words.join(" ")],
  ];
  const set = parts.filter(([, text]) => text).map(([part, text]) => `${part}="${text}"`);
  return `    "${name}") ${set.join(" ")} ;;`;
}

function words(list: readonly { word: string }[]): string {
  return list.map(({ word }) => word).join(" ");
}
