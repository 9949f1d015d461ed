// The operator's pages, as a browser without script meets them: from a red line to its cause and its cure.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../src/config/load.ts";
import { createLog } from "../src/core/log.ts";
import { formats } from "../src/formats/index.ts";
import { type Running, start } from "../src/server/start.ts";
import { type Browser, openBrowser } from "./support/browser.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { removeTemp, tempFolder } from "./support/temp.ts";
import { waitFor } from "./support/wait.ts";

let home: string;
let upstream: FakeUpstream;
let server: Running;
let url: string;
let ann: Browser;
let ben: Browser;

beforeAll(async () => {
  home = tempFolder("operator");
  mkdirSync(join(home, "feed"));
  const record = {
    id: "MAL-1",
    modified: "2026-01-01T00:00:00Z",
    affected: [{ package: { ecosystem: "npm", name: "bad" }, versions: ["1.0.0"] }],
  };
  writeFileSync(join(home, "feed", "MAL-1.json"), JSON.stringify(record));
  upstream = await startUpstream();
  const file = join(home, "holdfast.yaml");
  const off = { pypi: false, go: false, composer: false, debian: false, "debian-security": false };
  writeFileSync(
    file,
    JSON.stringify({
      access: { anonymous: "read" },
      feeds: [{ name: "gap", directory: join(home, "feed") }],
      repositories: {
        ...off,
        npm: { upstreams: [{ url: upstream.urls.npm }] },
        away: { format: "npm", upstreams: [{ url: "http://127.0.0.1:1" }] },
      },
    }),
  );
  const flags = { data: join(home, "data"), listen: "127.0.0.1:0" };
  const load = () => loadConfig({ file, formats, flags, env: {} });
  server = await start({ config: load(), load, log: createLog("json", () => {}) });
  url = server.url.replace(/\/$/, "");
  for (const [name, admin] of [
    ["ann", true],
    ["ben", false],
  ] as const)
    await command("user add", { name, admin, password: "correct horse" });
  ann = await logIn("ann");
  ben = await logIn("ben");
}, 60_000);
afterAll(async () => {
  await server.stop(0);
  await upstream.stop();
  removeTemp(home);
});

async function command(name: string, given: object): Promise<void> {
  await server.operations.run(
    {
      name: "accounts",
      repository: "",
      flags: new Set(),
      values: { command: name, given: JSON.stringify(given), by: "test" },
    },
    { progress() {}, say() {}, signal: new AbortController().signal },
  );
}

async function logIn(name: string): Promise<Browser> {
  const browser = openBrowser(url);
  await browser.send("/-/login", { name, password: "correct horse" });
  return browser;
}

/** As a client asks for it. */
const client = async (path: string) => {
  const response = await fetch(`${url}${path}`);
  return { status: response.status, text: await response.text() };
};
const KELP = "/npm/kelp/-/kelp-1.0.0.tgz";

