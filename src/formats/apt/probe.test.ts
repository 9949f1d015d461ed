import { expect, test } from "bun:test";
import { aptOptions } from "./options.ts";
import { probe } from "./probe.ts";

const asked = (options: object) => probe(aptOptions.parse({ unverified: true, ...options }))?.path;

test("a suite that the options name is asked for", () => {
  expect(asked({})).toBeUndefined();
  expect(asked({ suites: ["bookworm"] })).toBe("dists/bookworm/Release");
  expect(asked({ suites: ["bookworm"], mirror: { suites: ["./"] } })).toBe("Release");
  expect(asked({ suites: ["rpm/x86_64/"] })).toBe("rpm/x86_64/Release");
});

test("a Release is recognised, and nothing else", () => {
  const { recognises } = probe(aptOptions.parse({ unverified: true, suites: ["a"] }))!;
  const is = (status: number, start: string) => recognises({ status, type: "", start });
  expect(is(200, "Origin: Kelp\nSHA256:\n 00 1 main/binary-amd64/Packages\n")).toBe(true);
  expect(is(200, "<html>SHA256:</html>")).toBe(false);
  expect(is(404, "Origin: Kelp\nSHA256:\n")).toBe(false);
});
