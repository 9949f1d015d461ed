// How a report of `bun test` is read.
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readReport } from "./junit.ts";
import { removeTemp, tempFolder } from "./temp.ts";

test("a report's counts and failures, with what XML escapes", async () => {
  const folder = tempFolder("junit");
  const path = join(folder, "report.xml");
  writeFileSync(
    path,
    `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="4" assertions="3" failures="1" skipped="1" time="1">
  <testsuite name="a.test.ts" file="test/a.test.ts" tests="4">
    <testcase name="fine" classname="" time="0" file="test/a.test.ts" line="1" assertions="1" />
    <testcase name="left out" classname="" time="0" file="test/a.test.ts" line="2"><skipped /></testcase>
    <testcase name="a &lt; b" classname="" time="0" file="test/a.test.ts" line="3">
      <failure type="AssertionError" message="want &quot;1&quot;&#10;got 2" />
    </testcase>
    <testcase name="fine too" classname="" time="0" file="test/a.test.ts" line="4" assertions="1" />
  </testsuite>
</testsuites>`,
  );
  expect(await readReport(path)).toEqual({
    count: { passed: 2, failed: 1, skipped: 1 },
    failed: [{ file: "test/a.test.ts", test: "a < b", why: 'want "1" got 2' }],
  });
  expect((await readReport(join(folder, "none.xml"))).count).toEqual({
    passed: 0,
    failed: 0,
    skipped: 0,
  });
  removeTemp(folder);
});
