// The YAML text and where each thing stands in it. https://yaml.org/spec/1.2.2/
import {
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
} from "yaml";
import { formatPath, type Path } from "./errors.ts";

export interface Place {
  line: number;
  column: number;
}

export interface YamlSource {
  /** Plain data; null for an empty file. */
  value: unknown;
  /** What is wrong with the text as YAML. `fatal` when the rest cannot be trusted. */
  mistakes: { place: Place; message: string; path: Path; fatal: boolean }[];
  /** Where the value of a path stands, or its key, or the nearest thing around it. */
  locate(path: Path, what: "key" | "value"): Place;
  /** The line of each value and each list of values, by its path as mistakes tell it. */
  lines(): Record<string, number>;
}

export function readYaml(text: string): YamlSource {
  const counter = new LineCounter();
  // Aliases are counted, so that a small file cannot become a huge value.
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });

  function placeOf(offset: number): Place {
    const { line, col } = counter.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  function locate(path: Path, what: "key" | "value"): Place {
    let node: unknown = document.contents;
    let offset = 0;
    for (const part of path) {
      const container = isAlias(node) ? node.resolve(document) : node;
      let key: unknown;
      if (isMap(container)) {
        const pair: Pair | undefined = container.items.find(
          ({ key }) => keyText(key) === String(part),
        );
        if (!pair) return placeOf(offset);
        key = pair.key;
        node = pair.value;
      } else if (isSeq(container)) {
        key = node = container.items[Number(part)];
      } else return placeOf(offset);
      if (isNode(key) && key.range) offset = key.range[0];
    }
    // A key without a value has a node of no width after it: its key is the better place.
    const range = isNode(node) ? node.range : null;
    return placeOf(what === "value" && range && range[0] < range[1] ? range[0] : offset);
  }

  const mistakes: YamlSource["mistakes"] = document.errors.map((error) => {
    const duplicate = error.code === "DUPLICATE_KEY";
    return {
      place: placeOf(error.pos[0]),
      path: (duplicate && pathTo(document.contents, error.pos[0])) || [],
      message: duplicate
        ? "stands here a second time"
        : `not YAML: ${error.message.split("\n")[0]!.replace(/\.$/, "")}`,
      fatal: !duplicate,
    };
  });
  let value: unknown = null;
  try {
    if (!mistakes.some(({ fatal }) => fatal)) value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    const message = `not YAML: ${(error as Error).message}`;
    mistakes.push({ place: placeOf(0), path: [], message, fatal: true });
  }
  function lines(): Record<string, number> {
    const found: Record<string, number> = {};
    const walk = (node: unknown, path: Path, seen: readonly unknown[]): void => {
      const inner = isAlias(node) ? node.resolve(document) : node;
      if (seen.includes(inner)) return;
      const below = [...seen, inner];
      if (isMap(inner))
        for (const { key, value } of inner.items) walk(value, [...path, keyText(key)], below);
      else if (isSeq(inner) && inner.items.some((item) => !isScalar(item)))
        for (const [at, item] of inner.items.entries()) walk(item, [...path, at], below);
      else if (isSeq(inner) || (isScalar(inner) && inner.value !== null))
        found[formatPath(path)] = locate(path, "key").line;
    };
    walk(document.contents, [], []);
    return found;
  }
  return { value, mistakes, locate, lines };
}

/** The path of the key that stands at an offset. */
function pathTo(node: unknown, offset: number): Path | null {
  if (!isMap(node) && !isSeq(node)) return null;
  for (const [at, item] of node.items.entries()) {
    if (isPair(item) && isNode(item.key) && item.key.range?.[0] === offset)
      return [keyText(item.key)];
    const inner = pathTo(isPair(item) ? item.value : item, offset);
    if (inner) return [isPair(item) ? keyText(item.key) : at, ...inner];
  }
  return null;
}

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : isPair(key) ? "" : String(key);
}
