// One server of two processes asks others once for what both are asked for: an upstream for a file, a code host for its code.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { makeRepository, type TestRepository } from "../src/git/testkit.ts";
import { type BulkUpstream, startBulk } from "./faults/bulk-upstream.ts";
import { type ServerProcess, startProcess } from "./support/process.ts";
import { type Connection, connectionsTo } from "./support/processes.ts";
import { run } from "./support/run.ts";
import { removeTemp, tempFolder } from "./support/temp.ts";
import { waitFor } from "./support/wait.ts";

const MB = 1024 * 1024;
/** Small ones are answered of memory, large ones of the disk. */
const SIZES = [4_000, 3 * MB, 70_000, 3 * MB, 900, 3 * MB, 8 * MB];
/** The last one is asked for while it comes. */
const SLOW = 6;
const ROUNDS = 6;
const MODULE = "git.example.com/team/lib";
const off = { pypi: false, composer: false, debian: false, "debian-security": false };

const folder = tempFolder("processes-once");
let upstream: BulkUpstream;
let code: TestRepository;
let server: ServerProcess;
const { ask, connectToBoth, end } = connectionsTo(() => server);

beforeAll(async () => {
  upstream = startBulk(SIZES);
  code = makeRepository(join(folder, "host", "lib"));
  code.commit({ "go.mod": `module ${MODULE}\n`, "a.go": "package lib\n" });
  code.tag("v1.0.0");
  const source = { names: "git.example.com/team/*", git: `file://${folder}/host/{1}`, every: "1d" };
  server = await startProcess({
    config: JSON.stringify({
      processes: 2,
      repositories: {
        ...off,
        npm: { upstreams: [{ url: upstream.url }] },
        go: { upstreams: [], sources: [source] },
      },
    }),
  });
}, 60_000);
afterAll(async () => {
  end();
  await server?.stop();
  await upstream?.stop();
  removeTemp(folder);
}, 60_000);

/** The same of both, at the same time. */
const both = (at: readonly Connection[], path: string) =>
  Promise.all(at.map((one) => ask(one, path)));

test("a cold file that both are asked for at once is fetched once, and each gives it whole", async () => {
  const processes = await connectToBoth();
  upstream.paceMs = 1_000;
  for (const nth of SIZES.keys().take(SLOW)) {
    const file = `/bulk-${nth}/-/bulk-${nth}-1.0.0.tgz`;
    const answers = await both(processes, `/npm${file}`);
    for (const { status, body } of answers)
      expect([nth, status, createHash("sha256").update(body).digest("hex")]).toEqual([
        nth,
        200,
        upstream.digests.get(`bulk-${nth}`)!,
      ]);
    expect([nth, upstream.asked.filter((path) => path === file).length]).toEqual([nth, 1]);
  }
}, 120_000);

test("what one process fetches clients of the other have before it is whole", async () => {
  const processes = await connectToBoth();
  const { promise: next, resolve: go } = Promise.withResolvers<"on">();
  upstream.halt = { after: 5 * MB, next };
  upstream.paceMs = 0;
  const file = `/bulk-${SLOW}/-/bulk-${SLOW}-1.0.0.tgz`;
  const headers = { range: `bytes=0-${4 * MB - 1}` };
  const parts = await Promise.all(processes.map((at) => ask(at, `/npm${file}`, { headers })));
  expect(parts.map(({ status, body }) => [status, body.length])).toEqual([
    [206, 4 * MB],
    [206, 4 * MB],
  ]);
  upstream.halt = null;
  const whole = both(processes, `/npm${file}`);
  go("on");
  for (const { status, body } of await whole)
    expect([status, createHash("sha256").update(body).digest("hex")]).toEqual([
      200,
      upstream.digests.get(`bulk-${SLOW}`)!,
    ]);
  expect(upstream.asked.filter((path) => path === file)).toHaveLength(1);
}, 60_000);

test("code that both are asked for at once is had by one after the other, and a tag that one heard of is known to the other", async () => {
  const [first, other] = await connectToBoth();
  const at = [first, other];
  for (let round = 0; round < ROUNDS; round += 1) {
    const version = `v1.${round}.0`;
    if (round > 0) {
      code.commit({ "a.go": `package lib // ${round}\n` });
      code.tag(version);
    }
    const path = `/go/${MODULE}/@v/${version}`;
    await waitFor(
      async () => (await both(at, `${path}.info`)).every(({ status }) => status === 200), // a client waits a second at most
      () => `${version} does not come:\n${server.output()}`,
      30_000,
    );
    const [one, two] = await both(at, `${path}.zip`);
    expect([version, one!.status, two!.status]).toEqual([version, 200, 200]);
    expect(one!.body.equals(two!.body)).toBe(true);
  }
  const git = join(server.data, "git");
  const mirrors = readdirSync(git).filter((name) => name !== "home");
  expect(mirrors).toHaveLength(1);
  const mirror = join(git, mirrors[0]!, "mirror");
  const fsck = await run(["git", `--git-dir=${mirror}`, "fsck", "--full", "--strict"], {
    cwd: folder,
  });
  expect([fsck.code, fsck.output]).toMatchObject([
    0,
    expect.not.stringMatching(/missing|corrupt|broken/),
  ]);
  expect(server.output()).not.toContain("because of a bug");
}, 120_000);

test("of a tag that one process had fetched, the other has the list at once", async () => {
  const [first, other] = await connectToBoth();
  const list = async (at: Connection) =>
    (await ask(at, `/go/${MODULE}/@v/list`)).body.toString().split("\n");
  for (const at of [first, other]) expect(await list(at)).toContain("v1.0.0"); // asked a moment ago
  code.tag("v1.99.0");
  await waitFor(
    async () => (await ask(first, `/go/${MODULE}/@v/v1.99.0.info`)).status === 200,
    () => `v1.99.0 does not come:\n${server.output()}`,
    30_000,
  );
  expect(await list(other)).toContain("v1.99.0");
}, 60_000);
