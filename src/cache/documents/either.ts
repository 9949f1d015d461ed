// Documents of all packages: of those that are published here as they are composed, of all others as they are fetched.
import type { DocumentRef } from "../../core/document.ts";
import type { Documents } from "./get.ts";

export function eitherDocuments(
  isHosted: (packageName: string) => boolean,
  /** Whether it is a matter of another repository by now. */
  isElsewhere: (packageName: string) => boolean,
  hosted: Omit<Documents, "learn">,
  fetched: Documents,
): Documents {
  const of = (ref: DocumentRef) => (isHosted(ref.package) ? hosted : fetched);
  return {
    get: (ref, notBefore) => of(ref).get(ref, notBefore),
    again: (ref) => of(ref).again(ref),
    stored: (ref) => of(ref).stored(ref),
    isFresh: (ref, state) => !isElsewhere(ref.package) && of(ref).isFresh(ref, state),
    learn: fetched.learn,
    // What was found before something was published under the name is still read as what it was.
    open: (ref, state) => (state.isHosted ? hosted : fetched).open(ref, state),
    local: (ref, state) => (state.isHosted ? hosted : fetched).local(ref, state),
  };
}
