// What of a package's paragraph stands in Packages, and what in the translation beside it.
import { expect, test } from "bun:test";
import { shown } from "./descriptions.ts";
import type { Member } from "./suite-state.ts";

const memberOf = (stanza: string) => ({ metadata: { package: "shell", stanza } }) as Member;

test("the first line of a description stays, and all of it is the translation that its digest names", () => {
  const stanza =
    "Package: shell\nVersion: 1.0\nDescription: the shell\n It is long,\n .\n in two paragraphs.\n";
  // printf 'the shell\n It is long,\n .\n in two paragraphs.\n' | md5sum
  const digest = "71ecc0213d641f2c17254b4546e99a7d";
  expect(shown(memberOf(stanza))).toEqual({
    stanza: `Package: shell\nVersion: 1.0\nDescription: the shell\nDescription-md5: ${digest}\n`,
    translation: `Package: shell\nDescription-md5: ${digest}\nDescription-en: the shell\n It is long,\n .\n in two paragraphs.\n`,
  });
});

test("what says it in one line, or not at all, is left as it is", () => {
  for (const stanza of [
    "Package: shell\nDescription: the shell\n",
    "Package: shell\nDescription:\n",
    "Package: shell\nNote: none\n Description: not one\n",
  ])
    expect(shown(memberOf(stanza))).toEqual({ stanza, translation: null });
});
