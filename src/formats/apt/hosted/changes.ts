// A .changes file: what was built together, where it is meant to go, and who says so. deb-changes(5)

import { bad, fieldOf, type ListedFile, listedFiles, needed, readParagraph } from "./control.ts";
import { plainText } from "./dsc.ts";

export const CHANGES_LIMIT = 1024 * 1024;

export interface ChangedFile extends ListedFile {
  /** From its section, "contrib/net"; null for the component of all that say nothing. */
  component: string | null;
}

export interface Changes {
  suite: string;
  /** Digests are SHA-256. */
  files: ChangedFile[];
}

/** Throws Problem("badRequest"). Who signed it, is not asked here. */
export function readChanges(bytes: Uint8Array, what: string): Changes {
  const fields = readParagraph(plainText(bytes, what), what);
  const suites = needed(fields, "Distribution", what).split(/\s+/);
  if (suites.length !== 1) throw bad(what, `it is for several suites: ${suites.join(", ")}`);
  const strong = listedFiles(fieldOf(fields, "Checksums-Sha256"), what);
  const named = sectionsOf(needed(fields, "Files", what));
  const files = [...strong.values()];
  if (files.length === 0) throw bad(what, "it has no Checksums-Sha256");
  const unnamed = [...named.keys()].find((name) => !strong.has(name));
  if (unnamed !== undefined) throw bad(what, `it gives no SHA-256 of ${unnamed}`);
  if (files.some(({ digest }) => !/^[0-9a-f]{64}$/.test(digest)))
    throw bad(what, "its Checksums-Sha256 are none");
  return {
    suite: suites[0]!,
    files: files.map((file) => ({ ...file, component: named.get(file.name) ?? null })),
  };
}

/** By name, the component of each file. "Files" has digest, size, section, priority and name. */
function sectionsOf(files: string): Map<string, string | null> {
  const sections = new Map<string, string | null>();
  for (const line of files.split("\n")) {
    const [, , section = "", , name] = line.trim().split(/\s+/);
    if (name === undefined) continue;
    const slash = section.lastIndexOf("/");
    sections.set(name, slash > 0 ? section.slice(0, slash) : null);
  }
  return sections;
}
