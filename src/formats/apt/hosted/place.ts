// Where files of packages stand, and what is known of each that is published.
import { purl } from "../../../core/purl.ts";
import { fieldOf, without, writeParagraph } from "./control.ts";
import type { Deb } from "./deb.ts";
import { withoutEpoch } from "./version.ts";

/**
 * The format's own of a published file, as `HostedFile.metadata` has it. `deb`: a binary package; `dsc`: a source package, of which `parts` are the other files;
 * `part`: one of these.
 */
export type FileMetadata = ({ kind: "deb" | "dsc" } & Listed) | { kind: "part"; digests: Digests };

export interface Listed {
  package: string;
  version: string;
  /** "source" for source packages. */
  architecture: string;
  component: string;
  /** Its paragraph in Packages or Sources, whole, with the line end of its last line. */
  stanza: string;
  section: string | null;
  /** Paths in the repository. */
  parts?: string[];
}

export interface Digests {
  md5: string;
  sha1: string;
  sha256: string;
  size: number;
}

/** What a repository says of files; a package cannot. */
const OURS = ["Filename", "Size", "MD5sum", "SHA1", "SHA256", "SHA512", "Description-md5"];
/** Of a package that is installed. */
const INSTALLED = ["Status", "Conffiles", "Config-Version"];

export function poolFolder(component: string, source: string): string {
  const prefix = source.startsWith("lib") && source.length > 3 ? source.slice(0, 4) : source[0];
  return `pool/${component}/${prefix}/${source}`;
}

export function debFile({ package: name, version, architecture }: Deb): string {
  return `${name}_${withoutEpoch(version)}_${architecture}.deb`;
}

/** The paragraph of a binary package: its own fields, and among them where it stands and what it is known by. */
export function debStanza({ fields }: Deb, path: string, digests: Digests): string {
  const own = without(fields, [...OURS, ...INSTALLED, "Description"]);
  return writeParagraph([
    ...own,
    ["Filename", path],
    ["Size", String(digests.size)],
    ["MD5sum", digests.md5],
    ["SHA1", digests.sha1],
    ["SHA256", digests.sha256],
    ["Description", fieldOf(fields, "Description") ?? ""],
  ]);
}

/** https://github.com/package-url/purl-spec/blob/main/types-doc/deb-definition.md */
export function purlOf(repository: string, name: string, version: string, arch: string): string {
  return `${purl("deb", `${repository}/${name}`, version)}?arch=${encodeURIComponent(arch)}`;
}
