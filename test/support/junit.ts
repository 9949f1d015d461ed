// What a run of `bun test` says of itself in its JUnit report.
import { readFile } from "node:fs/promises";

export interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

export interface Failure {
  /** From the root of the project. */
  file: string;
  test: string;
  why: string;
}

/** A report that is not there counts nothing. */
export async function readReport(path: string): Promise<{ count: Count; failed: Failure[] }> {
  const text = await readFile(path, "utf8").catch(() => "");
  const failed: Failure[] = [];
  for (const [, test, why] of text.matchAll(
    /<testcase\b([^>]*[^/])>\s*<(?:failure|error)\b([^>]*)/g,
  ))
    failed.push({
      file: attribute(test!, "file"),
      test: attribute(test!, "name"),
      why: attribute(why!, "message").slice(0, 500),
    });
  const top = /<testsuites\b[^>]*>/.exec(text)?.[0] ?? "";
  const number = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(top)?.[1] ?? 0);
  const [tests, failures, skipped] = [number("tests"), number("failures"), number("skipped")];
  const count = {
    passed: tests - failures - skipped,
    failed: failures + number("errors"),
    skipped,
  };
  return { count, failed };
}

function attribute(element: string, name: string): string {
  const text = new RegExp(`\\b${name}="([^"]*)"`).exec(element)?.[1] ?? "?";
  const entities: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text
    .replaceAll("&#10;", " ")
    .replaceAll(/&(\w+);/g, (whole, entity: string) => entities[entity] ?? whole);
}
