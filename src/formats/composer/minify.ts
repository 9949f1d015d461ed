// The minified form of a list of versions: each holds only what differs from the one before it. composer/metadata-minifier
import { Problem } from "../../core/problem.ts";
import type { Version } from "./types.ts";

/** The value of "minified" in documents of this form. */
export const MINIFIED = "composer/2.0";
/** Stands where a field of the version before is not there. */
const UNSET = "__unset";

/** Of all versions in full. A few bytes of this form can stand for any number of them; the largest packages have some 200,000. */
const FIELDS_LIMIT = 2_000_000;

/** The versions in full. Throws Problem("malformed") when they are far more than what was sent. */
export function expand(versions: readonly Version[]): Version[] {
  const fields = new Map<string, unknown>();
  let total = 0;
  return versions.map((version) => {
    for (const [field, value] of Object.entries(version)) {
      if (value === UNSET) fields.delete(field);
      else fields.set(field, value);
    }
    total += fields.size;
    if (total > FIELDS_LIMIT)
      throw new Problem("malformed", "The document holds far more in full than was sent");
    return Object.fromEntries(fields);
  });
}

/** `expand` gives back what was given, field order aside. */
export function minify(versions: readonly Version[]): Version[] {
  const before = new Map<string, string>();
  return versions.map((version) => {
    const changes: [string, unknown][] = [];
    for (const [field, value] of Object.entries(version)) {
      const text = JSON.stringify(value);
      if (before.get(field) === text) continue;
      before.set(field, text);
      changes.push([field, value]);
    }
    for (const field of before.keys()) {
      if (Object.hasOwn(version, field)) continue;
      before.delete(field);
      changes.push([field, UNSET]);
    }
    return Object.fromEntries(changes);
  });
}
