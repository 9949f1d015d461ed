import { expect, test } from "bun:test";
import { checkBases } from "./bases.ts";

const on = (format: string, ...bases: string[]) => ({
  format,
  upstreams: bases.map((repository) => ({ repository })),
});
const mistakes = (repositories: Record<string, unknown>) => {
  const found: string[] = [];
  checkBases(repositories, (path, message) => found.push(`${path.join(".")}: ${message}`));
  return found;
};

test("a repository may be built on others of its format", () => {
  expect(mistakes({ a: on("npm", "b", "c"), b: on("npm", "c"), c: on("npm"), d: false })).toEqual(
    [],
  );
});

test("what is built on nothing, on another format or on itself is told with its place", () => {
  expect(mistakes({ release: on("npm"), top: on("npm", "relese") })).toEqual([
    'repositories.top.upstreams.0.repository: there is no repository relese (did you mean "release"?)',
  ]);
  expect(mistakes({ a: on("npm", "b"), b: on("pypi") })).toEqual([
    "repositories.a.upstreams.0.repository: b speaks pypi: a repository is built on such as speak its own format, npm",
  ]);
  expect(mistakes({ a: on("npm", "b"), b: on("npm", "a"), c: on("npm", "a") })).toEqual([
    "repositories.a.upstreams.0.repository: a is built on b is built on a: no repository can be built on itself",
    "repositories.b.upstreams.0.repository: b is built on a is built on b: no repository can be built on itself",
  ]);
});
