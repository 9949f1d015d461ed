import { expect, test } from "bun:test";
import { Problem } from "../../core/problem.ts";
import { seeded } from "../../core/testkit.ts";
import { readCoreMetadata } from "./core-metadata.ts";

const head = "Metadata-Version: 2.4\nName: Six\nVersion: 1.0\n";
const read = (text: string | Uint8Array) => readCoreMetadata(Buffer.from(text), "six.whl");

test("fields are read up to the description, in any case, on more than one line", () => {
  const metadata = read(
    `${head}requires-python: >=3.9\r\nClassifier: A\nClassifier: B\nLicense: first\n        second\n\t|\nKeywords:\n\nName: other\n`,
  );
  expect(metadata).toMatchObject({ name: "Six", version: "1.0", requiresPython: ">=3.9" });
  expect(Object.fromEntries(metadata.fields)).toEqual({
    "metadata-version": ["2.4"],
    name: ["Six"],
    version: ["1.0"],
    "requires-python": [">=3.9"],
    classifier: ["A", "B"],
    license: ["first\n        second\n\t|"],
    keywords: [""],
  });
});

test("all accepted versions of it", () => {
  for (const version of ["1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5"])
    expect(read(head.replace("2.4", version)).requiresPython).toBeNull();
});

const broken: [text: string | Uint8Array, words: string][] = [
  ["", "Metadata-Version is missing"],
  [head.replace("2.4", "2.0"), "Metadata-Version is 2.0"],
  [head.replace("2.4", "3.0"), "Metadata-Version is 3.0"],
  [head.replace("Name: Six\n", ""), "names no project"],
  [head.replace("Six", "-six"), "names no project"],
  [head.replace("1.0", "one"), "one is no version"],
  [head.replace("Version: 1.0\n", ""), "nothing is no version"],
  [`${head}Name: other\n`, "name twice"],
  [`${head}Requires-Python: >=3\nRequires-Python: >=4\n`, "requires-python twice"],
  [`${head}Requires-Python: >=3\n <4\n`, "Requires-Python"],
  [` folded\n${head}`, "no field"],
  [`${head}hello\n`, "no field"],
  [Buffer.concat([Buffer.from(`${head}Summary: `), Buffer.from([0xff])]), "not UTF-8"],
];
for (const [text, words] of broken)
  test(`refuses ${JSON.stringify(String(text)).slice(0, 80)}`, () => {
    expect(() => read(text)).toThrow(words);
  });

test("whatever it is, nothing but a Problem is thrown", () => {
  const next = seeded(566);
  const pieces = [head, "\n", "\r\n", ":", " ", "\t", "Name", "Requires-Python: ", "\0", "é", "x"];
  for (let round = 0; round < 2_000; round += 1) {
    let text = next() < 0.5 ? head : "";
    for (let length = next() * 10; length > 0; length -= 1)
      text += pieces[Math.floor(next() * pieces.length)];
    try {
      read(text);
    } catch (error) {
      expect(error).toBeInstanceOf(Problem);
    }
  }
});
