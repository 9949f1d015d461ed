// What is left of a project when policy withholds some of its files. Held: shown as yanked (PEP 592), with the rule as the reason, so that installers leave it
// alone unless it is asked for by name, and print why. Blocked: not shown.
import { blockedBy, type Withheld, type Withholding, withholdingOf } from "../../core/policy.ts";
import type { ProjectFile } from "./types.ts";

/** The files that are shown. A yank of the upstream's own is told beside ours. */
export function shownFiles(files: ProjectFile[], withheld: Withheld | undefined): ProjectFile[] {
  if (!withheld) return files;
  return files.flatMap((file) => {
    const why = withholdingOf(withheld, file.filename);
    if (!why) return [file];
    return why.verdict === "block" ? [] : [{ ...file, yanked: reasonOf(why, file.yanked) }];
  });
}

/** Versions without those of which every file is blocked. */
export function shownVersions(
  versions: string[],
  withheld: Withheld | undefined,
  isShown: (version: string) => boolean,
): string[] {
  const blocked = new Set(
    Object.values(withheld ?? {}).flatMap(({ verdict, version }) =>
      verdict === "block" ? [version] : [],
    ),
  );
  return blocked.size === 0
    ? versions
    : versions.filter((version) => !blocked.has(version) || isShown(version));
}

/** An entry of the JSON API (`urls`, `releases`, `info`) as it is shown: null when it is not. */
export function shownEntry(
  entry: Record<string, unknown>,
  why: Withholding | undefined,
): Record<string, unknown> | null {
  if (!why) return entry;
  if (why.verdict === "block") return null;
  const reason = entry["yanked_reason"];
  const before = entry["yanked"] === true ? (typeof reason === "string" ? reason : true) : false;
  return { ...entry, yanked: true, yanked_reason: reasonOf(why, before) };
}

/** Throws Problem("blocked") when all files of a version are blocked. */
export function refuseBlocked(files: readonly string[], withheld: Withheld | undefined): void {
  const reasons = files.map((file) => withholdingOf(withheld, file));
  const [first] = reasons;
  if (first && reasons.every((why) => why?.verdict === "block")) throw blockedBy(first);
}

function reasonOf({ message }: Withholding, yanked: boolean | string): string {
  const before = yanked === true ? "no reason given" : yanked;
  return before ? `${message}. Yanked upstream: ${before}` : message;
}
