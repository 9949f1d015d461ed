// A whole server whose files are in a bucket: what it keeps there, what it needs of its own disk, and what it does while the bucket is away.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { chmodSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkStore } from "../../src/cli/check-store.ts";
import { loadConfig } from "../../src/config/load.ts";
import { formats } from "../../src/formats/index.ts";
import { onPostgres } from "../../src/store/testkit.ts";
import { startBetween } from "../support/between.ts";
import { type Gateway, startGateway, storeOptions } from "../support/bucket.ts";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { npmPublication } from "../support/npm-package.ts";
import { postgresPrograms, startPostgres } from "../support/postgres.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const program = process.env["HOLDFAST_TEST_GATEWAY"];
const missing = process.env["HOLDFAST_TEST_GATEWAY_MISSING"];
if (program) define(program);
else if (missing) test.skip(`Files in a bucket: ${missing}`, () => {});

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
  const publish = (token: string, name: string, text?: string) =>
    fetch(`${server.url}/npm/${name}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${token}` },
      body: npmPublication(name, "1.0.0", text).body,
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
    "/pypi/simple/coral-reef/",
    "/pypi/files/coral-reef/coral_reef-3.0-py3-none-any.whl",
    "/go/example.test/anchor/@v/v1.1.0.zip",
  ];

  test("files are in the bucket, and a server without a disk of its own serves them all with no upstream", async () => {
    server = await startServer(upstream, withStore());
    const token = await tokenOf("ann");
    expect((await publish(token, "ours-own")).status).toBe(201);
    const before = new Map<string, string>();
    const remember = async (path: string) => {
      const response = await get(path);
      before.set(path, `${response.status} ${Bun.hash(await response.bytes())}`);
    };
    for (const path of READ) await remember(path);
    for (const [path, told] of before)
      expect([path, told]).toEqual([path, expect.stringMatching(/^200 /)]);
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
    await server.account("grant add", { holder: "user:ann", actions: ["admin"] });
    const headers = { authorization: `Bearer ${token}` };
    const checkpoint = await fetch(`${server.url}/-/log/checkpoint`, { headers });
    expect([checkpoint.status, await checkpoint.text()]).toEqual([
      200,
      expect.stringMatching(/^holdfast-/),
    ]);
    expect(await status("/-/health/ready")).toBe(200);
    upstream = await startUpstream();
  });

  const told = async (path: string) => {
    const response = await get(path);
    return `${response.status} ${await response.text()}`;
  };

  if (onPostgres)
    test("while the database is away what came from the bucket since the start is served, whatever its size", async () => {
      const postgres = await startPostgres(postgresPrograms()!);
      const database = `postgres://holdfast@/postgres?host=${postgres.folder}`;
      const start = { ...withStore(), server: { ...withStore().server, database } };
      server = await startServer(upstream, start);
      const token = await tokenOf("ann");
      const sizes = [1_000, 100_000, 5_000_000];
      const names = sizes.map((size) => `of-${size}-own`);
      for (const [at, name] of names.entries())
        expect((await publish(token, name, "x".repeat(sizes[at]!))).status).toBe(201);
      await server.restart({}, forgetCopies);
      const files = names.map((name) => `/npm/${name}/-/${name}-1.0.0.tgz`);
      for (const path of files) expect(await status(path)).toBe(200);
      server.advance(60_000);
      await postgres.kill();
      for (const path of files) expect([path, await status(path)]).toEqual([path, 200]);
      await server.stop();
      await postgres.stop();
      server = await startServer(upstream);
    });

  test("while the bucket is away what is on this disk is served, the rest is refused with words, and nothing is lost", async () => {
    server = await startServer(upstream, withStore());
    const token = await tokenOf("ann");
    expect((await publish(token, "ours-own")).status).toBe(201);
    const [warm, cold] = ["/npm/kelp/-/kelp-1.0.0.tgz", "/npm/ours-own/-/ours-own-1.0.0.tgz"];
    expect(await status(warm)).toBe(200);
    await server.restart({}, forgetCopies);
    for (const path of ["/npm/kelp", warm, "/npm/ours-own"]) expect(await status(path)).toBe(200);
    const kept = blobs();

    await gateway.kill();
    for (const path of ["/npm/kelp", warm, "/npm/ours-own"]) expect(await status(path)).toBe(200);
    expect(await told(cold)).toMatch(/^503 .*The bucket s3:.* cannot be reached/);
    const refused = await publish(token, "more-own");
    expect([refused.status, await refused.text()]).toEqual([
      503,
      expect.stringMatching(/The bucket s3:.* cannot be reached/),
    ]);
    // What is new would have to be kept.
    expect(await status("/npm/kelp/-/kelp-2.0.0.tgz")).toBe(503);
    expect(await told("/-/health/ready")).toMatch(/^503 .*cannot be reached/);
    expect(await status("/-/health/live")).toBe(200);

    await gateway.revive();
    expect(await status("/-/health/ready")).toBe(200);
    expect((await publish(token, "more-own")).status).toBe(201);
    for (const path of [cold, warm, "/npm/more-own", "/npm/kelp/-/kelp-2.0.0.tgz"])
      expect(await status(path)).toBe(200);
    expect(blobs()).toEqual(expect.arrayContaining(kept));
    expect(server.events()).toEqual([]);
  });

  test("a bucket that says nothing any more, breaks off or is full is told as that, and what it did not take has no name", async () => {
    const between = await startBetween(gateway.endpoint);
    server = await startServer(upstream, {
      claims,
      server: { store: storeOptions(between.endpoint, bucket(), { timeout: "1s" }) },
    });
    const token = await tokenOf("ann");
    const is = (method: string) => (head: string) => head.startsWith(`${method} `);
    const full =
      "HTTP/1.1 507 Insufficient Storage\r\ncontent-length: 57\r\nconnection: close\r\n\r\n<Error><Code>InsufficientStorage</Code><Message/></Error>\n";
    const refusal = async (name: string) => {
      const response = await publish(token, name);
      return `${response.status} ${await response.text()}`;
    };

    between.set((head) => (is("PUT")(head) ? "hold" : "pass"));
    expect(await refusal("one-own")).toMatch(/^503 .* does not answer/);
    between.set((head) => (is("PUT")(head) ? { cutAfter: 10 } : "pass"));
    expect(await refusal("two-own")).toMatch(/^503 .* cannot be reached/);
    between.set((head) => (is("PUT")(head) ? full : "pass"));
    expect(await refusal("three-own")).toMatch(/^424 .* is full/);
    // Where it is full a server starts all the same, for what is there and for whoever makes room.
    await server.restart({});
    expect(await told("/npm/kelp")).toMatch(/^424 .* is full/);
    expect(await status("/-/health/ready")).toBe(200);
    between.set(() => "hold");
    expect(await told("/-/health/ready")).toMatch(/^503 .* does not answer/);
    between.set(() => "pass");
    for (const name of ["one-own", "two-own", "three-own"]) {
      expect(await status(`/npm/${name}`)).toBe(404);
      expect((await publish(token, name)).status).toBe(201);
      expect(await status(`/npm/${name}/-/${name}-1.0.0.tgz`)).toBe(200);
    }
    const cold = "/npm/one-own/-/one-own-1.0.0.tgz";
    await server.restart({}, forgetCopies);
    between.set((head) => (is("GET")(head) && head.includes("/blobs/") ? "hold" : "pass"));
    expect(await told(cold)).toMatch(/^503 .* does not answer/);
    between.set(() => "pass");
    expect(await status(cold)).toBe(200);
    await server.stop();
    await between.stop();
    server = await startServer(upstream, withStore({ url: "s3://packages/after" }));
  });

  test("a server stops while the bucket is silent to what it reads behind", async () => {
    const between = await startBetween(gateway.endpoint);
    const store = storeOptions(between.endpoint, bucket(), { timeout: "5m" });
    try {
      server = await startServer(upstream, { claims, server: { store }, hasSchedule: false });
      const token = await tokenOf("ann");
      for (const name of ["one-own", "two-own"])
        expect((await publish(token, name)).status).toBe(201);
      let held = 0;
      await server.restart({ hasSchedule: true }, () => {
        forgetCopies();
        between.set((head) => {
          const isBlob = head.startsWith("GET ") && head.includes("/blobs/");
          if (isBlob) held += 1;
          return isBlob ? "hold" : "pass";
        });
      });
      await waitFor(
        () => held > 0,
        () => "nothing was read",
        60_000,
      );
      await server.stop(); // would wait for five minutes, and then for as long again
    } finally {
      await between.stop();
    }
    server = await startServer(upstream, withStore({ url: "s3://packages/stopped" }));
  }, 120_000);

  test("an object that was altered is not sent: it is evidence, told, and fetched again where it can be", async () => {
    server = await startServer(upstream, withStore());
    expect((await publish(await tokenOf("ann"), "ours-own")).status).toBe(201);
    const [fetched, ours] = ["/npm/kelp/-/kelp-1.0.0.tgz", "/npm/ours-own/-/ours-own-1.0.0.tgz"];
    const before = await (await get(fetched)).bytes();
    const names = new Map(server.files().map(({ file, sha256 }) => [file, sha256]));
    const root = join(gateway.folderOf("packages"), `test${prefix}`, "blobs/sha256");
    await server.restart({}, () => {
      forgetCopies();
      for (const sha256 of names.values()) {
        const path = join(root, sha256.slice(0, 2), sha256.slice(2));
        chmodSync(path, 0o600);
        writeFileSync(path, Buffer.alloc(statSync(path).size, "x"));
      }
    });
    expect(await (await get(fetched)).bytes()).toEqual(before);
    expect(await told(ours)).toMatch(/^4.*are lost or altered: only a backup has them/);
    await waitFor(
      () => server.events().length >= 2,
      () => `told: ${JSON.stringify(server.events())}`,
      20_000,
    );
    expect(
      server
        .events()
        .map(({ kind, file }) => [kind, file])
        .sort(),
    ).toEqual([
      ["damaged", "kelp-1.0.0.tgz"],
      ["damaged", "ours-own-1.0.0.tgz"],
    ]);
    await server.restart({}, forgetCopies);
    expect(await (await get(fetched)).bytes()).toEqual(before);
  });

  test("a bucket belongs to one catalog, and a catalog's files are in one place", async () => {
    server = await startServer(upstream, withStore());
    expect(await status("/npm/kelp/-/kelp-1.0.0.tgz")).toBe(200);
    const kept = objects();
    const refused = (options: Parameters<typeof startServer>[1], why: RegExp) =>
      expect(startServer(upstream, options)).rejects.toThrow(why);
    await refused(withStore(), /belong to another catalog than/);
    await expect(server.restart({ server: {} })).rejects.toThrow(
      "are in the bucket s3://packages/",
    );
    await expect(
      server.restart({
        server: { store: storeOptions(gateway.endpoint, "s3://other/elsewhere") },
      }),
    ).rejects.toThrow(/are not in the bucket s3:\/\/other\/elsewhere, but in s3:\/\/packages/);
    await expect(
      server.restart({ server: { store: storeOptions(gateway.endpoint, "s3://none") } }),
    ).rejects.toThrow("The bucket s3://none is not there");
    await expect(
      server.restart({
        server: {
          store: storeOptions(gateway.endpoint, bucket(), { region: "eu-west-1" }),
        },
      }),
    ).rejects.toThrow("is in the region us-east-1, and is asked in eu-west-1");
    await server.restart(withStore());
    expect(await status("/npm/kelp/-/kelp-1.0.0.tgz")).toBe(200);
    expect(objects()).toEqual(expect.arrayContaining(kept));
  });

  test("a data directory with files of its own takes no bucket, and a bucket with files no new catalog", async () => {
    server = await startServer(upstream, { claims });
    expect(await status("/npm/kelp/-/kelp-1.0.0.tgz")).toBe(200);
    await expect(server.restart(withStore())).rejects.toThrow("in its data directory");
    await server.restart({ server: {} });
    expect(await status("/npm/kelp/-/kelp-1.0.0.tgz")).toBe(200);
  });

  /** Publishes it, and tells where its tarball is. */
  async function publishLarge(size: number): Promise<string> {
    const headers = { authorization: `Bearer ${await tokenOf("ann")}` };
    const { body } = npmPublication("large-own", "1.0.0", "x".repeat(size));
    const put = await fetch(`${server.url}/npm/large-own`, { method: "PUT", headers, body });
    expect(put.status).toBe(201);
    return "/npm/large-own/-/large-own-1.0.0.tgz";
  }

  test("a large file that is in the bucket alone reaches clients as it comes, in whole and in part", async () => {
    const between = await startBetween(gateway.endpoint);
    const rest = Promise.withResolvers<void>();
    try {
      server = await startServer(upstream, withStore());
      const path = await publishLarge(6 * 2 ** 20);
      const before = await (await get(path)).bytes();
      expect(before.length).toBeGreaterThan(5 * 2 ** 20);
      between.set((head) =>
        head.startsWith("GET /packages/") && head.includes("/blobs/")
          ? { restWaits: 2 ** 20, for: rest.promise }
          : "pass",
      );
      await server.restart(withStore({ endpoint: between.endpoint }), forgetCopies);
      const coming = await get(path);
      const reader = coming.body!.getReader();
      const first = await reader.read(); // would not come while the rest waits, were it sent whole
      expect(first.value!.length).toBeGreaterThan(0);
      const head = await fetch(`${server.url}${path}`, { method: "HEAD" });
      expect([head.status, head.headers.get("content-length")]).toEqual([
        200,
        String(before.length),
      ]);
      const ask = (given: Record<string, string>) =>
        fetch(`${server.url}${path}`, { headers: given });
      const part = await ask({ range: "bytes=1000-1999" });
      expect([part.status, part.headers.get("content-range")]).toEqual([
        206,
        `bytes 1000-1999/${before.length}`,
      ]);
      expect(await part.bytes()).toEqual(before.slice(1000, 2000));
      expect((await ask({ range: `bytes=${before.length}-` })).status).toBe(416);
      const known = await ask({ "if-none-match": head.headers.get("etag")! });
      expect(known.status).toBe(304);
      const rests = [
        ask({ range: "bytes=-100" }),
        ask({ range: "bytes=5000-", "if-range": head.headers.get("etag")! }),
      ];
      rest.resolve();
      const [end, resumed] = await Promise.all(rests);
      expect([end!.status, await end!.bytes()]).toEqual([206, before.slice(-100)]);
      expect([resumed!.status, await resumed!.bytes()]).toEqual([206, before.slice(5000)]);
      const parts = [first.value!];
      for (let next = await reader.read(); !next.done; next = await reader.read())
        parts.push(next.value);
      expect(new Uint8Array(Buffer.concat(parts))).toEqual(before);
    } finally {
      rest.resolve();
      await between.stop();
    }
  });

  test("of a large file that was altered in the bucket nobody gets the end, and the next one is told", async () => {
    server = await startServer(upstream, withStore());
    const path = await publishLarge(6 * 2 ** 20);
    await server.restart({}, () => {
      forgetCopies();
      const root = join(gateway.folderOf("packages"), `test${prefix}`);
      const [object, ...others] = blobs().filter((one) => statSync(join(root, one)).size > 2 ** 20);
      expect(others).toEqual([]);
      chmodSync(join(root, object!), 0o600);
      writeFileSync(join(root, object!), Buffer.alloc(statSync(join(root, object!)).size, "y"));
    });
    const coming = await get(path);
    expect(coming.status).toBe(200);
    await expect(coming.bytes()).rejects.toThrow();
    await waitFor(
      () => server.events().some(({ kind }) => kind === "damaged"),
      () => `told: ${JSON.stringify(server.events())}`,
      20_000,
    );
    expect(await told(path)).toMatch(/^4.*are lost or altered: only a backup has them/);
  });

  test("clients are sent to the bucket for large files where that is wanted, and for nothing else", async () => {
    server = await startServer(upstream, withStore({ redirect: "1MiB" }));
    const path = await publishLarge(2 ** 21);
    const asked = (path: string, method = "GET") =>
      fetch(`${server.url}${path}`, { method, redirect: "manual" });
    const sent = await asked(path);
    expect([sent.status, sent.headers.get("cache-control")]).toEqual([302, "no-store"]);
    const location = sent.headers.get("location")!;
    expect(location).toStartWith(`${gateway.endpoint}/packages/test${prefix}/blobs/sha256/`);
    const had = await fetch(location);
    expect(had.headers.get("content-type")).toBe("application/octet-stream");
    expect(await had.bytes()).toEqual(await (await get(path)).bytes());
    const head = await fetch((await asked(path, "HEAD")).headers.get("location")!, {
      method: "HEAD",
    });
    expect(head.status).toBe(200);
    expect((await asked("/npm/kelp/-/kelp-1.0.0.tgz")).status).toBe(200);
    expect((await asked("/npm/large-own")).status).toBe(200);
    // Who may not read it is not sent anywhere.
    await server.restart({ ...withStore({ redirect: "1MiB" }), access: { anonymous: "none" } });
    expect((await asked(path)).status).toBe(401);
  });

  test("doctor finds nothing wrong with the gateway, and tells a wrong region and a bucket that is not there", async () => {
    server = await startServer(upstream, withStore());
    const looked = async (change: Record<string, unknown>) => {
      const file = join(server.data, "..", "doctor.yaml");
      const store = storeOptions(gateway.endpoint, bucket(), change);
      writeFileSync(file, JSON.stringify({ store }));
      const found = await checkStore(loadConfig({ file, formats, flags: {}, env: {} }));
      return found.map(({ state, text }) => `${state} ${text}`).join("; ");
    };
    expect(await looked({})).toMatch(/^good s3:\/\/packages\/test\d+ at http:.* takes, gives back/);
    expect(await looked({ url: "s3://none" })).toMatch(/^bad s3:\/\/none .*is not there/);
    expect(await looked({ region: "eu-west-1" })).toMatch(
      /^bad .*is in the region us-east-1, and is asked in eu-west-1/,
    );
    expect(objects().filter((path) => /^(doctor|conditions)-/.test(path))).toEqual([]);
  });

  test("garbage collection and verification are about what is in the bucket", async () => {
    server = await startServer(upstream, withStore());
    expect(await status("/npm/kelp/-/kelp-1.0.0.tgz")).toBe(200);
    const verified = await server.operate("verify", "");
    expect([verified.isDone, verified.lines.join("\n")]).toEqual([
      true,
      expect.stringContaining("2 files"),
    ]);
    const [tarball] = server.files();
    const root = join(gateway.folderOf("packages"), `test${prefix}`, "blobs/sha256");
    const path = join(root, tarball!.sha256.slice(0, 2), tarball!.sha256.slice(2));
    chmodSync(path, 0o600);
    writeFileSync(path, "something else");
    const again = await server.operate("verify", "");
    expect([again.isDone, again.lines.join("\n")]).toEqual([
      false,
      expect.stringContaining("kelp-1.0.0.tgz"),
    ]);
  });
}
