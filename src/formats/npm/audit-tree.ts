// A dependency tree as the upstream may see it: what a finding needs, and no private name in any of it.
// npm 6 lib/install/audit.js, pnpm, yarn 1: what their trees hold beside differs, and tells where packages come from.
import { isPackageName, isVersion } from "./names.ts";
import { isObject } from "./types.ts";

export type Tree = Record<string, unknown>;

/** Of a dependency, beside `version`, `requires` and `dependencies`. Not `resolved`, `from`, `peerDependencies` and others, which name packages and hosts. */
const FLAGS = ["dev", "optional", "bundled"];
const METADATA = ["npm_version", "node_version", "platform"];

/** Its depth is that of its JSON (core/json.ts). */
export function publicTree(body: Tree, isClaimed: (name: string) => boolean): Tree {
  const mayTell = (name: string) => isPackageName(name) && !isClaimed(name);
  const tree = publicNode(body, mayTell);
  for (const list of ["install", "remove"]) {
    const specs = body[list];
    if (Array.isArray(specs))
      tree[list] = specs.filter((spec) => typeof spec === "string" && mayTellSpec(spec, mayTell));
  }
  const { metadata } = body;
  if (isObject(metadata))
    tree["metadata"] = Object.fromEntries(
      METADATA.flatMap((key) => (isPlain(metadata[key]) ? [[key, metadata[key]]] : [])),
    );
  return tree;
}

/** Without its name: the project's own is nobody's business. */
function publicNode(node: Tree, mayTell: (name: string) => boolean): Tree {
  const { version, integrity, requires, dependencies } = node;
  const shown: Tree = {};
  if (isVersionText(version)) shown["version"] = version;
  if (typeof integrity === "string" && /^[a-z0-9]+-[A-Za-z0-9+/=]+$/.test(integrity))
    shown["integrity"] = integrity;
  for (const flag of FLAGS) if (typeof node[flag] === "boolean") shown[flag] = node[flag];
  if (typeof requires === "boolean") shown["requires"] = requires;
  if (isObject(requires))
    shown["requires"] = Object.fromEntries(
      Object.entries(requires).filter(([name, range]) => mayTell(name) && isRange(range)),
    );
  if (isObject(dependencies)) {
    const visible = new Map<string, Tree>();
    gather(dependencies, visible, mayTell);
    shown["dependencies"] = Object.fromEntries(visible);
  }
  return shown;
}

/** Adds what may be told of the dependencies, and then what stands beneath the others: the first of a name stays. In linear time. */
function gather(
  dependencies: Tree,
  into: Map<string, Tree>,
  mayTell: (name: string) => boolean,
): void {
  const hidden: unknown[] = [];
  for (const [name, dependency] of Object.entries(dependencies)) {
    if (!isObject(dependency)) continue;
    const { version, dependencies: beneath } = dependency;
    // An alias, a folder, a repository: what is no version of the registry has no advisory there.
    if (!mayTell(name) || !isVersionText(version)) hidden.push(beneath);
    else if (!into.has(name)) into.set(name, publicNode(dependency, mayTell));
  }
  // What a private package brings along is public and must be audited: it moves up to where it can stand.
  for (const beneath of hidden) if (isObject(beneath)) gather(beneath, into, mayTell);
}

function isVersionText(version: unknown): version is string {
  return typeof version === "string" && isVersion(version);
}

const BETWEEN = / ?\|\| ?| - | /;
const COMPARATOR = /^(?:~>?|\^|[<>]=?|=)?(?:v?[\dxX*][\dxX*.]*(?:[-+][0-9A-Za-z.+-]*)?)?$/;

/** `1.x || >=2.0.0`: no alias, no URL, no path, no tag. By its letters: a tree has many, and reading each as a range takes long. */
function isRange(range: unknown): boolean {
  if (typeof range !== "string" || range.length > 200) return false;
  return range.split(BETWEEN).every((part) => COMPARATOR.test(part));
}

/** `name`, `name@1.0.0` or `@scope/name@^1.0.0`. */
function mayTellSpec(spec: string, mayTell: (name: string) => boolean): boolean {
  const at = spec.indexOf("@", 1);
  if (at < 0) return mayTell(spec);
  return mayTell(spec.slice(0, at)) && isRange(spec.slice(at + 1));
}

function isPlain(value: unknown): boolean {
  return typeof value === "string" && /^[\w.+ -]{1,64}$/.test(value);
}