test("an upstream that is away is a red line, with its reason and since when", async () => {
  await client("/away/kelp");
  const { status, text } = await ann.open("/-/operator");
  expect(status).toBe(200);
  expect(text).toContain("<strong>Degraded");
  expect(text).toMatch(/127\.0\.0\.1:1, an upstream of away, cannot be reached: refused/);
  expect(text).toMatch(/href="#upstreams"/);
  expect(text).toMatch(/chip bad">(away|being asked again)/);
});

test("they are for who administers all: others are told so, and strangers are led to the log-in", async () => {
  for (const path of ["/-/operator", "/-/operator/withheld", "/-/operator/fetches.csv"]) {
    const theirs = await ben.open(path);
    expect([path, theirs.status]).toEqual([path, 403]);
    const stranger = await openBrowser(url).open(path);
    expect([stranger.status, stranger.location]).toEqual([
      303,
      `/-/login?next=${encodeURIComponent(path)}`,
    ]);
  }
  expect((await ben.send("/-/operator/withheld/decide", { do: "block" })).status).toBe(403);
});

test("a release is blocked by hand, its client is refused it and named, and the block is taken back", async () => {
  expect((await client(KELP)).status).toBe(200);
  const key = { release: "npm pkg:npm/kelp@1.0.0" };
  const decide = "/-/operator/withheld/decide";
  const page = await ann.open(`${decide}?${new URLSearchParams(key)}`);
  expect(page.text).toContain("No rule keeps it from anybody.");
  const elsewhere = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
  const sent = { ...key, do: "block", reason: "taken <over>" };
  expect((await ann.send(decide, sent, elsewhere)).location).toStartWith("/-/login");
  const nameless = await ann.send(decide, { ...sent, reason: " " });
  expect([nameless.status, nameless.text]).toEqual([
    400,
    expect.stringContaining("Say why: it stands in the audit log"),
  ]);
  expect((await client(KELP)).status).toBe(200);

  const done = await ann.send(decide, sent);
  expect([done.status, done.location]).toEqual([303, "/-/operator/withheld?done=block"]);
  const refused = await client(KELP);
  expect([refused.status, refused.text]).toEqual([
    403,
    expect.stringContaining(
      "kelp 1.0.0 is blocked by ann: taken &lt;over&gt;".replace(/&lt;/, "<").replace(/&gt;/, ">"),
    ),
  ]);
  expect(Object.keys(JSON.parse((await client("/npm/kelp")).text).versions)).not.toContain("1.0.0");
  const list = () => ann.open("/-/operator/withheld?verdict=block");
  await waitFor(
    async () => /127\.0\.0\.1 <span class="soft">/.test((await list()).text),
    () => "who asked last is not told",
    20_000,
  );
  const { text } = await list();
  expect(text).toContain("taken &lt;over&gt;");
  const [, id = ""] = /withheld\/back\?kind=block&amp;id=([^"]+)"/.exec(text)!;
  const asked = await ann.open(`/-/operator/withheld/back?kind=block&id=${id}`);
  expect(asked.text).toContain("Clients are sent it from their next request on");
  const why = { kind: "block", id, reason: " " };
  expect((await ann.send("/-/operator/withheld/back", why)).status).toBe(400);
  const back = await ann.send("/-/operator/withheld/back", { ...why, reason: "it is well" });
  expect(back.location).toBe("/-/operator/withheld?done=revoked");
  expect((await client(KELP)).status).toBe(200);
  const audit = await server.database.read`SELECT action, principal, detail FROM audit
    WHERE action IN ('block', 'unblock') ORDER BY id DESC LIMIT 2`;
  expect(audit.map(({ action, principal }) => `${principal} ${action}`)).toEqual([
    "ann unblock",
    "ann block",
  ]);
  expect(JSON.parse(audit[0].detail).why).toBe("it is well");
}, 60_000);

test("a release is blocked and let go by commands, each of its own kind", async () => {
  const run = async (name: string, values: Record<string, string>) => {
    const lines: string[] = [];
    await server.operations.run(
      { name, repository: "", flags: new Set(), values: { ...values, by: "test" } },
      { progress() {}, say: (line) => void lines.push(line), signal: new AbortController().signal },
    );
    return lines.join();
  };
  const said = await run("block add", { purl: "pkg:npm/kelp@1.0.0", reason: "taken over" });
  expect(said).toStartWith("kelp 1.0.0 is blocked by hand. It is the block ");
  expect((await client(KELP)).status).toBe(403);
  const id = said.split(" ").at(-1)!.replace(/\.$/, "");
  await expect(run("waiver remove", { id })).rejects.toThrow(`There is no waiver ${id}`);
  await expect(run("block remove", { id: "" })).rejects.toThrow("There is no block");
  expect(await run("block remove", { id: id.slice(0, 8), reason: "it is well" })).toBe(
    "The rules hold again for kelp 1.0.0.",
  );
  expect((await client(KELP)).status).toBe(200);
});

test("several are decided on at once, and what is no release is told", async () => {
  const decide = "/-/operator/withheld/decide";
  const asked = "release=npm+pkg:npm/kelp@1.0.0&release=away+pkg:npm/%2540acme/ui@2.0.0";
  const { status, text } = await ann.open(`${decide}?${asked}`);
  expect([status, text]).toEqual([200, expect.stringContaining("Release all 2")]);
  expect(text).toContain("@acme/ui 2.0.0");
  for (const wrong of ["release=x", "release=npm+pkg:npm/kelp", "release=npm+pkg:npm/%25zz@1"])
    expect([wrong, (await ann.open(`${decide}?${wrong}`)).status]).toEqual([wrong, 400]);
  const many = Array.from({ length: 51 }, (_, at) => `release=npm+pkg:npm/k@${at}`).join("&");
  expect((await ann.open(`${decide}?${many}`)).status).toBe(400);
});

test("an event is looked into and acknowledged, and that is taken back", async () => {
  server.events.report("npm", {
    kind: "tampered",
    package: "kelp",
    version: "1.0.0",
    file: "kelp-1.0.0.tgz",
    message: "kelp-1.0.0.tgz is <b>now</b> another",
    detail: { first: "<i>sha512-A</i>", seen: { by: "x" } },
  });
  await server.events.settled();
  const overview = await ann.open("/-/operator");
  expect(overview.text).toContain("An event that nobody has looked at is serious");
  const list = await ann.open("/-/operator/events?level=error&acknowledged=no");
  const [, path = ""] = /href="(\/-\/operator\/events\/\d+)"/.exec(list.text)!;
  const { text } = await ann.open(path);
  expect(text).toContain("kelp-1.0.0.tgz is &lt;b&gt;now&lt;/b&gt; another");
  expect(text).not.toMatch(/<b>now|<i>sha512/);
  expect(text).toContain("/-/operator/fetches?package=kelp&amp;version=1.0.0");
  const seen = await ann.send(path, { do: "acknowledge", note: "the publisher knows" });
  expect([seen.status, seen.location]).toEqual([303, path]);
  expect((await ann.open(path)).text).toMatch(/ann has seen it .*: the publisher knows/);
  expect((await ann.open("/-/operator/events?level=error&acknowledged=no")).text).toContain(
    "Nothing of that happened.",
  );
  await ann.send(path, { do: "reopen" });
  expect((await ann.open(path)).text).toContain("I have seen it");
  expect((await ann.open("/-/operator/events/0")).status).toBe(404);
  expect((await ann.open("/-/operator/events?kind=nothing")).status).toBe(400);
});

test("who fetched what is found, and taken along as a file that no spreadsheet takes for formulas", async () => {
  await server.database.write(
    (
      sql,
    ) => sql`INSERT INTO fetches (repository, package, version, caller, day, kind, principal, token, token_name, address, first_at, last_at, files)
      VALUES ('npm', '=kelp', '1,0', 'cy', 1, 'user', 'cy', NULL, NULL, '192.0.2.7', 86400000, 86400001, 2)`,
  );
  const page = await ann.open("/-/operator/fetches?principal=cy");
  expect(page.text).toContain("192.0.2.7");
  const file = await ann.open("/-/operator/fetches.csv?address=192.0.2.7");
  expect(file.headers.get("content-type")).toStartWith("text/csv");
  expect(file.headers.get("content-disposition")).toContain("attachment");
  expect(file.text.split("\r\n").slice(1)).toEqual([
    `npm,'=kelp,"1,0","pkg:npm/%3Dkelp@1%2C0",user,cy,,192.0.2.7,1970-01-02T00:00:00.000Z,1970-01-02T00:00:00.001Z,2`.replace(
      /"pkg:npm\/%3Dkelp@1%2C0"/,
      "pkg:npm/%3Dkelp@1%2C0",
    ),
    "",
  ]);
  const wrong = await ann.open("/-/operator/fetches?digest=xyz");
  expect([wrong.status, wrong.text]).toEqual([400, expect.stringContaining("is a SHA-256")]);
  const reached = await ann.open(
    `/-/operator/affected?of=${encodeURIComponent("pkg:npm/kelp@1.0.0")}`,
  );
  expect(reached.status).toBe(200);
  expect((await ann.open("/-/operator/affected?of=MAL-0")).status).toBe(404);
});

test("a lock file is told what of it is here, and what is missing is fetched with a button", async () => {
  const packages = {
    "node_modules/tide": { version: "1.0.0" },
    "node_modules/@acme/grotto": { version: "9.9.9" },
  };
  const lock = JSON.stringify({ lockfileVersion: 3, packages });
  const send = async (browser: Browser, fields: Record<string, string | File>) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(`${url}/-/readiness`, {
      method: "POST",
      body: form,
      redirect: "manual",
      headers: { cookie, accept: "text/html", origin: url, "sec-fetch-site": "same-origin" },
    });
    const { status, headers } = response;
    return { status, location: headers.get("location"), text: await response.text() };
  };
  const check = { do: "check", repository: "npm" };
  const asked = () => send(ann, { ...check, file: new File([lock], "package-lock.json") });
  const before = await asked();
  expect(before.status).toBe(200);
  expect(before.text).toContain(
    "2 of 2 releases that this package-lock.json names could not be had",
  );
  const theirs = await send(ben, { ...check, text: lock });
  expect(theirs.text).toContain("Missing (2)");
  expect(theirs.text).not.toContain("Fetch the 2");
  for (const wrong of [
    { ...check },
    { ...check, text: "{" },
    { ...check, repository: "none", text: lock },
  ]) {
    const { status, text } = await send(ann, wrong as Record<string, string>);
    expect([[400, 404].includes(status), text.includes('role="alert"')]).toEqual([true, true]);
  }

  const [, encoded = ""] = /name="releases" value="([^"]+)"/.exec(before.text)!;
  const releases = encoded.replaceAll("&quot;", '"');
  const fetching = { do: "fetch", repository: "npm", releases };
  expect((await send(ben, fetching)).status).toBe(403);
  const begun = await send(ann, fetching);
  expect(begun.location).toStartWith("/-/operator/operations/");
  await waitFor(
    async () => (await ann.open(begun.location!)).text.includes(">not complete<"),
    () => "what is missing is fetched for ever",
    20_000,
  );
  const { text } = await ann.open(begun.location!);
  expect(text).toContain("Files of 1 of 2 releases are here now; 1 could not be had.");
  expect(text).toContain("@acme/grotto 9.9.9: ");
  expect((await asked()).text).toContain("1 of 2 releases");
}, 60_000);

