// The paths of the site.
import { readFileSync } from "node:fs";

const FILES = ["src/web/site.ts", "src/web/people/index.ts", "src/web/operator/index.ts"];

/** As its source has them, so that a page which is added is asked too. A part in braces takes any text without a slash. */
export function sitePaths(): string[] {
  const texts = FILES.map((file) => readFileSync(file, "utf8"));
  return texts.flatMap((text) =>
    [...text.matchAll(/^ {2}"(\/[^"]*)": /gm)].map(([, path]) => path!),
  );
}
