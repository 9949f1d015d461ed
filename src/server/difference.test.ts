import { expect, test } from "bun:test";
import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/resolve.ts";
import { formats } from "../formats/index.ts";
import { takeIn } from "./difference.ts";

const before = loadConfig({ formats, flags: {}, env: {} });
const [first, ...rest] = before.repositories;

const table: [what: string, next: Partial<Config>, lines: string[]][] = [
  ["nothing", {}, ["Took the configuration in: nothing has changed"]],
  [
    "what repositories are",
    {
      repositories: [
        { ...first!, claims: ["@acme/*"] },
        ...rest.slice(1),
        { ...first!, name: "x" },
      ],
    },
    [`Took the configuration in: ${first!.name} changed, x added, ${rest[0]!.name} removed`],
  ],
  [
    "what concerns all of them",
    { publicUrl: "https://a.example.com", scrub: 0 },
    ["Took the configuration in: publicUrl changed, scrub changed"],
  ],
  [
    "what takes a restart",
    { data: "/other", cache: { memory: 1 } },
    [
      "Took the configuration in: nothing has changed",
      "data stays as it is: another one takes a restart",
      "cache stays as it is: another one takes a restart",
    ],
  ],
];
for (const [what, change, lines] of table)
  test(`${what} is told`, () => {
    expect(takeIn(before, { ...before, ...change }).lines).toEqual(lines);
  });

test("what takes a restart stays, and all else is the new one's", () => {
  const next = { ...before, data: "/other", scrub: 5 };
  expect(takeIn(before, next).config).toEqual({ ...before, scrub: 5 });
});

test("a server that still listens beyond its machine does not trust whoever is on that machine", () => {
  const wide = loadConfig({ formats, flags: { listen: "0.0.0.0:1" }, env: {} });
  expect(takeIn(wide, before).config).toMatchObject({ listen: wide.listen });
  expect(takeIn(wide, before).config.access.isLocal).toBe(false);
  expect(takeIn(before, wide).config.access.isLocal).toBe(false);
});
