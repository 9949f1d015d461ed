// A mapping of YAML, before anything is known of what it says.

export type Values = Record<string, unknown>;

export function isMapping(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
