// What people are told of the inside of a release's file: its readme, what it needs, what it runs, and the files in it.

export interface Inside {
  description: string | null;
  licence: string | null;
  homepage: string | null;
  /** Safe HTML, whatever stood in the file; null where it has no readme. */
  readme: string | null;
  dependencies: InsideDependency[];
  /** What its clients run of it while it is installed, and other commands that it brings, by name. */
  scripts: Record<string, string>;
  /** By path, sorted; the first of them where it has very many. */
  files: InsideFile[];
  /** All of them. */
  count: number;
  /** Bytes, unpacked. */
  size: number;
}

export interface InsideDependency {
  name: string;
  /** As its author wrote it; empty for any version. */
  range: string;
  /** "development", "optional"; empty for what it cannot do without. */
  kind: string;
}

export interface InsideFile {
  path: string;
  size: number;
  /** CRC-32: tells whether two are the same, and vouches for nothing. */
  mark: number;
}
