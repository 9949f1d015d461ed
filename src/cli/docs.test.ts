import { expect, test } from "bun:test";
import { behind } from "../../scripts/docs.ts";

test("what is generated from the schema is up to date (npm run docs)", () =>
  expect(behind()).toEqual([]));
