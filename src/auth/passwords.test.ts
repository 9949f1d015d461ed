import { expect, test } from "bun:test";
import vectors from "./htpasswd/testdata/vectors.json" with { type: "json" };
import { createPasswords, isOutdated } from "./passwords.ts";

const passwords = createPasswords();

for (const { by, password, hash } of vectors)
  test(`what ${by} made of "${password.slice(0, 20)}" is right, and due to be hashed anew`, async () => {
    expect(await passwords.verify(password, hash)).toBe(true);
    expect(await passwords.verify(`x${password}`, hash)).toBe(
      /\$2y/.test(hash) && password[0] === "x",
    );
    expect(await passwords.verify("", hash)).toBe(false);
    expect(isOutdated(hash)).toBe(true);
  });
