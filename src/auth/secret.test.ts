import { expect, test } from "bun:test";
import { isSecret, makeSecret, prefixOf } from "./secret.ts";

test("a token has a form that scanners know and a checksum that finds typing mistakes", () => {
  const secret = makeSecret();
  expect(secret).toMatch(/^hf_[0-9A-Za-z]{49}$/);
  expect(isSecret(secret)).toBe(true);
  const [head, last] = [secret.slice(0, -1), secret.at(-1)!];
  expect(isSecret(head + (last === "a" ? "b" : "a"))).toBe(false);
  expect(isSecret(`${secret}a`)).toBe(false);
  expect(isSecret("")).toBe(false);
  expect(makeSecret()).not.toBe(secret);
  expect(secret.startsWith(prefixOf(secret))).toBe(true);
});

test("the same bytes give the same token: the form does not change", () => {
  expect(makeSecret(new Uint8Array(32))).toBe(
    `hf_0000000000000000000000000000000000000000000${makeSecret(new Uint8Array(32)).slice(-6)}`,
  );
  expect(makeSecret(new Uint8Array(32).fill(255))).toMatch(/^hf_[0-9A-Za-z]{49}$/);
});
