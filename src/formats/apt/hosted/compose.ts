// The indices of a suite, composed of what its packages say of themselves.
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { HostedSuites } from "../options.ts";
import type { NamedIndex } from "./release.ts";
import type { Member } from "./suite-state.ts";
import { compareVersions } from "./version.ts";

const gzipBeside = promisify<Uint8Array, Uint8Array>(gzip);

export interface MadeIndex extends NamedIndex {
  /** Null of what clients make themselves of a compressed form: it is named for its hash alone. */
  bytes: Uint8Array | null;
}

/** So many paragraphs are put together before requests have their turn. */
const TURN = 2000;

/** What stands in Contents of one component and architecture: beyond that making them would take all memory. */
const PATHS = 500_000;

/** The paths of the files of a package, by its SHA-256. */
export type PathsOf = (member: Member) => Promise<readonly string[]>;

/** In the Release's order. The same for the same members, whatever their order. */
export async function composeIndices(
  { components, architectures, contents }: HostedSuites,
  members: readonly Member[],
  pathsOf: PathsOf,
): Promise<MadeIndex[]> {
  const sorted = [...members].sort(inOrder);
  const made: MadeIndex[] = [];
  for (const component of components) {
    const own = sorted.filter(({ metadata }) => metadata.component === component);
    for (const arch of architectures) {
      const debs = own.filter(({ metadata }) => isFor(metadata.architecture, arch));
      made.push(...(await formsOf(`${component}/binary-${arch}/Packages`, await stanzas(debs))));
      if (!contents) continue;
      const text = await contentsOf(debs, pathsOf);
      made.push(...(await formsOf(`${component}/Contents-${arch}`, text)));
    }
    const sources = own.filter(({ metadata }) => metadata.kind === "dsc");
    made.push(...(await formsOf(`${component}/source/Sources`, await stanzas(sources))));
  }
  return made;
}

function isFor(architecture: string, wanted: string): boolean {
  return architecture === wanted || architecture === "all";
}

function inOrder({ metadata: a, file: one }: Member, { metadata: b, file: other }: Member): number {
  if (a.package !== b.package) return a.package < b.package ? -1 : 1;
  return compareVersions(a.version, b.version) || (one < other ? -1 : 1);
}

async function stanzas(members: readonly Member[]): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let at = 0; at < members.length; at += TURN) {
    const some = members.slice(at, at + TURN).map(({ metadata }) => `${metadata.stanza}\n`);
    parts.push(Buffer.from(some.join("")));
    await turn();
  }
  return Buffer.concat(parts);
}

/** A path and the packages that have it, by path. https://wiki.debian.org/DebianRepository/Format#A.22Contents.22_indices */
async function contentsOf(members: readonly Member[], pathsOf: PathsOf): Promise<Buffer> {
  const places = new Map<string, string[]>();
  for (const member of members) {
    const { section, package: name } = member.metadata;
    const place = section ? `${section}/${name}` : name;
    for (const path of await pathsOf(member)) {
      const same = places.get(path);
      if (!same) {
        if (places.size < PATHS) places.set(path, [place]);
      } else if (!same.includes(place)) same.push(place);
    }
    await turn();
  }
  const lines = [...places].sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.from(lines.map(([path, all]) => `${path} ${all.sort().join(",")}\n`).join(""));
}

/** Named as it is, and kept compressed. */
async function formsOf(path: string, plain: Buffer): Promise<MadeIndex[]> {
  const packed = await gzipBeside(plain);
  return [
    { path, ...known(plain), bytes: null },
    { path: `${path}.gz`, ...known(packed), bytes: packed },
  ];
}

function known(bytes: Uint8Array): { sha256: string; size: number } {
  return { sha256: createHash("sha256").update(bytes).digest("hex"), size: bytes.length };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
