// Long descriptions stand in a file of their own, which those who want none do not fetch. https://wiki.debian.org/DebianRepository/Format#Translation
import { createHash } from "node:crypto";
import type { Member } from "./suite-state.ts";

const FIELD = "\nDescription: ";

/** How a package's paragraph is shown in Packages, and its one in Translation-en; null where all stands in one line. */
export interface Shown {
  stanza: string;
  translation: string | null;
}

export function shown({ metadata: { package: name, stanza } }: Member): Shown {
  const at = stanza.lastIndexOf(FIELD);
  const value = at < 0 ? "" : stanza.slice(at + FIELD.length).trimEnd();
  const end = value.indexOf("\n");
  if (end < 0) return { stanza, translation: null };
  // As apt itself names a description that it has.
  const digest = createHash("md5").update(`${value}\n`).digest("hex");
  const line = `Description-md5: ${digest}\n`;
  return {
    stanza: `${stanza.slice(0, at)}${FIELD}${value.slice(0, end)}\n${line}`,
    translation: `Package: ${name}\n${line}Description-en: ${value}\n`,
  };
}
