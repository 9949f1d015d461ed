// Composer's documents, as far as this server reads them; every other field is kept as it came.
// https://getcomposer.org/doc/04-schema.md, https://getcomposer.org/doc/05-repositories.md#composer

/** One version of a package: its composer.json, and what the repository adds. */
export type Version = Record<string, unknown>;

/** "dist": a packaged version, as far as it can be fetched. */
export interface Dist {
  /** zip, tar, … */
  type: string;
  /** Absolute, or as a link on the upstream's host. May hold the placeholders of mirrors. */
  url: string;
  /** Usually the commit. */
  reference: string | null;
  /** SHA-1 of the archive in lower-case hexadecimal; most repositories do not tell it. */
  shasum: string | null;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What PHP writes for "nothing here": null, and an empty map as an empty list. */
export function isNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) ? value.length === 0 : isObject(value) && isEmpty(value);
}

function isEmpty(value: Record<string, unknown>): boolean {
  for (const _ in value) return false;
  return true;
}

/** The entries of a list, whether PHP wrote it as one or as a map. None for anything else. */
export function valuesOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return isObject(value) ? Object.values(value) : [];
}
