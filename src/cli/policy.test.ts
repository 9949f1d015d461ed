import { beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "../../test/support/temp.ts";
import { formats } from "../formats/index.ts";
import type { OperationRequest } from "../http/control.ts";
import { openDatabase } from "../store/database.ts";
import { openLayout } from "../store/layout.ts";
import { runCli } from "./index.ts";
import { policyCommands } from "./policy.ts";
import { fakeTerminal } from "./testing.ts";

const home = tempFolder("policy");
const data = join(home, "data");
const file = join(home, "holdfast.yaml");
const next = join(home, "next.yaml");
const rules = (more: string) =>
  `policy:\n  - { name: cooldown, packages: ["pkg:npm/*"], minimumAge: 3d }\n${more}`;
const terminalNow = fakeTerminal().now();
const ago = (hours: number) => new Date(terminalNow - hours * 3_600_000).toISOString();

beforeAll(async () => {
  writeFileSync(file, rules(""));
  writeFileSync(next, rules(`  - { name: bad, packages: ["pkg:npm/tide"], block: "malware" }\n`));
  const database = await openDatabase(openLayout(data).database);
  await database.write(async (sql) => {
    for (const [name, version, age] of [
      ["kelp", "2.0.0", 1],
      ["kelp", "1.0.0", 100],
      ["tide", "1.0.0", 1000],
    ] as const)
      await sql`INSERT INTO facts (repository, package, file, version, is_grown, published_at, revision)
        VALUES ('npm', ${name}, ${`${name}-${version}.tgz`}, ${version}, 0, ${ago(age)}, 1)`;
    await sql`INSERT INTO artifacts (repository, package, file, version, purl, sha256, size, fetched_at, upstream, path)
      VALUES ('npm', 'tide', 'tide-1.0.0.tgz', '1.0.0', 'pkg:npm/tide@1.0.0', 'aa', 1, ${terminalNow - 1000}, 'u', '/')`;
  });
  await database.close();
});

async function run(line: string) {
  const asked: OperationRequest[] = [];
  const terminal = fakeTerminal();
  const commands = policyCommands({
    formats,
    operate: async (_, request) => {
      asked.push(request);
      return true;
    },
    signals: () => () => {},
  });
  const words = line.match(/'[^']*'|\S+/g)!.map((word) => word.replaceAll("'", ""));
  const code = await runCli([...words, "--config", file, "--data", data], commands, terminal);
  return { code, asked, ...terminal.printed };
}

test("what is held is a table, or JSON", async () => {
  const { code, out } = await run("policy held");
  expect(code).toBe(0);
  expect(out).toBe("npm  pkg:npm/kelp@2.0.0  held until 2026-11-26 11:00  cooldown\n");
  expect(JSON.parse((await run("policy held --json")).out)).toMatchObject({
    purl: "pkg:npm/kelp@2.0.0",
    rule: "cooldown",
  });
  expect((await run("policy held --repository go")).out).toBe("Nothing is held or blocked.\n");
  expect((await run("policy held --repository npmm")).err).toContain("did you mean npm?");
});

test("a release is explained, and withheld ones end with 1", async () => {
  const held = await run("policy explain pkg:npm/kelp@2.0.0");
  expect(held.code).toBe(1);
  expect(held.out).toContain(
    "npm: kelp 2.0.0 is held by the rule cooldown until 2026-11-26T11:00Z",
  );
  const allowed = await run("policy explain pkg:npm/kelp@1.0.0");
  expect(allowed.code).toBe(0);
  expect(allowed.out).toContain("npm: allowed (published 2026-11-19");
  const wrong = await run("policy explain kelp@1.0.0");
  expect([wrong.code, wrong.err]).toEqual([
    1,
    "holdfast policy explain: kelp@1.0.0 is no purl of a release, like pkg:npm/left-pad@1.3.0\n",
  ]);
});

test("the rules that are to come are held against what was fetched", async () => {
  const { code, out } = await run(`policy test ${next}`);
  expect([code, out]).toEqual([1, "2026-11-23 11:59  npm  pkg:npm/tide@1.0.0  blocked  bad\n"]);
  expect(await run(`policy test ${file}`)).toMatchObject({
    code: 0,
    out: "All that was fetched would have been.\n",
  });
  expect((await run(`policy test ${next} --since week`)).code).toBe(2);
});

test("waivers are asked of the server", async () => {
  const { code, asked } = await run(
    "waiver add pkg:npm/kelp@2.0.0 --reason 'a fix' --until 7d --repository npm",
  );
  expect(code).toBe(0);
  expect(asked).toMatchObject([
    {
      name: "waiver add",
      values: { purl: "pkg:npm/kelp@2.0.0", reason: "a fix", until: "7d", repository: "npm" },
    },
  ]);
  expect((await run("waiver add pkg:npm/kelp@2.0.0")).err).toContain("--reason TEXT says why");
  expect((await run("waiver remove 1234")).asked).toMatchObject([{ values: { id: "1234" } }]);
  expect((await run("waiver list")).out).toBe("There are no waivers.\n");
});

test("what is blocked by hand is asked of the server too, and is no waiver", async () => {
  const { asked } = await run("block add pkg:npm/kelp@2.0.0 --reason 'taken over'");
  expect(asked).toMatchObject([
    { name: "block add", values: { purl: "pkg:npm/kelp@2.0.0", reason: "taken over" } },
  ]);
  expect((await run("block add pkg:npm/kelp@2.0.0")).err).toContain("--reason TEXT says why");
  const removed = await run("block remove 1234 --reason 'it is well'");
  expect(removed.asked).toMatchObject([{ values: { id: "1234", reason: "it is well" } }]);
  expect((await run("block list")).out).toBe("Nothing is blocked by hand.\n");
});

const mistakes: [text: string, want: string][] = [
  [
    `{ name: x, packages: ["pkg:npm/*"] }`,
    "needs exactly one of minimumAge, block, allow, advisories, licence",
  ],
  [`{ name: x, packages: ["npm/*"], block: b }`, "expected a purl pattern"],
  [
    `{ name: x, packages: ["pkg:nmp/*"], block: b }`,
    "no format here has purls of the type nmp; did you mean pkg:npm/…?",
  ],
  [
    `{ name: x, packages: ["pkg:golang/*"], licence: { deny: [MIT] } }`,
    "the documents of go do not tell of their licences",
  ],
  [
    `{ name: x, packages: ["pkg:pypi/*"], licence: { allow: [MIT], unknown: block } }`,
    "is only known once one of its files is asked for",
  ],
  [
    `{ name: x, packages: ["pkg:pypi/*"], newInstallScript: 3d }`,
    "the documents of pypi do not tell of the scripts that run when they are installed",
  ],
  [
    `{ name: x, packages: ["pkg:npm/*"], licence: { deny: ["M I T"] } }`,
    "expected an SPDX identifier",
  ],
  [`{ name: x, packages: ["pkg:npm/*"], similarName: block }`, "similarName"],
  [
    `{ name: x, packages: ["pkg:cargo/*"], block: b }`,
    "no format here has purls of the type cargo",
  ],
  [`{ name: x, packages: ["pkg:npm/*"], versions: "^1", block: b }`, `"^1" is no comparison`],
  [`{ name: x, packages: ["pkg:npm/*"], versions: "<1.x", block: b }`, `"1.x" is no version`],
  [
    `{ name: x, packages: ["pkg:npm/*"], repositories: [nmp], block: b }`,
    "there is no repository nmp; did you mean npm?",
  ],
  [`{ name: cooldown, packages: ["pkg:npm/*"], block: b }`, "another rule is called the same"],
  [`{ name: x, packages: ["pkg:npm/*"], minimumage: 3d, block: b }`, "minimumAge"],
];
for (const [text, want] of mistakes)
  test(`a rule with a mistake is refused: ${want}`, async () => {
    const wrong = join(home, "wrong.yaml");
    writeFileSync(wrong, rules(`  - ${text}\n`));
    const { code, err } = await run(`policy test ${wrong}`);
    expect(code).toBe(1);
    expect(err).toContain(want);
    expect(err).toMatch(/wrong\.yaml:\d+:\d+ +policy\[/);
  });
