// What git says of refs: names as `git check-ref-format` has them, and ids.

/** One ref of a code host, as its mirror has it now. */
export interface SeenRef {
  kind: "tag" | "branch";
  name: string;
  /** Of the commit that it leads to, through tags of tags. */
  commit: string;
}

export interface Listing {
  head: string | null;
  /** A hash of all that was said. */
  digest: string;
  objectFormat: "sha1" | "sha256";
  count: number;
}

const LONGEST = 250;
const ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

export function isId(text: string): boolean {
  return ID.test(text);
}

/** What `git check-ref-format` allows, in a length that a row and a page can hold. */
export function isRefName(name: string): boolean {
  if (name === "" || name === "@" || name.length > LONGEST) return false;
  if (/[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|^\/|\/$|\.$|^-/.test(name)) return false;
  return name.split("/").every((part) => !part.startsWith(".") && !part.endsWith(".lock"));
}

const PREFIXES = { "refs/tags/": "tag", "refs/heads/": "branch" } as const;

/** Null for what is neither tag nor branch, or has a name that nobody gave it in good faith. */
export function readRef(ref: string): Pick<SeenRef, "kind" | "name"> | null {
  for (const [prefix, kind] of Object.entries(PREFIXES) as [string, SeenRef["kind"]][]) {
    const name = ref.slice(prefix.length);
    if (ref.startsWith(prefix)) return isRefName(name) ? { kind, name } : null;
  }
  return null;
}
