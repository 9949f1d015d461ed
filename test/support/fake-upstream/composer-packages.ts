// Releases of PHP packages and the commits that they point to: what a Composer repository lists, and what a code host packs.
import { createHash } from "node:crypto";
import { type Packing, packTarGz, packZip, type Tree } from "./composer-archives.ts";
import { type ComposerOptions, type ComposerRow, readComposerTable } from "./composer-world.ts";

export interface ComposerRelease {
  name: string;
  version: string;
  /** As Composer spells it: four numbers, or a branch's name. */
  normalized: string;
  /** The commit. */
  reference: string;
  requires: Record<string, string>;
  options: ComposerOptions;
  time: Date;
}

interface Commit {
  tree: Tree;
  packing: Packing;
  pack(tree: Tree, packing: Packing): Buffer;
}

export class ComposerPackages {
  readonly #releases = new Map<string, Map<string, ComposerRelease>>();
  readonly #commits = new Map<string, Commit>();
  readonly #changed = new Map<string, Date>();
  #now = Date.UTC(2024, 5, 1);
  #moves = 0;

  constructor(table: string) {
    for (const row of readComposerTable(table)) this.#add(row);
  }

  names(): string[] {
    return [...this.#releases.keys()].sort();
  }

  has(name: string): boolean {
    return this.#releases.has(name);
  }

  /** Newest first. */
  releases(name: string): ComposerRelease[] {
    return [...(this.#releases.get(name)?.values() ?? [])].reverse();
  }

  /** When what is said of a package last changed; of all packages without `name`. Whole seconds. */
  changedAt(name?: string): Date {
    if (name === undefined) return new Date(this.#now);
    return this.#changed.get(name) ?? new Date(this.#now);
  }

  publish(name: string, version: string): void {
    const before = this.releases(name)[0];
    const { requires = {}, options = {} } = before ?? {};
    this.#add({ name, version, requires, options, time: new Date(this.#now) });
  }

  /** The version points to another commit with other content; the old commit can still be had. */
  retag(name: string, version: string): void {
    const { requires, options, time } = this.release(name, version);
    this.#moves++;
    this.#add({ name, version, requires, options, time });
  }

  /** Of the list and of the code host, one version or all. */
  unpublish(name: string, version?: string): void {
    for (const release of this.releases(name)) {
      if (version !== undefined && release.version !== version) continue;
      this.#commits.delete(keyOf(release));
      this.#releases.get(name)?.delete(release.version);
    }
    if (version === undefined) this.#releases.delete(name);
    this.touch(name);
  }

  /** The same commit, packed anew: the same content in other bytes. */
  regenerate(name: string, version: string): void {
    this.#commit(name, version).packing.turn++;
    this.touch(name);
  }

  /** The same commit with other content. */
  tamper(name: string, version: string): void {
    const commit = this.#commit(name, version);
    commit.tree = { ...commit.tree, "src/Backdoor.php": { text: "<?php // not what it was\n" } };
    this.touch(name);
  }

  reference(name: string, version: string): string {
    return this.release(name, version).reference;
  }

  bytes(name: string, version: string): Buffer {
    return this.archive(name, this.reference(name, version))!;
  }

  /** What a code host sends; null when it has no such commit. */
  archive(name: string, reference: string): Buffer | null {
    const commit = this.#commits.get(keyOf({ name, reference }));
    if (!commit) return null;
    return commit.pack(commit.tree, commit.packing);
  }

  release(name: string, version: string): ComposerRelease {
    const release = this.#releases.get(name)?.get(version);
    if (!release) throw new Error(`the fake Composer repository has no ${name} ${version}`);
    return release;
  }

  touch(name: string): void {
    this.#now += 1000;
    this.#changed.set(name, new Date(this.#now));
  }

  #commit(name: string, version: string): Commit {
    return this.#commits.get(keyOf(this.release(name, version)))!;
  }

  #add(row: ComposerRow): void {
    const { name, version, options } = row;
    const hex = sha1(`${name} ${version} ${this.#moves}`);
    // Subversion's form: a path and a revision.
    const named = `/tags/${version}@${7 + this.#moves}`;
    const reference = options.references === "named" ? named : hex;
    const release = { ...row, normalized: normalize(version), reference };
    const versions = this.#releases.get(name) ?? new Map<string, ComposerRelease>();
    versions.delete(version);
    versions.set(version, release);
    this.#releases.set(name, versions);
    this.touch(name);
    if (options.type === "metapackage") return;
    const top = `${name.replace("/", "-")}-${sha1(reference).slice(0, 7)}`;
    this.#commits.set(keyOf(release), {
      tree: treeOf(release, this.#moves),
      packing: { top, turn: 0, comment: hex },
      pack: PACKERS[options.dist ?? ""] ?? packZip,
    });
  }
}

/** Of the types that are not packed as zip. Nobody looks into an xz, so that there is nothing in it but its beginning. */
const PACKERS: Record<string, Commit["pack"]> = {
  tar: packTarGz,
  xz: (tree) =>
    Buffer.concat([Buffer.from("\xfd7zXZ\0", "latin1"), Buffer.from(JSON.stringify(tree))]),
  file: (tree) =>
    Buffer.from(`#!/usr/bin/env php\n${tree["src/Release.php"]!.text}__HALT_COMPILER();\n`),
};

function keyOf({ name, reference }: { name: string; reference: string }): string {
  return `${name} ${reference}`;
}

export function sha1(text: string | Uint8Array): string {
  return createHash("sha1").update(text).digest("hex");
}

function normalize(version: string): string {
  return /^\d/.test(version) ? version.replace(/^(\d+\.\d+\.\d+)/, "$1.0") : version;
}

/** deep/sea_floor is Deep\SeaFloor. */
export function namespaceOf(name: string): string {
  return name
    .split("/")
    .map((part) =>
      part
        .split(/[-_.]/)
        .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
        .join(""),
    )
    .join("\\");
}

/** What composer.json says, in a commit as in a list. */
export function manifestOf(release: ComposerRelease): Record<string, unknown> {
  const { name, version, requires, options } = release;
  return {
    name,
    description: `The ${name} of the fake sea`,
    license: ["MIT"],
    type: options.type ?? "library",
    ...(options.type === "metapackage"
      ? {}
      : { autoload: { "psr-4": { [`${namespaceOf(name)}\\`]: "src/" } } }),
    ...(Object.keys(requires).length ? { require: requires } : {}),
    ...(version === "dev-main" ? { extra: { "branch-alias": { "dev-main": "2.x-dev" } } } : {}),
    ...options.more,
  };
}

/** Text that packs badly, the same each time. */
function ballast(weight: number): string {
  let text = "";
  for (let at = 0; text.length < weight; at++) text += `${sha1(`ballast ${at}`)}\n`;
  return text;
}

function treeOf(release: ComposerRelease, moves: number): Tree {
  const { name, version, options } = release;
  const moved = moves ? ` after ${moves} moves` : "";
  return {
    ...(options.weight ? { "data/ballast.txt": { text: ballast(options.weight) } } : {}),
    "README.md": { text: `# ${name}\n` },
    "bin/tool": {
      text: `#!/usr/bin/env php\n<?php echo "${name} ${version}\\n";\n`,
      isExecutable: true,
    },
    "composer.json": { text: `${JSON.stringify(manifestOf(release), null, 4)}\n` },
    "src/Release.php": {
      text: `<?php\nnamespace ${namespaceOf(name)};\n\nfinal class Release\n{\n    public const NAME = '${name} ${version}${moved}';\n}\n`,
    },
  };
}
