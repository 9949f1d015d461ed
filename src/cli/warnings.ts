// What formats warn of in the options of a repository: said by doctor and by config check.
import type { RepositoryConfig } from "../config/resolve.ts";
import type { FormatOptions } from "../config/schema.ts";
import type { Format } from "../core/format.ts";
import type { Finding } from "./finding.ts";

export type WarningFormat = FormatOptions & Pick<Format, "warnings">;

/** What the format keeps saying of it (`Format.warnings`). */
export function warningsOf(
  { name: subject, format, options }: RepositoryConfig,
  formats: readonly WarningFormat[],
): Finding[] {
  const known = formats.find(({ name }) => name === format);
  return (known?.warnings?.(options) ?? []).map((text) => ({ state: "warning", subject, text }));
}
