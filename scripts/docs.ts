// Writes what is generated from the configuration's schema. With --check: only says what is behind.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderDocs, renderJsonSchema } from "../src/config/render.ts";
import { formats } from "../src/formats/index.ts";

const ROOT = join(import.meta.dirname, "..");

/** The generated files of this project, by path. */
export function generated(): Record<string, string> {
  return {
    "docs/configuration.md": renderDocs(formats),
    "holdfast.schema.json": renderJsonSchema(formats),
  };
}

/** Paths of the generated files that are not what the schema says now. */
export function behind(): string[] {
  return Object.entries(generated())
    .filter(([path, text]) => {
      const file = join(ROOT, path);
      return !existsSync(file) || readFileSync(file, "utf8") !== text;
    })
    .map(([path]) => path);
}

if (import.meta.main) {
  const stale = behind();
  if (process.argv.includes("--check")) {
    for (const path of stale) console.error(`${path} is behind: npm run docs`);
    process.exitCode = stale.length ? 1 : 0;
  } else {
    for (const path of stale) {
      writeFileSync(join(ROOT, path), generated()[path]!);
      console.log(`${path} written`);
    }
    if (stale.length === 0) console.log("Everything is up to date");
  }
}
