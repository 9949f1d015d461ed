import { afterAll, expect, test } from "bun:test";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificate } from "../../test/support/certificates.ts";
import { removeTemp, tempFolder } from "../../test/support/temp.ts";
import { loadConfig } from "../config/load.ts";
import { createLog } from "../core/log.ts";
import { formats } from "../formats/index.ts";
import { makeRepository, serveGit } from "../git/testkit.ts";
import { start } from "../server/start.ts";
import { checkSources } from "./check-sources.ts";

const home = tempFolder("check-sources");
const { authority, pair } = makeCertificate(["127.0.0.1"], 90);
const host = serveGit(join(home, "host"), pair, "oauth2:a-good-token");
const closed = serveGit(join(home, "host"), pair, "x:y");
afterAll(async () => {
  await host.stop();
  removeTemp(home);
});
makeRepository(join(home, "host", "lib")).commit({ "go.mod": "module git.example.test/a/lib\n" });
for (const [name, text] of [
  ["ca.pem", authority],
  ["good", "a-good-token"],
  ["bad", "another-token"],
] as const)
  writeFileSync(join(home, name), text);

function config(sources: object[], more: object = {}) {
  const file = join(home, "holdfast.yaml");
  const others = ["npm", "pypi", "composer", "debian", "debian-security"];
  const repositories = {
    ...Object.fromEntries(others.map((name) => [name, false])),
    go: { upstreams: [], sources, ...more },
  };
  writeFileSync(file, JSON.stringify({ access: { anonymous: "read" }, repositories }));
  const flags = { data: join(home, "data"), listen: "127.0.0.1:0" };
  return loadConfig({ file, formats, flags, env: {} });
}

const names = "git.example.test/a/*";
const https = { names, git: `${host.url}/{1}/.git`, ca: "ca.pem" };
/** What is said, without numbers that differ. */
const said = async (sources: object[], more: object = {}) =>
  (await checkSources(config(sources, more), () => 0)).map(({ state, subject, text }) => [
    state,
    subject,
    text.replaceAll(/127\.0\.0\.1:\d+/g, "HOST").replace(/version [\d.]+$/, "version"),
  ]);
const git = ["good", "git", "version"];
const good = ["good", "go", `${names} at HOST: the code host answers in 0 ms`];

test("without code hosts nothing is looked at, and offline nobody is asked", async () => {
  expect(await said([])).toEqual([]);
  const before = host.seen.length;
  expect(await said([https], { offline: true })).toEqual([
    git,
    ["skipped", "go", `${names}: offline, no code host is asked`],
  ]);
  expect(host.seen.length).toBe(before);
});

test("a code host that answers, wants credentials, refuses them, or is away is told as that", async () => {
  expect(await said([{ ...https, tokenFile: "good" }])).toEqual([git, good]);
  expect(await said([https])).toEqual([
    git,
    [
      "skipped",
      "go",
      `${names} at HOST: the code host answers, and whether it wants credentials shows with the first code`,
    ],
  ]);
  const one = { ...https, names: "git.example.test/a/lib", git: `${host.url}/lib/.git` };
  const [, told] = await said([one]);
  expect(told!.slice(0, 2)).toEqual(["bad", "go"]);
  expect(told![2]).toContain("The code host refuses https://HOST/lib/.git");
  const [, refused] = await said([{ ...https, tokenFile: "bad" }]);
  expect([refused![0], refused![2]]).toEqual(["bad", expect.stringContaining("refuses")]);
  expect(refused![2]).not.toContain("another-token");
  const gone = { ...one, tokenFile: "good", git: `${host.url}/gone/.git` };
  expect((await said([gone]))[1]!.slice(0, 2)).toEqual(["warning", "go"]);
  await closed.stop();
  const away = { ...https, git: `${closed.url}/{1}/.git` };
  const [, unreachable, beside] = await said([away, { ...https, tokenFile: "good" }]);
  expect([unreachable![0], unreachable![2]]).toEqual([
    "bad",
    expect.stringContaining("cannot be asked"),
  ]);
  expect(beside).toEqual(good);
});

test("a credential that is not there is no configuration", () => {
  expect(() => config([{ ...https, tokenFile: "nowhere" }])).toThrow("nowhere");
});

test("code that the server could not ask for is told, with why, and metrics count it", async () => {
  const local = [{ names, git: `file://${home}/host/{1}`, every: "1d" }];
  const log = createLog("json", () => {});
  const server = await start({ config: config(local), log });
  try {
    const list = () => fetch(`${server.url}/go/git.example.test/a/lib/@v/list`);
    expect((await list()).status).toBe(200);
    const metrics = async () =>
      (await (await fetch(`${server.url}/-/metrics`)).text())
        .split("\n")
        .filter((line) => line.startsWith("holdfast_source_") && !line.includes("age_seconds"));
    const labels = `repository="go",source="${names}"`;
    expect(await metrics()).toEqual([
      `holdfast_source_asked_total{${labels},result="new"} 1`,
      `holdfast_source_codes{${labels}} 1`,
      `holdfast_source_failing{${labels}} 0`,
    ]);
    renameSync(join(home, "host", "lib"), join(home, "host", "away"));
    const { signal } = new AbortController();
    const wanted = { name: "sources refresh", repository: "go", flags: new Set<string>() };
    await server.operations.run(wanted, { progress() {}, say() {}, signal });
    expect(await metrics()).toEqual([
      `holdfast_source_asked_total{${labels},result="new"} 1`,
      `holdfast_source_asked_total{${labels},result="failed"} 1`,
      `holdfast_source_codes{${labels}} 1`,
      `holdfast_source_failing{${labels}} 1`,
    ]);
    const [, asked, written] = await said(local);
    expect(asked!.slice(0, 2)).toEqual(["warning", "go"]);
    expect(written![2]).toStartWith(
      `${names}: of 1 codes 1 could not be asked the last time, git.example.test/a/lib not since 20`,
    );
    expect(written![2]).toContain("The code host has no repository");
  } finally {
    await server.stop(0);
  }
});
