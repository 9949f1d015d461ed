// Names that very many use, as the format lists them: a record that flags all versions of one is rather wrong than true, and takes a second source.

export interface PopularNames {
  /** Null when they are in memory; before that `has` knows none. */
  load(): Promise<void> | null;
  /** `name`: by the format's normal form. */
  has(name: string): boolean;
}

/** `list` is read when it is first needed. */
export function popularNames(list: () => Promise<readonly string[]>): PopularNames {
  let names: ReadonlySet<string> | null = null;
  return {
    load: () =>
      names
        ? null
        : list().then((all) => {
            names = new Set(all);
          }),
    has: (name) => names?.has(name) ?? false,
  };
}
