// Whether a text is a go.mod, as the go command reads those of dependencies: what it does not know is passed over.
// https://go.dev/ref/mod#go-mod-file-lexical
import { Problem } from "../../core/problem.ts";

const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** Throws Problem("malformed") unless it has one `module` directive, every block has its end, and each line begins as directives do. */
export function checkMod(bytes: Uint8Array): void {
  const text = decode(bytes);
  let isInBlock = false;
  let modules = 0;
  for (const line of withoutComments(text).split("\n")) {
    const words = line.trim().replace(/\($/, " (").split(/\s+/);
    const [first = ""] = words;
    if (first === "") continue;
    if (isInBlock) {
      if (first === ")") isInBlock = false;
      continue;
    }
    if (!/^[a-z]+$/.test(first))
      throw bad(`a line that begins with ${JSON.stringify(first.slice(0, 40))}`);
    const isBlock = words.at(-1) === "(";
    if (first === "module") {
      if (words.length !== 2) throw bad("a module directive that names no module");
      modules += 1;
    }
    isInBlock = isBlock;
  }
  if (isInBlock) throw bad("a block without an end");
  if (modules !== 1) throw bad(modules === 0 ? "no module directive" : "two module directives");
}

function decode(bytes: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw bad("bytes that are no UTF-8");
  }
  if (CONTROL.test(text)) throw bad("control characters");
  return text;
}

/** A comment reaches to the end of its line; "//" within a path in quotes begins none. */
function withoutComments(text: string): string {
  return text.replace(/"(?:[^"\\\n]|\\.)*"|`[^`]*`|\/\/[^\n]*/g, (found) =>
    found.startsWith("//") ? "" : found,
  );
}

function bad(reason: string): Problem {
  return new Problem("malformed", `Not a go.mod: it has ${reason}`);
}
