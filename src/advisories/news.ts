// What other servers hear of what feeds tell: the packages, or that it may be any.
import type { Change, Changes } from "../store/changes.ts";
import type { Query } from "../store/query.ts";
import type { CurrentAdvisories } from "./current.ts";
import type { Named } from "./rows.ts";

/** Names of one portion of a feed. More are told as any. */
const MOST = 200;

/** See `TakeDeps.note`. */
export async function noteNames(
  changes: Changes,
  sql: Query,
  names: readonly Named[] | null,
): Promise<void> {
  if (names?.length !== 0) await changes.note(sql, changeOf(names));
}

/** What another server read is no longer remembered as it was before. */
export function hearNames(changes: Changes, advisories: CurrentAdvisories): void {
  changes.on(
    "advisories",
    ({ key }, from) => {
      if (from === "elsewhere") advisories.changed(namesOf(key));
    },
    () => advisories.changed(null),
  );
}

function changeOf(names: readonly Named[] | null): Change {
  const told = names === null || names.length > MOST ? [] : names;
  const key = told.flatMap(({ purlType, name }) => [purlType, name]).join("\0");
  return { kind: "advisories", repository: "", key };
}

function namesOf(key: string): Named[] | null {
  if (key === "") return null;
  const parts = key.split("\0");
  const names: Named[] = [];
  for (let at = 0; at < parts.length; at += 2)
    names.push({ purlType: parts[at]!, name: parts[at + 1]! });
  return names;
}
