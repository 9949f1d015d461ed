// Why a measurement could not be taken. It stands in the report in place of a figure.

export class Problem extends Error {}

/** The message of anything thrown, in one line. */
export function reason(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0]!;
}
