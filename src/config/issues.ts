// What the schema found, in words for the person who wrote the file.
import type { z } from "zod";
import type { Path } from "./errors.ts";
import { nearest } from "./nearest.ts";
import { show } from "./show.ts";

export interface Finding {
  path: Path;
  /** Whether the key is wrong, or the value. */
  what: "key" | "value";
  message: string;
}

type RawIssue = z.core.$ZodRawIssue;
type Issue = z.core.$ZodIssue;

const NAMES: Record<string, string> = {
  string: "text",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
};

/** Zod's error map. Custom messages of the schema win over it. */
export function describeIssue(issue: RawIssue): string {
  switch (issue.code) {
    case "unrecognized_keys":
      // Only here is the schema at hand: the known keys travel in the message, for `findings` to compare with.
      return JSON.stringify(knownKeys(issue.inst));
    case "invalid_type":
      if (issue.input === undefined) return "is missing";
      return `expected ${NAMES[issue.expected] ?? issue.expected}, got ${show(issue.input)}`;
    case "invalid_value":
      if (issue.input === undefined) return "is missing";
      return oneOf(issue.values.map(String), issue.input);
    case "invalid_union": {
      const options = (issue as { options?: unknown[] }).options;
      if (!options) return `not one of the forms that are allowed here: ${show(issue.input)}`;
      const key = String((issue as { discriminator?: string }).discriminator);
      const value = (issue.input as Record<string, unknown> | undefined)?.[key];
      return value === undefined
        ? `is missing: one of ${options.join(", ")}`
        : oneOf(options.map(String), value);
    }
    case "invalid_format":
      return `expected ${issue.pattern ? `text like ${issue.pattern}` : `a valid ${issue.format}`}, got ${show(issue.input)}`;
    case "too_small":
      return issue.origin === "string" || issue.origin === "array"
        ? `must have at least ${issue.minimum} ${issue.origin === "array" ? "entries" : "characters"}`
        : `must be at least ${issue.minimum}`;
    case "too_big":
      return `must be at most ${issue.maximum}`;
    default:
      return `not as expected: ${show(issue.input)}`;
  }
}

function oneOf(known: string[], value: unknown): string {
  const meant = typeof value === "string" ? nearest(value, known) : null;
  const hint = meant ? ` (did you mean "${meant}"?)` : "";
  const expected = known.length === 1 ? known[0] : `one of ${known.join(", ")}`;
  return `expected ${expected}, got ${show(value)}${hint}`;
}

function knownKeys(schema: unknown): string[] {
  const shape = (schema as { _zod?: { def?: { shape?: object } } })._zod?.def?.shape;
  return Object.keys(shape ?? {});
}

/** One finding for each mistake, in the order in which zod met them. */
export function findings(issues: readonly Issue[]): Finding[] {
  const found: Finding[] = [];
  for (const issue of issues.flatMap((issue) => flatten(issue, []))) {
    const path = issue.path as Path;
    if (issue.code !== "unrecognized_keys") {
      // In the middle of a line, as all of them.
      const message = issue.message.replace(/^[A-Z](?=[a-z]* )/, (first) => first.toLowerCase());
      found.push({ path, what: "value", message });
      continue;
    }
    const known = JSON.parse(issue.message) as string[];
    for (const key of issue.keys) {
      const meant = nearest(key, known);
      const hint = meant ? `did you mean "${meant}"?` : `known here: ${known.join(", ")}`;
      found.push({ path: [...path, key], what: "key", message: `unknown key (${hint})` });
    }
  }
  return withoutEchoes(found);
}

/**
 * Of a union's branches, the one that was meant: of those that failed inside the value, not at the value itself, the one that knows most of its
 * keys; the first of several.
 */
function flatten(issue: Issue, prefix: PropertyKey[]): Issue[] {
  const path = [...prefix, ...issue.path];
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return [{ ...issue, path }];
  const [meant] = issue.errors
    .filter((branch) =>
      branch.some(({ path, code }) => path.length > 0 || code === "unrecognized_keys"),
    )
    .sort((a, b) => unknownKeys(a) - unknownKeys(b) || a.length - b.length);
  if (!meant) {
    const messages = new Set(issue.errors.flat().map(({ message }) => message));
    return [{ ...issue, code: "custom", path, message: [...messages].join(", or ") } as Issue];
  }
  return meant.flatMap((inner) => flatten(inner, path));
}

function unknownKeys(branch: readonly Issue[]): number {
  return branch.reduce(
    (sum, one) => sum + (one.code === "unrecognized_keys" ? one.keys.length : 0),
    0,
  );
}

/** A misspelt key makes the right one missing: that is one mistake, not two. */
function withoutEchoes(found: Finding[]): Finding[] {
  const meant = new Set<string>();
  for (const { path, message } of found) {
    const word = /^unknown key \(did you mean "(.+)"\?\)$/.exec(message)?.[1];
    if (word) meant.add(JSON.stringify([...path.slice(0, -1), word]));
  }
  return found.filter(
    ({ path, message }) => !message.startsWith("is missing") || !meant.has(JSON.stringify(path)),
  );
}
