// A whole server whose files are in a bucket: what it keeps there, what it needs of its own disk, and what it does while the bucket is away.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onPostgres } from "../../src/store/testkit.ts";
import { type Gateway, startGateway, storeOptions } from "../support/bucket.ts";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { npmPublication } from "../support/npm-package.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const program = process.env["HOLDFAST_TEST_GATEWAY"];
if (program) define(program);

function define(program: string): void {
  let gateway: Gateway;
  let upstream: Awaited<ReturnType<typeof startUpstream>>;
  let server: TestServer;
  let prefix = 0;
  const claims = { npm: ["*-own"] };
  const bucket = () => `s3://packages/test${prefix}`;
  const withStore = (change: Record<string, unknown> = {}) => ({
    claims,
    server: { store: storeOptions(gateway.endpoint, bucket(), change) },
  });
  beforeAll(async () => {
    gateway = await startGateway(program, ["packages", "other"]);
  });
  afterAll(() => gateway.stop());
  beforeEach(async () => {
    prefix += 1;
    upstream = await startUpstream();
  });
  afterEach(async () => {
    await server.stop();
    await upstream.stop();
  });

  const get = (path: string) => fetch(`${server.url}${path}`);
  const status = async (path: string) => {
    const response = await get(path);
    await response.arrayBuffer();
    return response.status;
  };
  const objects = () => {
    const root = join(gateway.folderOf("packages"), `test${prefix}`);
    return readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
      .sort();
  };
  const blobs = () => objects().filter((path) => path.startsWith("blobs/"));

  /** With the right to publish. */
  async function tokenOf(user: string): Promise<string> {
    await server.account("user add", { name: user, password: "correct horse battery" });
    await server.account("grant add", { holder: `user:${user}`, actions: ["read", "publish"] });
    const lines = await server.account("token create", {
      user,
      name: "ci",
      scope: { actions: null, repositories: null, packages: null },
    });
    return lines.join("\n").match(/hf_\w+/)![0];
  }
  const publish = (token: string, name: string) =>
    fetch(`${server.url}/npm/${name}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${token}` },
      body: npmPublication(name, "1.0.0").body,
    });
  /** What is on the server's own disk, but for a catalog that is a file there. */
  const forgetCopies = () => {
    for (const name of readdirSync(server.data))
      if (!name.startsWith("holdfast.db"))
        rmSync(join(server.data, name), { recursive: true, force: true });
  };
  const READ = [
    "/npm/kelp",
    "/npm/kelp/-/kelp-1.0.0.tgz",
    "/npm/ours-own",
    "/npm/ours-own/-/ours-own-1.0.0.tgz",
    "/pypi/simple/kelp/",
    "/go/example.com/kelp/@v/list",
    "/-/log/checkpoint",
  ];

  test("files are in the bucket, and a server without a disk of its own serves them all with no upstream", async () => {
    server = await startServer(upstream, withStore());
    expect((await publish(await tokenOf("ann"), "ours-own")).status).toBe(201);
    const before = new Map<string, string>();
    const remember = async (path: string) => {
      const response = await get(path);
      before.set(path, `${response.status} ${Bun.hash(await response.bytes())}`);
    };
    for (const path of READ.filter((path) => !path.startsWith("/-/"))) await remember(path);
    await server.operate("ledger drain", "").catch(() => {});
    await server.restart(); // the log is ended with it
    expect(readdirSync(join(server.data, "blobs", "sha256"))).toEqual([]);
    expect(existsSync(join(server.data, "log"))).toBe(false);
    expect(blobs().length).toBeGreaterThan(3);
    for (const path of ["holdfast.json", "log/key", "log/checkpoint"])
      expect(objects()).toContain(path);

    await server.restart({ ...withStore(), offline: true }, forgetCopies);
    await upstream.stop();
    for (const [path, told] of before) {
      const response = await get(path);
      expect([path, `${response.status} ${Bun.hash(await response.bytes())}`]).toEqual([
        path,
        told,
      ]);
    }
    expect(await status("/-/log/checkpoint")).toBe(200);
    expect(await status("/-/health/ready")).toBe(200);
    upstream = await startUpstream();
  });
}
