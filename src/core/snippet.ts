// What a client's setting comes down to: the one line that names the server.
import type { Snippet } from "./format.ts";

/** Where lines of a snippet belong that are to be run (`Snippet.file`). */
export const SHELL = "shell";

/** The line of some snippets for one client that names the repository's URL, and the file that it stands in. */
export function mainSetting(
  snippets: readonly Snippet[],
  url: string,
): { file: string; line: string } | null {
  // What a file holds says more in one line than what a shell is to do.
  const main = snippets.find(({ file }) => file !== SHELL) ?? snippets[0];
  if (!main) return null;
  const lines = main.text.split("\n").map((line) => line.trim());
  const own = lines.filter((line) => !line.startsWith("#"));
  return { file: main.file, line: own.find((line) => line.includes(url)) ?? own[0] ?? "" };
}
