import { expect, test } from "bun:test";
import { type MediaType, negotiate } from "./negotiate.ts";
import { MEDIA } from "./types.ts";

const { json, html, text } = MEDIA;

const accepts: [accept: string | null, want: MediaType | null][] = [
  [null, text],
  ["", text],
  ["*/*", text],
  ["text/html", text],
  ["text/*", text],
  ["application/*", json],
  [json, json],
  [html, html],
  ["application/vnd.pypi.simple.latest+json", json],
  ["application/vnd.pypi.simple.latest+html", html],
  ["Application/Vnd.PyPI.Simple.V1+JSON", json],
  // pip 23 to 26
  [`${json}, ${html}; q=0.1, text/html; q=0.01`, json],
  // uv
  [`${json}, ${html};q=0.2, text/html;q=0.01`, json],
  // poetry 2.3
  [`${json}, */*;q=0.1`, json],
  // a browser
  ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", text],
  [`${json};q=0.1, ${html};q=0.5, text/html;q=0.4`, html],
  [`${json}, ${html}, text/html`, json],
  [`${json}, */*`, json],
  ["*/*;q=0.5, text/html;q=0.1", json],
  ["*/*, text/html;q=0", json],
  [`${json};q=0, text/html`, text],
  [`${json};q=0`, null],
  ["application/vnd.pypi.simple.v2+json", null],
  ["image/png", null],
  ["*/*;q=nonsense", null],
  [",;,;;q=1,", null],
];
for (const [accept, want] of accepts)
  test(`negotiate(${accept})`, () => expect(negotiate(accept)).toBe(want));
