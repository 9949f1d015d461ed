// That a package is asked for here for the first time whose name is close to one that many know: told once, and nothing is held.
import type { DocumentRef } from "../core/document.ts";
import type { RepositoryEvent } from "../core/event.ts";
import type { AnyFormat } from "../core/format.ts";
import type { Policy } from "../policy/policy.ts";
import { similarTo } from "../policy/similar.ts";

/** For a package of which a document is stored for the first time. */
export function similarEvents(
  { documents, popular }: Pick<AnyFormat, "documents" | "popular">,
  policy: Pick<Policy, "tellsSimilar">,
): (ref: DocumentRef) => Promise<RepositoryEvent[]> {
  return async ({ kind, package: name }) => {
    // Only one kind of document is about all of a package.
    if (!popular || name === "" || !documents[kind]!.complete) return [];
    const rule = policy.tellsSimilar(name);
    const like = rule === null ? null : similarTo(name, await popular());
    if (like === null) return [];
    const message = `${name} was asked for, for the first time: its name is close to that of ${like}, which many use`;
    return [{ kind: "similar", package: name, message, detail: { like, rule } }];
  };
}
