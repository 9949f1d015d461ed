// What the path of an index says about it. Pure knowledge of the layout: https://wiki.debian.org/DebianRepository/Format

/** `release` is the small Release file beside a Packages; `diff` everything of a pdiff; `other` what apt never asks for by itself. */
export type IndexKind =
  | "packages"
  | "installer-packages"
  | "sources"
  | "contents"
  | "translation"
  | "dep11"
  | "commands"
  | "release"
  | "diff"
  | "other";

export interface IndexName {
  /** As the Release names it: "main/binary-amd64/Packages.xz". */
  path: string;
  /** Without what says how it is compressed. */
  plain: string;
  /** The extension: "xz"; empty when it is not compressed. */
  compression: string;
  kind: IndexKind;
  /** "main", "updates/main"; null for what belongs to none, as in flat repositories. */
  component: string | null;
  /** "amd64", "all", "source"; null for what is for none or for any. */
  architecture: string | null;
  /** Of a translation: "en", "pt_BR"; else null. */
  language: string | null;
}

/** What apt and this server read. */
const COMPRESSION = /\.(xz|gz|zst|lz4|bz2|lzma)$/;
/** The same, and none at all: what is read soonest first. */
const FORMS = [".xz", ".gz", ".zst", ".lz4", "", ".bz2", ".lzma"];

const DIFF = /\.diff(?:\/|$)/;

// Component, then what is below it. The first pattern that fits decides.
const LAYOUT: [pattern: RegExp, kind: IndexKind][] = [
  [
    /^(?:(?<component>.+)\/)?debian-installer\/binary-(?<arch>[^/]+)\/Packages$/,
    "installer-packages",
  ],
  [/^(?:(?<component>.+)\/)?binary-(?<arch>[^/]+)\/Packages$/, "packages"],
  [/^(?:(?<component>.+)\/)?(?<arch>source)\/Sources$/, "sources"],
  [/^(?:(?<component>.+?)\/)?(?:debian-installer\/)?binary-(?<arch>[^/]+)\/Release$/, "release"],
  [/^(?:(?<component>.+)\/)?(?<arch>source)\/Release$/, "release"],
  [/^(?:(?<component>.+)\/)?i18n\/Translation-(?<language>[^/]+)$/, "translation"],
  [/^(?:(?<component>.+)\/)?i18n\/Index$/, "translation"],
  [/^(?:(?<component>.+)\/)?dep11\/Components-(?<arch>[^/]+)\.yml$/, "dep11"],
  [/^(?:(?<component>.+)\/)?dep11\/[^/]+$/, "dep11"],
  [/^(?:(?<component>.+)\/)?cnf\/Commands-(?<arch>[^/]+)$/, "commands"],
  [/^(?:(?<component>.+)\/)?Contents-(?:udeb-)?(?<arch>[^/]+)$/, "contents"],
  [/^(?:.+\/)?Packages$/, "packages"],
  [/^(?:.+\/)?Sources$/, "sources"],
];

/** What a path says, as the Release names it or as a client asks for it. */
export function indexName(path: string): IndexName {
  const compression = COMPRESSION.exec(path)?.[1] ?? "";
  const plain = compression ? path.slice(0, -compression.length - 1) : path;
  const diff = path.search(DIFF);
  if (diff >= 0) {
    // Whatever patches it holds, it belongs where the index stands that they are for.
    const { component, architecture, language } = indexName(path.slice(0, diff));
    return { path, plain, compression, kind: "diff", component, architecture, language };
  }
  for (const [pattern, kind] of LAYOUT) {
    const at = pattern.exec(plain);
    if (!at) continue;
    const component = at.groups?.["component"] ?? null;
    const architecture = at.groups?.["arch"] ?? (kind === "sources" ? "source" : null);
    const language = at.groups?.["language"] ?? null;
    return { path, plain, compression, kind, component, architecture, language };
  }
  return {
    path,
    plain,
    compression,
    kind: "other",
    component: null,
    architecture: null,
    language: null,
  };
}

/** True for a pdiff index and for everything in its folder. */
export function isDiff(path: string): boolean {
  return DIFF.test(path);
}

/** True when it names pool files, as Packages and Sources do. */
export function namesFiles(path: string): boolean {
  const { kind } = indexName(path);
  return kind === "packages" || kind === "installer-packages" || kind === "sources";
}

/**
 * The one spelling of a path inside a repository: without "." and empty segments, also at its beginning, as vendors write them. Null when it is
 * none: empty, a folder, with ".." or with characters that no index may hold.
 */
export function cleanPath(path: string): string | null {
  if (!path || path.endsWith("/") || /[\x00-\x1f\x7f\\]/.test(path)) return null;
  const segments = path.split("/").filter((segment) => segment !== "" && segment !== ".");
  if (!segments.length || segments.includes("..") || path.endsWith("/.")) return null;
  return segments.join("/");
}

/** The path of an index without what says how it is compressed. */
export function plainPath(path: string): string {
  return path.replace(COMPRESSION, "");
}

/** What of a Release these look at. */
type Naming = { files: ReadonlyMap<string, unknown> };

/** The forms that a plain file can be made from, and that the release names. None of what is compressed itself. */
export function compressedForms(release: Naming, path: string): string[] {
  return plainPath(path) === path ? formsOf(release, path).filter((form) => form !== path) : [];
}

/** The forms of an index that the release names: itself first. Clients may have fetched another one. */
export function formsOf(release: Naming, path: string): string[] {
  const plain = plainPath(path);
  const others = FORMS.map((extension) => plain + extension).filter((form) => form !== path);
  return [path, ...others].filter((form) => release.files.has(form));
}
