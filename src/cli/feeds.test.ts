import { beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "../../test/support/temp.ts";
import { createFetches } from "../advisories/fetches.ts";
import { loadConfig } from "../config/load.ts";
import { createLog } from "../core/log.ts";
import { formats } from "../formats/index.ts";
import { start } from "../server/start.ts";
import { openDatabase } from "../store/database.ts";
import { layoutOf } from "../store/layout.ts";
import { checkFeeds } from "./checks.ts";
import { operate } from "./errands.ts";
import { feedCommands } from "./feeds.ts";
import { runCli } from "./index.ts";
import { fakeTerminal } from "./testing.ts";

const home = tempFolder("feeds");
const data = join(home, "data");
const file = join(home, "holdfast.yaml");
const feed = join(home, "feed");
const load = () => loadConfig({ file, formats, flags: { data }, env: {} });
const record = (id: string, more: object = {}) =>
  JSON.stringify({
    id,
    modified: "2026-01-01T00:00:00Z",
    aliases: ["CVE-2026-1"],
    summary: "steals tokens",
    affected: [
      {
        package: { ecosystem: "npm", name: "kelp" },
        ranges: [{ type: "SEMVER", events: [{ introduced: "0" }, { fixed: "2.0.0" }] }],
      },
    ],
    ...more,
  });

beforeAll(async () => {
  mkdirSync(feed);
  writeFileSync(file, JSON.stringify({ offline: true, feeds: [{ name: "gap", directory: feed }] }));
  writeFileSync(join(feed, "GHSA-1.json"), record("GHSA-1"));
  const server = await start({ config: load(), log: createLog("json", () => {}), listen: "none" });
  await server.stop();
  const database = await openDatabase(layoutOf(data).database);
  const fetches = createFetches(
    database,
    createLog("json", () => {}),
    () => 1_764_000_000_000,
  );
  const ann = { kind: "user", name: "=ann", token: null, address: "" } as const;
  fetches.note(ann, "10.0.0.1", "npm", { package: "kelp", version: "1.0.0" });
  fetches.note(ann, "10.0.0.1", "npm", { package: "kelp", version: "2.0.0" });
  await fetches.settled();
  fetches.noteLocked(ann, "10.0.0.1", "npm", [{ package: "kelp", version: "1.0.0" }]);
  await fetches.settled();
  await database.close();
});

async function run(...argv: string[]) {
  const terminal = fakeTerminal();
  const commands = feedCommands({
    formats,
    operate: (...call) => operate(start, ...call),
    signals: () => () => {},
  });
  const code = await runCli([...argv, "--config", file, "--data", data], commands, terminal);
  return { code, ...terminal.printed };
}

test("a feed is read by a command, listed with its age, and asked by any name of a record", async () => {
  expect((await run("feeds", "list")).out).toBe("No feed was read yet.\n");
  expect((await checkFeeds(load(), Date.now()))[0]!.state).toBe("skipped");
  const read = await run("feeds", "refresh");
  expect([read.code, read.out + read.err]).toEqual([
    0,
    expect.stringContaining("gap: 1 records came"),
  ]);
  expect((await run("feeds", "refresh", "gap")).out).toContain("Nothing has changed");
  expect((await run("feeds", "refresh", "gop")).err).toContain(
    "There is no feed gop; there are gap",
  );
  const list = await run("feeds", "list");
  expect([list.code, list.out]).toEqual([
    0,
    expect.stringMatching(/gap +\d{4}-.*2026-01-01 00:00 +1/),
  ]);
  expect((await checkFeeds(load(), Date.now()))[0]!.state).toBe("good");
  expect((await checkFeeds(load(), Date.now() + 3 * 86_400_000))[0]!.state).toBe("warning");
  const shown = await run("advisories", "show", "CVE-2026-1");
  expect(shown.out).toContain("GHSA-1, CVE-2026-1: of unknown severity\n  pkg:npm/kelp <2.0.0");
  expect(shown.out).toContain("pkg:npm/kelp@1.0.0");
  expect(shown.out).not.toContain("pkg:npm/kelp@2.0.0");
  expect((await run("advisories", "show", "CVE-1")).err).toContain("No feed here told of CVE-1");
});

test("whom it reached is told as a table, as JSON, and as lines that no spreadsheet runs", async () => {
  expect((await run("policy", "affected", "pkg:npm/kelp@1.0.0")).out).toMatch(
    /npm +=ann +10\.0\.0\.1/,
  );
  expect((await run("policy", "affected", "pkg:npm/kelp@9")).out).toContain("Nobody fetched it");
  expect(JSON.parse((await run("policy", "affected", "GHSA-1", "--json")).out)).toMatchObject({
    principal: "=ann",
    version: "1.0.0",
    advisories: ["GHSA-1"],
  });
  const csv = (await run("policy", "affected", "GHSA-1", "--csv")).out.split("\r\n");
  expect(csv[0]).toStartWith("purl,repository,kind,principal,");
  expect(csv[1]).toStartWith("pkg:npm/kelp@1.0.0,npm,user,'=ann,");
  expect([csv[0], csv[1]]).toEqual([
    expect.stringMatching(/,advisories,lockedAt$/),
    expect.stringMatching(/,GHSA-1,2025-11-24T16:00:00.000Z$/),
  ]);
});

test("what is carried here is imported beside the feeds, and what cannot be read is told", async () => {
  const carried = join(home, "carried.txt");
  writeFileSync(carried, record("MAL-1", { aliases: [] }));
  const bad = await run("feeds", "import", carried);
  expect([bad.code, bad.out + bad.err]).toEqual([1, expect.stringContaining("could not be read")]);
  const folder = join(home, "usb");
  mkdirSync(folder);
  writeFileSync(join(folder, "MAL-1.json"), record("MAL-1", { aliases: [] }));
  expect((await run("feeds", "import", folder)).code).toBe(0);
  const again = await run("feeds", "import", join(folder, "MAL-1.json"));
  expect([again.code, again.out + again.err]).toEqual([
    0,
    expect.stringContaining("nothing in it is new"),
  ]);
  expect((await run("feeds", "list")).out).toMatch(/imported .* 1/);
  writeFileSync(join(feed, "GHSA-1.json"), "{");
  const half = await run("feeds", "refresh");
  expect(half.out + half.err).toContain(
    "1 records cannot be read, and what was known of them stays: GHSA-1",
  );
  expect((await run("advisories", "show", "GHSA-1")).code).toBe(0);
});
