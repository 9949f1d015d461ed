// What a document says of a release beside its bytes, for rules to go by.

/** Each is absent where the document does not say it, or does not have it. */
export interface Traits {
  /** As its publisher wrote it: an SPDX expression, mostly. */
  licence?: string;
  /** It runs code of its own while it is installed. */
  scripts?: true;
  /** The upstream says that somebody signed how it was made. Nothing is verified by that. */
  attested?: true;
}

export type TraitName = keyof Traits;

/** Who writes more than that names no licence. */
const LONGEST = 200;

/** A licence in a bound; undefined for none. */
export function licenceTrait(text: unknown): string | undefined {
  const licence = typeof text === "string" ? text.trim() : "";
  return licence === "" || licence.length > LONGEST ? undefined : licence;
}

/** In one spelling, to be kept and compared. */
export function writeTraits({ licence, scripts, attested }: Traits): string {
  return JSON.stringify({
    ...(licence !== undefined && { licence }),
    ...(scripts && { scripts }),
    ...(attested && { attested }),
  });
}

/** What `writeTraits` wrote; null where no document told any. */
export function readTraits(text: string | null): Traits | null {
  return text === null ? null : (JSON.parse(text) as Traits);
}

/** What was told first stays; a later document can add to it. */
export function mergeTraits(before: string | null, said: Traits | undefined): string | null {
  if (said === undefined) return before;
  const text = writeTraits(said);
  if (before === null || before === text) return text; // nearly all of a document is as it was
  return writeTraits({ ...said, ...readTraits(before) });
}
