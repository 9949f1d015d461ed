// What a source package says of itself: a .dsc, signed or not, and the files that it names. dsc(5)
import { splitClearSigned } from "../clear-signed.ts";
import {
  bad,
  fieldOf,
  isPackageName,
  type ListedFile,
  listedFiles,
  needed,
  type Paragraph,
  readParagraph,
  without,
  writeParagraph,
} from "./control.ts";
import type { Digests } from "./place.ts";
import { isVersion, withoutEpoch } from "./version.ts";

export const DSC_LIMIT = 1024 * 1024;
const CLEAR_SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----";

export interface Dsc {
  package: string;
  version: string;
  fields: Paragraph;
  /** The other files of the source package; digests are SHA-256. */
  files: ListedFile[];
}

/** The text of a file that may be clear-signed. Whose signature that is, is not asked. */
export function plainText(bytes: Uint8Array, what: string): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw bad(what, "it is not UTF-8");
  }
  if (!text.startsWith(CLEAR_SIGNED)) return text;
  return `${splitClearSigned(text).text}\n`;
}

/** Throws Problem("badRequest") for what is no source package that clients could unpack. */
export function readDsc(bytes: Uint8Array, what: string): Dsc {
  const fields = readParagraph(plainText(bytes, what), what);
  const name = needed(fields, "Source", what);
  const version = needed(fields, "Version", what);
  needed(fields, "Format", what);
  needed(fields, "Maintainer", what);
  if (!isPackageName(name)) throw bad(what, `its Source is ${JSON.stringify(name.slice(0, 80))}`);
  if (!isVersion(version))
    throw bad(what, `its Version is ${JSON.stringify(version.slice(0, 80))}`);
  const files = [...listedFiles(fieldOf(fields, "Checksums-Sha256"), what).values()];
  if (files.length === 0) throw bad(what, "it has no Checksums-Sha256");
  const odd = files.find(
    (one) => !one.name.startsWith(`${name}_`) || !/^[0-9a-f]{64}$/.test(one.digest),
  );
  if (odd) throw bad(what, `it names ${odd.name}, which is no file of ${name}`);
  return { package: name, version, fields, files };
}

export function dscFile({ package: name, version }: Dsc): string {
  return `${name}_${withoutEpoch(version)}.dsc`;
}

const LISTS: [field: string, digest: "md5" | "sha1" | "sha256"][] = [
  ["Files", "md5"],
  ["Checksums-Sha1", "sha1"],
  ["Checksums-Sha256", "sha256"],
];

/** The paragraph in Sources: the files with the .dsc itself, and where they stand. `digests`: by name, of all of them. */
export function sourceStanza(
  { package: name, fields }: Dsc,
  folder: string,
  digests: ReadonlyMap<string, Digests>,
): string {
  const ours = [
    "Source",
    "Package",
    "Directory",
    "Checksums-Sha512",
    ...LISTS.map(([field]) => field),
  ];
  const lists = LISTS.map(([field, algorithm]) => {
    const lines = [...digests].map(([file, one]) => ` ${one[algorithm]} ${one.size} ${file}`);
    return [field, `\n${lines.join("\n")}`] as const;
  });
  return writeParagraph([
    ["Package", name],
    ...without(fields, ours),
    ["Directory", folder],
    ...lists,
  ]);
}
