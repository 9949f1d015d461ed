import { expect, test } from "bun:test";
import { kindOf, renderReadme } from "./readme.ts";

const of = (text: string) => renderReadme(text, "markdown") ?? "";

const attacks = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  '<a href="javascript:alert(1)">x</a>',
  '<a href="  java\nscript:alert(1)">x</a>',
  '<a href="data:text/html,<script>alert(1)</script>">x</a>',
  "[x](javascript:alert(1))",
  "[x](vbscript:x)",
  "![x](javascript:alert(1))",
  '<iframe src="https://evil.example.test"></iframe>',
  "<style>body{display:none}</style>",
  '<p style="position:fixed">x</p>',
  '<form action="/-/liking" method="post"><input name="theme" value="dark"><button>x</button></form>',
  "<svg><script>alert(1)</script></svg>",
  "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
  '<base href="https://evil.example.test/">',
  '<meta http-equiv="refresh" content="0;url=https://evil.example.test">',
  '<object data="x"></object><embed src="x">',
  "<template><script>alert(1)</script></template>",
  '<link rel="stylesheet" href="https://evil.example.test/x.css">',
  '<video src="x" onerror="alert(1)"></video>',
  '<details ontoggle="alert(1)" open>x</details>',
  '<a href="https://x.example.test" onclick="alert(1)" target="_blank">x</a>',
  '<b class="notice bad">x</b>',
  "<plaintext>",
  "<textarea><script>alert(1)</script>",
  "`<script>alert(1)</script>`",
  "```html\n<script>alert(1)</script>\n```",
];
for (const attack of attacks)
  test(`nothing of ${JSON.stringify(attack).slice(0, 60)} runs, loads or stands in a page's place`, () => {
    const html = of(attack);
    const tags = [...html.matchAll(/<\/?([a-z0-9]+)([^>]*)>/gi)];
    for (const [, name, attributes] of tags) {
      expect(name).not.toMatch(
        /^(script|style|iframe|img|svg|math|form|button|input|object|embed|base|meta|link|video|template|textarea|plaintext|noscript)$/i,
      );
      expect(attributes).not.toMatch(/\b(on\w+|style|class|src|target)\s*=/i);
      expect(attributes).not.toMatch(/(javascript|vbscript|data):/i);
    }
  });

test("what people write is shown: headings below ours, tables, lists, code, links", () => {
  const html = of(
    "# One\n\n## Two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- [x] done\n\n<https://x.example.test/?a=1&b=2>",
  );
  expect(html).toContain("<h3>One</h3>");
  expect(html).toContain("<table>");
  expect(html).toContain("☑");
  expect(html).toContain(
    '<a href="https://x.example.test/?a=1&amp;b=2" rel="nofollow noopener noreferrer">',
  );
});

test("an id is its own, and links within lead to it", () => {
  const html = of('<p id="main">x</p>\n\n[go](#main) <a name="search">y</a>');
  expect(html).toContain('id="readme-main"');
  expect(html).toContain('href="#readme-main"');
  expect(html).toContain('id="readme-search"');
  expect(html).not.toMatch(/id="(main|search)"/);
});

test("an image is its words, wherever it is", () => {
  expect(of("![a gauge](https://tracker.example.test/x.png)")).toContain("[a gauge]");
  expect(of("![a gauge](https://tracker.example.test/x.png)")).not.toContain("tracker");
});

test("links that are relative lead nowhere here", () => {
  expect(of("[other](docs/other.md)")).not.toContain("href");
  expect(of("[other](//evil.example.test)")).not.toContain("href");
});

test("text is text, empty is nothing, and too much of it has an end", () => {
  expect(renderReadme("a <b>", "plain")).toBe("<pre>a &lt;b&gt;</pre>");
  expect(renderReadme(" \n", "markdown")).toBeNull();
  expect(of("x ".repeat(2_000_000)).length).toBeLessThan(1_100_000);
  expect(of("<i>".repeat(30_000))).toStartWith("<pre>");
  expect(of(`${"> ".repeat(500)}deep`).length).toBeGreaterThan(0);
  expect([kindOf("README.md"), kindOf("README"), kindOf("README.rst")]).toEqual([
    "markdown",
    "plain",
    "plain",
  ]);
});
