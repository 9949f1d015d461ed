// Folders that tests work in: made when asked for, gone when the process ends.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const made = new Set<string>();

process.on("exit", () => {
  for (const path of made) removeTemp(path);
});

export function tempFolder(label: string, parent = tmpdir()): string {
  const path = mkdtempSync(join(parent, `holdfast-${label}-`));
  made.add(path);
  return path;
}

export function removeTemp(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  made.delete(path);
}
