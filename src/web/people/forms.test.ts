import { expect, test } from "bun:test";
import { placed } from "../frame/page.ts";
import { leads, nextOf, redirect } from "./forms.ts";

const places: [text: string | null, want: string][] = [
  ["/", "/"],
  ["/-/account", "/-/account"],
  ["/-/login/abc-DEF_1?x=1&y=%20", "/-/login/abc-DEF_1?x=1&y=%20"],
  [null, "/-/account"],
  ["", "/-/account"],
  ["//evil.example", "/-/account"],
  ["/\\evil.example", "/-/account"],
  ["https://evil.example", "/-/account"],
  ["/-//evil.example", "/-/account"],
  ["/-/../npm", "/-/account"],
  ["/npm/x", "/-/account"],
  ["javascript:alert(1)", "/-/account"],
  ["/-/x\r\nset-cookie: a=b", "/-/account"],
];
for (const [text, want] of places)
  test(`nextOf(${JSON.stringify(text)}) is ${want}`, () => expect(nextOf(text)).toBe(want));

test("below a path all addresses of our own pages are below it", () => {
  const page =
    '<form action="/-/login"><a href="/-/account">a</a><a href="https://x/-/y">b</a><img src="//z/y">';
  const below = "https://packages.example.com/holdfast";
  expect(placed(page, below)).toBe(
    '<form action="/holdfast/-/login"><a href="/holdfast/-/account">a</a><a href="https://x/-/y">b</a><img src="//z/y">',
  );
  expect(leads(redirect("/-/account"), below).headers["location"]).toBe("/holdfast/-/account");
  expect(leads(redirect("https://id.example.com/x"), below).headers["location"]).toBe(
    "https://id.example.com/x",
  );
  expect(placed(page, "https://packages.example.com")).toBe(page);
});