test("jobs, feeds, the disk, hooks, accounts, repositories and the audit log have pages, and their buttons do what they say", async () => {
  for (const [path, says] of [
    ["disk", "Make room"],
    ["feeds", "Read all of them now"],
    ["jobs", "Tidying who fetched what"],
    ["hooks", "Nobody is told of what happens here"],
    ["accounts", "what grants say"],
    ["repositories", "Take the configuration in"],
    ["repositories/npm", "line 1"],
    ["settings", "<wbr>.anonymous"],
    ["audit", "unblock"],
  ] as const) {
    const { status, text } = await ann.open(`/-/operator/${path}`);
    expect([path, status, text.includes(says)]).toEqual([path, 200, true]);
  }
  const ran = await ann.send("/-/operator/jobs", { job: "Tidying who fetched what" });
  expect([ran.status, ran.location]).toEqual([
    303,
    "/-/operator/jobs?run=Tidying%20who%20fetched%20what",
  ]);
  expect((await ann.send("/-/operator/jobs", { job: "none" })).status).toBe(404);
  const endBackup = (values: Record<string, string>) =>
    server.operations.run(
      {
        ...{ name: "backup ended", repository: "", flags: new Set<string>() },
        values: { to: "s3://backups/holdfast", ...values },
      },
      { progress() {}, say() {}, signal: new AbortController().signal },
    );
  const none = "of this server has told how it ended";
  expect((await ann.open("/-/operator/disk")).text).toContain(none);
  await endBackup({ missing: "2" });
  expect((await ann.open("/-/operator/disk")).text).toContain("it has all but 2 of the files");
  await endBackup({ why: "The bucket is away" });
  expect((await ann.open("/-/operator/disk")).text).toMatch(/failed .*The bucket is away/);
  const asked = await ann.send("/-/operator/disk", { do: "clean" });
  expect([asked.status, asked.location]).toEqual([303, "/-/operator/disk?ask=clean"]);
  expect((await ann.open(asked.location!)).text).toContain("Make the room that is wanted?");
  for (const [path, fields] of [
    ["disk", { do: "dry" }],
    ["disk", { do: "clean", sure: "yes" }],
    ["feeds", { do: "refresh" }],
    ["repositories", { do: "reload" }],
  ] as const) {
    const begun = await ann.send(`/-/operator/${path}`, fields);
    expect([path, begun.status]).toEqual([path, 303]);
    await waitFor(
      async () => (await ann.open(begun.location!)).text.includes("chip good"),
      () => `${path} does not end`,
      20_000,
    );
  }
  const unknown = await ann.open("/-/operator/hooks/none");
  expect(unknown.status).toBe(404);
}, 90_000);
