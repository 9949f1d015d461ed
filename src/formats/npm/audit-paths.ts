// Where each release of a dependency tree stands, for the older form of an audit: which package brings it along.
import type { Tree } from "./audit-tree.ts";
import { isPackageName, isVersion } from "./names.ts";
import { isObject } from "./types.ts";

/** A release, and where it stands. */
export interface Placed {
  name: string;
  version: string;
  /** Names from what the project itself asks for, with ">" between them. */
  path: string;
  dev: boolean;
  optional: boolean;
}

interface Place {
  name: string;
  tree: Tree;
  above: Place | null;
  beneath: ReadonlyMap<string, Place>;
  /** What asks for it, when that was found. */
  wants: Place | null;
}

/** Each place of the tree once: by the shortest way of `requires` that leads there, or else by where it stands. In linear time. */
export function placesOf(tree: Tree): Placed[] {
  const all: Place[] = [];
  const root = placeOf("", tree, null, all);
  const reached = new Set<Place>([root]);
  const queue = [root];
  for (const place of queue)
    for (const name of requiredBy(place)) {
      const found = resolve(name, place);
      if (!found || reached.has(found)) continue;
      reached.add(found);
      found.wants = place;
      queue.push(found);
    }
  return all.flatMap((place) => {
    const { version, dev, optional } = place.tree;
    if (!isPackageName(place.name) || typeof version !== "string" || !isVersion(version)) return [];
    const path = pathOf(place, reached.has(place) ? "wants" : "above");
    return [{ name: place.name, version, path, dev: dev === true, optional: optional === true }];
  });
}

function placeOf(name: string, tree: Tree, above: Place | null, all: Place[]): Place {
  const beneath = new Map<string, Place>();
  const place: Place = { name, tree, above, beneath, wants: null };
  if (above) all.push(place);
  const { dependencies } = tree;
  // Its depth is that of its JSON (core/json.ts).
  for (const [key, child] of Object.entries(isObject(dependencies) ? dependencies : {}))
    if (isObject(child)) beneath.set(key, placeOf(key, child, place, all));
  return place;
}

/** Some clients give the project's own dependencies no ranges: then they are all that stand at the top. */
function requiredBy({ tree, above, beneath }: Place): string[] {
  const { requires } = tree;
  if (isObject(requires) && Object.keys(requires).length > 0) return Object.keys(requires);
  return above ? [] : [...beneath.keys()];
}

function resolve(name: string, from: Place): Place | null {
  for (let at: Place | null = from; at; at = at.above) {
    const found = at.beneath.get(name);
    if (found) return found;
  }
  return null;
}

/** A way may be long: its ends tell what matters. */
const STEPS = 50;

function pathOf(place: Place, by: "wants" | "above"): string {
  const names: string[] = [];
  for (let at: Place | null = place; at?.name && names.length < STEPS; at = at[by])
    names.unshift(at.name);
  return names.join(">");
}
