// The indices of a suite, composed of what its packages say of themselves.
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { HostedSuites } from "../options.ts";
import { shown } from "./descriptions.ts";
import type { Pack } from "./pack.ts";
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

/** What is done in the worker. */
export interface Tools {
  pathsOf: PathsOf;
  pack: Pack;
}

/** In the Release's order. The same for the same members, whatever their order. */
export async function composeIndices(
  { components, architectures, contents }: HostedSuites,
  members: readonly Member[],
  { pathsOf, pack }: Tools,
): Promise<MadeIndex[]> {
  const sorted = [...members].sort(inOrder);
  const made: MadeIndex[] = [];
  for (const component of components) {
    const own = sorted.filter(({ metadata }) => metadata.component === component);
    for (const arch of architectures) {
      const debs = own.filter(({ metadata }) => isFor(metadata.architecture, arch));
      const packages = await paragraphs(debs, (one) => shown(one).stanza);
      made.push(...(await formsOf(`${component}/binary-${arch}/Packages`, packages, pack)));
      if (!contents) continue;
      // No xz: nothing that clients do by themselves waits for it.
      const text = await contentsOf(debs, pathsOf);
      made.push(...(await formsOf(`${component}/Contents-${arch}`, text, null)));
    }
    const debs = own.filter(({ metadata }) => metadata.kind === "deb");
    const translations = await paragraphs(debs, (one) => shown(one).translation);
    made.push(...(await formsOf(`${component}/i18n/Translation-en`, translations, pack)));
    const sources = own.filter(({ metadata }) => metadata.kind === "dsc");
    const text = await paragraphs(sources, ({ metadata }) => metadata.stanza);
    made.push(...(await formsOf(`${component}/source/Sources`, text, pack)));
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

/** Those that say nothing, or the same as another one, are left out. */
async function paragraphs(
  members: readonly Member[],
  paragraphOf: (member: Member) => string | null,
): Promise<Buffer> {
  const said = new Set<string>();
  const parts: Buffer[] = [];
  for (let at = 0; at < members.length; at += TURN) {
    let text = "";
    for (const member of members.slice(at, at + TURN)) {
      const paragraph = paragraphOf(member);
      if (paragraph === null || said.has(paragraph)) continue;
      said.add(paragraph);
      text += `${paragraph}\n`;
    }
    parts.push(Buffer.from(text));
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
async function formsOf(path: string, plain: Buffer, pack: Pack | null): Promise<MadeIndex[]> {
  const forms: MadeIndex[] = [{ path, ...known(plain), bytes: null }];
  const add = (name: string, bytes: Uint8Array) =>
    forms.push({ path: name, ...known(bytes), bytes });
  add(`${path}.gz`, await gzipBeside(plain));
  if (pack) add(`${path}.xz`, await pack(path, plain));
  return forms;
}

function known(bytes: Uint8Array): { sha256: string; size: number } {
  return { sha256: createHash("sha256").update(bytes).digest("hex"), size: bytes.length };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
