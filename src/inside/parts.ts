// Words that authors write into manifests, as people are shown them: text in a bound, or nothing.
import type { Inside, InsideDependency } from "../core/inside.ts";
import { type Contents, readmeOf } from "./archive.ts";
import { kindOf, type ReadmeKind, renderReadme } from "./readme.ts";

const LONGEST = 2_000;
const MOST = 2_000;

export function textOf(value: unknown): string | null {
  const text = typeof value === "string" ? value.trim() : "";
  return text === "" ? null : text.slice(0, LONGEST);
}

/** Where people read more: nothing but the web. */
export function webOf(value: unknown): string | null {
  const text = textOf(value);
  return text !== null && /^https?:\/\/[^\s]+$/i.test(text) ? text : null;
}

/** Of an object whose values are text: dependencies by their names. */
export function dependenciesOf(value: unknown, kind = ""): InsideDependency[] {
  return Object.entries(textsOf(value)).map(([name, range]) => ({ name, range, kind }));
}

/** What of an object is text, by its name. */
export function textsOf(value: unknown): Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  const texts = Object.entries(value).flatMap(([name, one]) =>
    typeof one === "string" ? [[name.slice(0, LONGEST), one.slice(0, LONGEST)] as const] : [],
  );
  return Object.fromEntries(texts.slice(0, MOST));
}

/** The parsed text; null for what is no object of JSON. */
export function objectOf(text: string | undefined): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** `readme`: one that stands in a manifest; else it is the archive's own file. */
export function insideOf(
  { files, count, size, texts }: Contents,
  said: Partial<Omit<Inside, "readme">>,
  readme: { text: string; kind: ReadmeKind } | null = null,
): Inside {
  const file = readmeOf(texts);
  const shown = readme ?? (file && { text: file.text, kind: kindOf(file.path) });
  return {
    description: null,
    licence: null,
    homepage: null,
    dependencies: [],
    scripts: {},
    ...said,
    readme: shown && renderReadme(shown.text, shown.kind),
    files,
    count,
    size,
  };
}
