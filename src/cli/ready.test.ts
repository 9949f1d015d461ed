import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formats } from "../formats/index.ts";
import { openDatabase } from "../store/database.ts";
import { openLayout } from "../store/layout.ts";
import { runCli } from "./index.ts";
import { readyCommand } from "./ready.ts";
import { fakeTerminal } from "./testing.ts";

let home: string;
let asked: { name: string; values?: Readonly<Record<string, string>> | undefined }[];
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "holdfast-ready-"));
  asked = [];
  const database = await openDatabase(openLayout(join(home, "data")).database);
  await database.write(
    (
      sql,
    ) => sql`INSERT INTO artifacts (repository, package, file, version, purl, sha256, size, fetched_at, upstream, path)
      VALUES ('npm', 'kelp', 'kelp-1.0.0.tgz', '1.0.0', 'pkg:npm/kelp@1.0.0', 'aa', 1, 1, '', '')`,
  );
  await database.close();
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const command = readyCommand({
  formats,
  operate: async (_config, request) => {
    asked.push(request);
    return true;
  },
});

async function ready(file: string, text: string, ...flags: string[]) {
  const path = join(home, file);
  writeFileSync(path, text);
  const terminal = fakeTerminal({ cwd: home });
  const code = await runCli(
    ["ready", path, ...flags, "--data", join(home, "data")],
    [command],
    terminal,
  );
  return { code, ...terminal.printed };
}
const lock = (...names: string[]) =>
  JSON.stringify({
    lockfileVersion: 3,
    packages: Object.fromEntries(
      names.map((name) => [`node_modules/${name}`, { version: "1.0.0" }]),
    ),
  });

test("all that is here is ready, and what is not is told and fetched", async () => {
  const here = await ready("package-lock.json", lock("kelp"));
  expect([here.code, here.out]).toEqual([
    0,
    "1 of 1 releases are here; 0 missing, 0 held, 0 blocked.\n",
  ]);
  const lacking = await ready("package-lock.json", lock("kelp", "tide"));
  expect(lacking.code).toBe(1);
  expect(lacking.out).toContain("missing  pkg:npm/tide@1.0.0");
  expect(asked).toEqual([]);
  await ready("package-lock.json", lock("kelp", "tide"), "--fetch");
  expect(asked).toMatchObject([{ name: "ready fetch", values: { repository: "npm" } }]);
  expect(JSON.parse(asked[0]!.values!["releases"]!)).toMatchObject([{ package: "tide" }]);
});

test("what kind it is follows from its name, or is said; what it is not is told", async () => {
  expect((await ready("requirements-dev.txt", "brine==1.0\n")).out).toContain("pkg:pypi/brine@1.0");
  const unknown = await ready("lock.json", lock("kelp"));
  expect([unknown.code, unknown.err]).toEqual([2, expect.stringContaining("say --repository")]);
  expect((await ready("lock.json", lock("kelp"), "--repository", "npm")).code).toBe(0);
  expect((await ready("lock.json", lock("kelp"), "--repository", "nmp")).code).toBe(2);
  const wrong = await ready("go.sum", "nothing\n");
  expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining("line 1 is not")]);
});
