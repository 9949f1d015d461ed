// Names that authors give to releases, and move: dist-tags, branches, what is the latest.

/** Which stored documents of a package hold them, and how. */
export interface Labels {
  /** The format's task "labels" gives versions by label, of one of them as it is stored: gzip. */
  documents(packageName: string): { kind: string; key: string }[];
  /** Those of a package that is published here, of its own state. */
  hosted?(state: Readonly<Record<string, unknown>>): Record<string, string>;
}
