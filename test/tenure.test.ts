// A catalog that is put back to an earlier state beside files that came since: none of them is removed before somebody says that it goes on.
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "../src/cli/index.ts";
import { fakeTerminal } from "../src/cli/testing.ts";
import { commands } from "../src/main.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { npmPublication } from "./support/npm-package.ts";
import { startServer, type TestServer } from "./support/server.ts";
import { removeTemp, tempFolder } from "./support/temp.ts";

setDefaultTimeout(60_000);

let upstream: FakeUpstream;
let server: TestServer;
let folder: string;
beforeEach(async () => {
  folder = tempFolder("tenure");
  upstream = await startUpstream();
  server = await startServer(upstream, { claims: { npm: ["*-own"] }, server: {} });
});
afterEach(async () => {
  await server.stop();
  await upstream.stop();
  removeTemp(folder);
});

async function play(...words: string[]): Promise<{ code: number; printed: string }> {
  const file = join(folder, "holdfast.yaml");
  const names = ["npm", "pypi", "go", "composer", "debian", "debian-security"];
  const repositories = Object.fromEntries(names.map((name) => [name, false]));
  writeFileSync(file, JSON.stringify({ data: server.data, repositories }));
  const terminal = fakeTerminal({ cwd: folder });
  const code = await runCli([...words, "--config", file], commands(), terminal);
  return { code, printed: terminal.printed.out + terminal.printed.err };
}
const DAY_MS = 24 * 3_600_000;
const blobs = () =>
  readdirSync(join(server.data, "blobs"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
const catalogs = () => readdirSync(server.data).filter((name) => name.startsWith("holdfast.db"));
const keep = (into: string) => {
  for (const name of catalogs()) cpSync(join(server.data, name), join(into, name));
};

test("what came since an earlier state stays, is told, and may go when that state goes on", async () => {
  await server.account("user add", { name: "ann", password: "correct horse battery" });
  await server.account("grant add", { holder: "user:ann", actions: ["read", "publish", "admin"] });
  const scope = { actions: null, repositories: null, packages: null };
  const [token] = await server.account("token create", { user: "ann", name: "ci", scope });
  const publish = (name: string) =>
    fetch(`${server.url}/npm/${name}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${token}` },
      body: npmPublication(name, "1.0.0").body,
    });
  expect((await publish("first-own")).status).toBe(201);
  await server.restart({}, () => keep(folder));
  const before = blobs();
  expect((await publish("second-own")).status).toBe(201);
  const since = blobs();
  expect(since.length).toBeGreaterThan(before.length);
  server.advance(DAY_MS);
  expect(await server.operate("gc", "")).toMatchObject({ isDone: true });
  expect(blobs()).toEqual(since);

  await server.restart({}, () => {
    keep(join(folder, "since"));
    for (const name of catalogs()) rmSync(join(server.data, name));
    for (const name of readdirSync(folder).filter((one) => one.startsWith("holdfast.db")))
      cpSync(join(folder, name), join(server.data, name));
  });
  server.advance(DAY_MS);
  expect(server.log.join("\n")).toContain("No files are removed: The catalog does not know");
  const headers = { authorization: `Bearer ${token}` };
  const state = await fetch(`${server.url}/-/api/v1/state`, { headers });
  expect(await state.text()).toContain("The catalog does not know what was last written");
  const home = await fetch(`${server.url}/`, { headers: { accept: "text/html" } });
  expect(await home.text()).toContain("nothing is removed");
  await server.operate("alarms look", "");
  const alarms = await fetch(`${server.url}/-/api/v1/alarms`, { headers });
  expect((await alarms.json()).items).toMatchObject([{ rule: "catalog-behind", level: "error" }]);
  await expect(server.operate("gc", "")).rejects.toThrow("nothing is removed");
  await expect(server.operate("trash empty", "", { repository: "npm", by: "ann" })).rejects.toThrow(
    "nothing is removed",
  );
  expect(blobs()).toEqual(since);
  // What is new is stored and served as ever.
  expect((await publish("third-own")).status).toBe(201);
  expect(blobs().length).toBeGreaterThan(since.length);
  const doctor = await play("doctor");
  expect([doctor.code, doctor.printed]).toEqual([
    1,
    expect.stringContaining("The catalog does not know what was last written"),
  ]);

  // To the state of before again: it knows the last word.
  await server.restart({}, () => {
    for (const name of catalogs()) cpSync(join(server.data, name), join(folder, `behind.${name}`));
    for (const name of catalogs()) rmSync(join(server.data, name));
    keepBack(join(folder, "since"));
  });
  expect(await server.operate("gc", "")).toMatchObject({ isDone: true });
  for (const blob of since) expect(blobs()).toContain(blob);

  // And to the earlier one for good.
  await server.restart({}, async () => {
    for (const name of catalogs()) rmSync(join(server.data, name));
    keepBack(folder);
    expect((await play("gc")).printed).toContain("nothing is removed");
    const taken = await play("move", "--take-over");
    expect([taken.code, taken.printed]).toEqual([
      0,
      `The files in ${server.data} belong to the catalog beside them from now on, as it is. \`holdfast verify\` finds what is missing, and what this catalog does not name is garbage from now on.\n`,
    ]);
    expect((await play("move", "--take-over")).printed).toContain("already");
    expect((await play("doctor")).printed).not.toContain("does not know");
  });
  server.advance(DAY_MS);
  expect(await server.operate("gc", "")).toMatchObject({ isDone: true });
  expect(blobs()).toEqual(before);

  function keepBack(from: string): void {
    for (const name of readdirSync(from).filter((one) => one.startsWith("holdfast.db")))
      cpSync(join(from, name), join(server.data, name));
  }
});
