// Names that very many use: a record that flags all versions of one is rather wrong than true, and takes a second source.
import names from "./popular.json" with { type: "json" };

const byType = new Map(Object.entries(names).map(([type, list]) => [type, new Set(list)]));

/** `name`: by the format's normal form. */
export function isPopular(purlType: string, name: string): boolean {
  return byType.get(purlType)?.has(name) ?? false;
}
