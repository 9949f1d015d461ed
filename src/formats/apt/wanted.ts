// Which files of an index a mirror wants.
import { utf8 } from "../../archive/control.ts";
import type { TaskInput } from "../../core/task.ts";
import { wildcard } from "../../core/wildcard.ts";
import { LookupWriter } from "./lookup-file.ts";
import { type IndexOptions, type NamedFile, namedFiles } from "./stanzas.ts";

/** Patterns in which * stands for any characters, against package names and sections. What is left out filters nothing. */
export interface FileFilter {
  /** Only these packages. */
  include?: readonly string[];
  /** Not these, even if included. */
  exclude?: readonly string[];
  /** Only these sections: "libs", "non-free/*". */
  sections?: readonly string[];
  /** Not these sections: "debug". */
  excludeSections?: readonly string[];
}

export interface WantedOptions extends IndexOptions {
  filter: FileFilter;
}

/** Task: writes the lines of a lookup file, of the wanted files of one index only. Returns how many there are, and their bytes. */
export async function wanted({
  options,
  files: [index],
  write,
}: TaskInput): Promise<{ files: number; bytes: number }> {
  const { filter, ...rest } = options as WantedOptions;
  const isWanted = fileFilter(filter);
  const lookup = new LookupWriter();
  for await (const group of namedFiles(index!.chunks(), rest))
    for (const file of group) if (isWanted(file)) lookup.add(file);
  return await lookup.write(write);
}

export function fileFilter(filter: FileFilter): (file: NamedFile) => boolean {
  const include = patterns(filter.include);
  const exclude = patterns(filter.exclude);
  const sections = patterns(filter.sections);
  const excludeSections = patterns(filter.excludeSections);
  return (file) => {
    const name = utf8(file.package);
    const section = utf8(file.section);
    return (
      (!include || include(name)) &&
      !exclude?.(name) &&
      (!sections || sections(section)) &&
      !excludeSections?.(section)
    );
  };
}

function patterns(list: readonly string[] | undefined): ((text: string) => boolean) | null {
  if (!list) return null;
  const exact = new Set(list.filter((pattern) => !pattern.includes("*")));
  const others = list.filter((pattern) => pattern.includes("*")).map(wildcard);
  return (text) => exact.has(text) || others.some((matches) => matches(text));
}
