// Every *.wire script of every format, against the real server.

import { expect, test } from "bun:test";
import { Glob } from "bun";
import { runWire } from "./support/wire.ts";

const scripts = [...new Glob("src/formats/*/testdata/*.wire").scanSync(".")].sort();

test("there are scripts", () => expect(scripts.length).toBeGreaterThan(20));

for (const script of scripts) test(script, () => runWire(script), 30_000);
