// The queries that stand in the sources: every template of `sql` or `….read`, and of another tag that begins as a query does.

export interface Found {
  file: string;
  line: number;
  /** As it is written, with `?` for each value. */
  text: string;
}

const START =
  /(?:(?<!`)\bsql`|\.read`|[\w)]`\s*(?=(?:SELECT|INSERT|UPDATE|DELETE|WITH|VALUES|PRAGMA)\b))/g;

export function queriesIn(file: string, source: string): Found[] {
  const found: Found[] = [];
  for (const { index, 0: start } of source.matchAll(START)) {
    const before = source.slice(0, index);
    const line = before.slice(before.lastIndexOf("\n") + 1);
    if (/^\s*(\/\/|\/?\*)/.test(line)) continue; // a comment tells of one
    const open = index + start.indexOf("`") + 1;
    found.push({ file, line: before.split("\n").length, text: templateAt(source, open) });
  }
  return found;
}

/** Up to the backtick that ends it; a value may hold templates of its own. */
function templateAt(source: string, open: number): string {
  let text = "";
  for (let at = open; at < source.length && source[at] !== "`"; ) {
    if (source.startsWith("${", at)) {
      text += "?";
      at = afterValue(source, at + 2);
    } else if (source[at] === "\\") {
      text += source.slice(at, at + 2);
      at += 2;
    } else text += source[at++];
  }
  return text;
}

function afterValue(source: string, from: number): number {
  let depth = 1;
  let at = from;
  for (; at < source.length && depth > 0; at += 1) {
    const char = source[at]!;
    if (char === "{") depth += 1;
    else if (char === "}") depth -= 1;
    else if (char === "`") at += lengthOf(source, at);
    else if (char === '"' || char === "'") at = source.indexOf(char, at + 1);
  }
  return at;
}

/** From a backtick to the one that ends its template. */
function lengthOf(source: string, open: number): number {
  let at = open + 1;
  while (source[at] !== "`")
    if (source.startsWith("${", at)) at = afterValue(source, at + 2);
    else at += source[at] === "\\" ? 2 : 1;
  return at - open;
}
