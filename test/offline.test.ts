// What was answered once is answered for ever: every wire script, then all of it again while the upstream is away.

import { test } from "bun:test";
import { Glob } from "bun";
import { runWire } from "./support/wire.ts";

for (const script of [...new Glob("src/formats/*/testdata/*.wire").scanSync(".")].sort())
  test(`${script}, then the upstream is away`, () => runWire(script, { replay: true }), 60_000);
