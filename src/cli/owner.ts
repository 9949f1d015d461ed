// Whose a data directory is, for commands that work on it themselves.
import { readFileSync, statSync } from "node:fs";
import { Problem } from "../core/problem.ts";

/** Throws where root would make files in a folder of the server's user, which that server could then not read. */
export function refuseForOwner(data: string, asked = process.getuid?.() ?? -1): void {
  const owner = statSync(data, { throwIfNoEntry: false })?.uid ?? 0;
  if (asked !== 0 || owner === 0) return;
  const name = nameOf(owner);
  throw new Problem(
    "forbidden",
    `${data} belongs to the user ${name}, whose server could not read what root makes there: start that server first, or say: runuser -u ${name} -- holdfast …`,
  );
}

/** As /etc/passwd has it, or the number. passwd(5) */
function nameOf(uid: number): string {
  try {
    const users = readFileSync("/etc/passwd", "utf8").split("\n");
    const fields = users.map((line) => line.split(":")).find(([, , id]) => id === String(uid));
    return fields?.[0] || String(uid);
  } catch {
    return String(uid);
  }
}
