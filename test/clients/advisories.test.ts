// Three people install a version with real clients, then a feed tells that it is malware: within its next reading it is refused on every path, the clients say
// why, and exactly the three tokens are named.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { type FakeBucket, record, startBucket } from "../../src/advisories/testkit.ts";
import { makeAccounts } from "../support/accounts.ts";
import { configText } from "../support/config.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { type HookReceiver, startHookReceiver } from "../support/hook-receiver.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";
import { type Result, run } from "../support/run.ts";
import { tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";
import { commandOf, withPrograms } from "./clients.ts";
import { npmCall, npmPublishers, writeNpmProject } from "./npm-publishers.ts";
import { runIn } from "./pypi-publishers.ts";

let upstream: FakeUpstream;
let server: ServerProcess;
let npmFeed: FakeBucket;
let pypiFeed: FakeBucket;
let hook: HookReceiver;
let tokens: string[];
const home = tempFolder("advisories-home");
const VICTIMS = ["ann", "ben", "cleo"];
const MODIFIED = "2026-01-01T00:00:00Z";

beforeAll(async () => {
  upstream = await startUpstream();
  npmFeed = startBucket("npm");
  pypiFeed = startBucket("PyPI");
  hook = await startHookReceiver("whsec_bm9ib2R5IGNoZWNrcyBpdCBoZXJl");
  for (const [feed, ecosystem] of [
    [npmFeed, "npm"],
    [pypiFeed, "PyPI"],
  ] as const) {
    const affected = [{ package: { ecosystem, name: "another" }, versions: ["1.0.0"] }];
    feed.records.set("MAL-2025-1", record("MAL-2025-1", MODIFIED, { affected }));
  }
  const config = configText(upstream, {
    access: { anonymous: "none" },
    server: {
      feeds: [
        { name: "one", url: npmFeed.url, ecosystems: ["npm"], every: "1s" },
        { name: "two", url: pypiFeed.url, ecosystems: ["PyPI"], every: "1s" },
      ],
      hooks: [{ name: "chat", url: hook.url, events: ["advisory", "revoked"] }],
      policy: [
        {
          name: "malware",
          packages: ["pkg:npm/*", "pkg:pypi/*"],
          advisories: { malicious: "block" },
        },
      ],
    },
  });
  server = await startProcess({ config });
  await server.pause();
  tokens = await makeAccounts(
    server.data,
    [...VICTIMS, "eve"].map((user) => ({ user, actions: ["read" as const] })),
  );
  await server.restart();
});
afterAll(async () => {
  await server.stop();
  await upstream.stop();
  npmFeed.stop();
  pypiFeed.stop();
  hook.stop();
});

async function holdfast(...args: string[]): Promise<string> {
  const main = new URL("../../src/main.ts", import.meta.url).pathname;
  const where = ["--config", server.config, "--data", server.data];
  const { output } = await run([process.execPath, main, ...args, ...where], { cwd: home });
  return output;
}

/** A record comes; resolves when the server has read it and looked at what is here. */
async function tell(id: string, ecosystem: "npm" | "PyPI", name: string, version: string) {
  const feed = ecosystem === "npm" ? npmFeed : pypiFeed;
  const revoked = () => server.events().filter(({ kind }) => kind === "revoked").length;
  const before = revoked();
  const affected = [{ package: { ecosystem, name }, versions: [version] }];
  const modified = new Date().toISOString();
  feed.records.set(id, record(id, modified, { affected, summary: "steals tokens" }));
  await waitFor(
    async () => revoked() > before,
    () => `nothing was revoked:\n${server.output()}`,
    60_000,
  );
}

/** Whom the report names, sorted. */
async function named(what: string): Promise<string[]> {
  const output = await holdfast("policy", "affected", what, "--json");
  if (!output.startsWith("{")) throw new Error(output);
  const lines = output.trim().split("\n");
  return lines.map((line) => JSON.parse(line).principal).sort();
}

async function statuses(path: string): Promise<number[]> {
  const headers = { authorization: `Bearer ${tokens[3]}` };
  const found: number[] = [];
  for (const [method, range] of [["GET"], ["HEAD"], ["GET", "bytes=0-9"], ["GET"]]) {
    const asked = { method: method!, headers: { ...headers, ...(range && { range }) } };
    const answer = await fetch(server.url + path, asked);
    await answer.arrayBuffer();
    found.push(answer.status);
  }
  return found;
}

for (const client of npmPublishers.filter(({ name }) => ["npm", "pnpm", "bun"].includes(name)))
  withPrograms([client.name], () => {
    /** Of its own, so that each client has a version that is revoked under it. */
    const version = { npm: "0.3.0", pnpm: "0.2.0", bun: "0.1.0" }[client.name as "npm"];
    test(`${client.name}: who has it is told, and nobody gets it any more`, async () => {
      const installs = async (token: string, at: string): Promise<Result> => {
        const folder = join(tempFolder(`advisories-${client.name}`), at);
        const manifest = { name: "app", version: "1.0.0", dependencies: { clownfish: version } };
        writeNpmProject(folder, manifest, client.files(`${server.url}/npm`, token));
        const own = tempFolder("advisories-home"); // nothing comes from a cache
        return runIn(folder, own, npmCall(client.name, client.install, own, client.env));
      };
      for (const [at, user] of VICTIMS.entries())
        expect([await installs(tokens[at]!, user)]).toMatchObject([{ code: 0 }]);
      const path = `/npm/clownfish/-/clownfish-${version}.tgz`;
      const id = `MAL-2026-${client.name}`;
      await tell(id, "npm", "clownfish", version);
      expect(await statuses(path)).toEqual([403, 403, 403, 403]);
      const late = await installs(tokens[3]!, "eve");
      expect(late.code).not.toBe(0);
      if (client.name === "npm") expect(late.output).toContain(id);
      expect(await named(id)).toEqual(VICTIMS);
      expect(await holdfast("advisories", "show", id)).toContain(`pkg:npm/clownfish@${version}`);
      expect(await holdfast("policy", "affected", id, "--csv")).toContain(",ann,");
    }, 240_000);
  });

withPrograms(["pip"], () => {
  test("pip: who has it is told, and nobody gets it any more", async () => {
    const installs = (token: string, user: string) => {
      const { host } = new URL(server.url);
      const index = `http://${user}:${token}@${host}/pypi/simple/`;
      const target = join(tempFolder("advisories-pip"), "target");
      const words = [
        "install",
        "--no-deps",
        "--no-cache-dir",
        "--target",
        target,
        "-i",
        index,
        "estuary==1.0.1",
      ];
      return runIn(home, home, { command: [...commandOf("pip"), ...words], env: {} });
    };
    for (const [at, user] of VICTIMS.entries())
      expect([await installs(tokens[at]!, user)]).toMatchObject([{ code: 0 }]);
    await tell("MAL-2026-9", "PyPI", "estuary", "1.0.1");
    expect(await statuses("/pypi/files/estuary/estuary-1.0.1-py3-none-any.whl")).toEqual([
      403, 403, 403, 403,
    ]);
    expect((await installs(tokens[3]!, "eve")).code).not.toBe(0);
    expect(await named("MAL-2026-9")).toEqual(VICTIMS);
    expect(await named("pkg:pypi/estuary@1.0.1")).toEqual(VICTIMS);
  }, 240_000);
});

test("hooks were told of each once", async () => {
  const revoked = server.events().filter(({ kind }) => kind === "revoked");
  await waitFor(
    async () => hook.heard.length >= revoked.length,
    () => "the hook was not told",
    30_000,
  );
  const purls = hook.heard.map(({ body }) => body.purl ?? body.detail?.purl);
  expect(new Set(purls).size).toBe(purls.length);
});
