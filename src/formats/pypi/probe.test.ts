import { expect, test } from "bun:test";
import { probe } from "./probe.ts";

const HTML = "text/html";
const JSON_TYPE = "application/vnd.pypi.simple.v1+json";
const list = (...links: string[]) => `<!DOCTYPE html><html><body>${links.join("\n")}</body></html>`;
const rows: [what: string, status: number, type: string, start: string, is: boolean][] = [
  ["JSON", 200, JSON_TYPE, '{"meta":{"api-version":"1.1"},"projects":[{"name":"ke', true],
  ["JSON of another kind", 200, "application/json", '{"error":"no"}', false],
  [
    "a list",
    200,
    HTML,
    list('<a href="/simple/kelp/">Kelp</a>', "<a href='coral/'>coral</a>"),
    true,
  ],
  [
    "a file server's list",
    200,
    HTML,
    list('<a href="../">../</a>', '<a href="kelp/">kelp/</a>'),
    true,
  ],
  ["an empty index", 200, HTML, "<html><head><title>Simple index</title>", true],
  [
    "an empty index of a newer kind",
    200,
    HTML,
    '<meta name="pypi:repository-version" content="1.0">',
    true,
  ],
  [
    "a website",
    200,
    HTML,
    list('<a href="/about">What we do</a>', '<a href="/kelp">Kelp</a>'),
    false,
  ],
  ["a login page", 200, HTML, list('<form><input type="password"></form>'), false],
  ["a no", 404, HTML, list('<a href="kelp/">kelp</a>'), false],
];
for (const [what, status, type, start, is] of rows)
  test(`${what} is ${is ? "" : "not "}recognised`, () => {
    expect(probe({ simplePath: "simple/" }).recognises({ status, type, start })).toBe(is);
  });
