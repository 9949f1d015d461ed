// A backup in a bucket: what it promises in a folder, and what only a bucket can do to it.
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { everyNamed } from "../../src/cache/named.ts";
import { runCli } from "../../src/cli/index.ts";
import { fakeTerminal } from "../../src/cli/testing.ts";
import { loadConfig } from "../../src/config/load.ts";
import { createLog } from "../../src/core/log.ts";
import { formats } from "../../src/formats/index.ts";
import { copyLog } from "../../src/ledger/log/copy.ts";
import { commands } from "../../src/main.ts";
import { start } from "../../src/server/start.ts";
import { type BackupOptions, backUp } from "../../src/store/backup.ts";
import { bucketHome } from "../../src/store/backup-bucket.ts";
import { type Bucket, openBucket } from "../../src/store/bucket.ts";
import { ACCESS_KEY, SECRET_KEY, testPlace } from "../../src/store/bucket-testkit.ts";
import { fileOf, layoutOf } from "../../src/store/layout.ts";
import { openLogFiles } from "../../src/store/log-files.ts";
import { startBetween } from "../support/between.ts";
import { storeOptions } from "../support/bucket.ts";
import { bucketScene } from "../support/bucket-scene.ts";
import { configText } from "../support/config.ts";
import { postgresPrograms, startPostgres } from "../support/postgres.ts";
import { startServer } from "../support/server.ts";
import { tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";

const program = process.env["HOLDFAST_TEST_GATEWAY"];
// Of a file of SQLite: servers of the tests have one where no PostgreSQL is theirs.
if (program && !process.env["HOLDFAST_TEST_POSTGRES"]) define(program);

function define(program: string): void {
  const env = { AWS_ACCESS_KEY_ID: ACCESS_KEY, AWS_SECRET_ACCESS_KEY: SECRET_KEY };
  const scene = bucketScene(program, {
    ...{ buckets: ["packages", "backups"], name: "backup-bucket", env },
    server: () => ({ server: {} }),
  });
  const { play } = scene;
  const prefix = () => `of${scene.number}/holdfast`;
  const url = () => `s3://backups/${prefix()}`;
  const objects = (of = prefix()) => join(scene.gateway.folderOf("backups"), of);
  const at = (endpoint = scene.gateway.endpoint) => ["--endpoint", endpoint];
  const backup = (endpoint?: string) =>
    play("backup", "--to", url(), "--data", scene.server.data, ...at(endpoint));
  const verify = () => play("backup", "verify", url(), ...at());
  const restoreTo = (to: string, endpoint?: string) =>
    play("restore", url(), "--data", to, ...at(endpoint));
  const KELP = "/npm/kelp/-/kelp-1.0.0.tgz";
  const KELP_2 = "/npm/kelp/-/kelp-2.0.0.tgz";
  const CORAL = "/npm/@reef/coral/-/coral-1.4.2.tgz";
  async function get(path: string, from = scene.server.url): Promise<string> {
    const response = await fetch(from + path);
    expect([path, response.status]).toEqual([path, 200]);
    return createHash("sha256")
      .update(await response.bytes())
      .digest("hex");
  }
  const note = () => JSON.parse(readFileSync(join(objects(), "backup.json"), "utf8"));
  /** Below a folder, by their names, without tiles that are not full. */
  const filesOf = (root: string) => allOf(root).filter((path) => !path.includes(".p/"));
  const allOf = (root: string) =>
    (existsSync(root) ? readdirSync(root, { recursive: true, withFileTypes: true }) : [])
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(root.length))
      .sort();

  test("it has all that the server has, only what is new is sent, and what is restored is served with the upstream off", async () => {
    const digests = [await get(KELP), await get(CORAL)];
    // More than one part of an upload, and bytes that were refused.
    const evidence = randomBytes(9 * 1024 * 1024);
    const refused = createHash("sha256").update(evidence).digest("hex");
    const { evidence: refusedIn } = layoutOf(scene.server.data);
    mkdirSync(join(refusedIn, refused.slice(0, 2)), { recursive: true });
    writeFileSync(fileOf(refusedIn, refused), evidence);

    // The log is written behind.
    const { log } = layoutOf(scene.server.data);
    await waitFor(
      () => existsSync(join(log, "checkpoint")),
      () => filesOf(log).join(),
    );
    expect(await backup()).toMatchObject({
      code: 0,
      printed: expect.stringContaining(`${scene.server.data} is backed up to ${url()}: `),
    });
    for (const part of ["blobs", "evidence"])
      expect([part, filesOf(join(objects(), part))]).toEqual([
        part,
        filesOf(join(scene.server.data, part)),
      ]);
    expect((await backup()).printed).toContain(": 0 new files");
    digests.push(await get(KELP_2));
    expect((await backup()).printed).toContain(": 1 new file,");
    expect(await play("backup", "show", url(), "--within", "1h", ...at())).toMatchObject({
      code: 0,
      printed: expect.stringContaining(`A backup of ${note().madeAt}, by Holdfast `),
    });
    // Of its catalogs the last one is kept.
    expect(readdirSync(join(objects(), "catalogs")).sort()).toEqual(
      ["db", "files"].map((end) => `${note().catalog}.${end}`),
    );
    expect(await verify()).toMatchObject({
      code: 0,
      printed: expect.stringContaining("all true to their digests"),
    });

    const data = join(scene.folder, "restored");
    expect(await restoreTo(data)).toMatchObject({
      code: 0,
      printed: expect.stringContaining(`as it was backed up at ${note().madeAt}`),
    });
    for (const part of ["blobs", "evidence", "log"])
      expect(filesOf(join(data, part))).toEqual(filesOf(join(objects(), part)));
    expect(filesOf(join(data, "log"))).toContain("/checkpoint");
    expect(await play("verify", "--data", data)).toMatchObject({ code: 0 });
    expect(await play("ledger", "audit", "--data", data)).toMatchObject({ code: 0 });
    expect((await restoreTo(data)).printed).toContain("is not empty");
    const file = join(scene.folder, "holdfast.yaml");
    writeFileSync(file, configText(scene.upstream, { offline: true }));
    const config = loadConfig({ file, formats, flags: { data }, env: {} });
    const copy = await start({ config, log: createLog("json", () => {}) });
    try {
      const served = [KELP, CORAL, KELP_2].map((path) => get(path, copy.url));
      expect(await Promise.all(served)).toEqual(digests);
    } finally {
      await copy.stop();
    }
  });

  test("a prefix has the backups of one server, and no server's files", async () => {
    await get(KELP);
    const live = storeOptions(scene.gateway.endpoint, `s3://packages/live${scene.number}`);
    const bucket = join(scene.folder, "bucket.yaml");
    writeFileSync(bucket, JSON.stringify({ data: join(scene.folder, "node"), store: live }));
    await scene.server.restart({ server: {} }, async () => {
      const moving = ["move", "--data", scene.server.data, "--to", bucket, "--finish"];
      expect(await play(...moving)).toMatchObject({ code: 0 });
      const own = await play("backup", String(live["url"]), "--config", bucket, ...at());
      expect([own.code, own.printed]).toEqual([1, expect.stringContaining("overlap")]);
      const below = `${live["url"]}/backup`;
      expect((await play("backup", below, "--config", bucket, ...at())).printed).toContain(
        "overlap",
      );
      const back = ["move", "--config", bucket, "--to", scene.server.data, "--finish"];
      expect(await play(...back)).toMatchObject({ code: 0 });
    });
    // That of a server is nobody's for backups, be it the same one.
    const taken = ["backup", String(live["url"]), "--data", scene.server.data, ...at()];
    expect(await play(...taken)).toMatchObject({
      code: 1,
      printed: expect.stringContaining("a backup goes to a prefix of its own"),
    });

    expect(await backup()).toMatchObject({ code: 0 });
    const kept = filesOf(objects());
    const other = await startServer(scene.upstream, { server: {} });
    try {
      expect(await play("backup", url(), "--data", other.data, ...at())).toMatchObject({
        code: 1,
        printed: expect.stringContaining("are of another server, of "),
      });
    } finally {
      await other.stop();
    }
    const store = storeOptions(scene.gateway.endpoint, url());
    const wrong = join(scene.folder, "wrong.yaml");
    writeFileSync(wrong, JSON.stringify({ data: join(scene.folder, "new"), store }));
    const config = loadConfig({ file: wrong, formats, flags: {}, env: {} });
    const starting = start({ config, log: createLog("json", () => {}), listen: "none" });
    await expect(starting).rejects.toThrow("There are backups in the bucket");
    expect((await play("move", "--data", scene.server.data, "--to", wrong)).printed).toContain(
      "There are backups in the bucket",
    );
    expect(filesOf(objects())).toEqual(kept);

    const strange = `strange${scene.number}`;
    mkdirSync(join(objects(strange), "blobs/sha256/ab"), { recursive: true });
    writeFileSync(join(objects(strange), "blobs/sha256/ab/c"), "");
    const asked = ["backup", `s3://backups/${strange}`, "--data", scene.server.data, ...at()];
    expect((await play(...asked)).printed).toContain("nothing says whose they are");
  });

  test("what lies in it is found, named, and never restored", async () => {
    const [kelp, coral] = [await get(KELP), await get(CORAL)];
    expect(await backup()).toMatchObject({ code: 0 });
    const object = (sha256: string) => join(objects(), fileOf("blobs/sha256", sha256));
    const size = readFileSync(object(kelp)).length;
    // One that lies is left out; what is missing is brought by the next run.
    writeFileSync(object(kelp), Buffer.alloc(size));
    rmSync(object(coral));
    expect(await verify()).toMatchObject({
      code: 1,
      printed: expect.stringMatching(/altered .*kelp-1\.0\.0\.tgz/),
    });
    expect((await backup()).printed).toContain(": 1 new file,");
    const to = join(scene.folder, "restored");
    expect(await restoreTo(to)).toMatchObject({
      code: 1,
      printed: expect.stringContaining(`damaged  ${kelp}\n`),
    });
    expect(existsSync(fileOf(layoutOf(to).blobs, kelp))).toBe(false);
    expect(existsSync(fileOf(layoutOf(to).blobs, coral))).toBe(true);

    // Without the one that lies the next run brings it again.
    rmSync(object(kelp));
    expect((await backup()).printed).toContain(": 1 new file,");
    expect(await verify()).toMatchObject({ code: 0 });
    const catalog = join(objects(), "catalogs", `${note().catalog}.db`);
    writeFileSync(catalog, Buffer.alloc(readFileSync(catalog).length));
    const other = join(scene.folder, "other");
    for (const said of [await verify(), await restoreTo(other)])
      expect(said).toMatchObject({
        code: 1,
        printed: expect.stringContaining("is not what was backed up at"),
      });
    expect(existsSync(layoutOf(other).database)).toBe(false);
    rmSync(catalog);
    for (const said of [await verify(), await play("backup", "show", url(), ...at())])
      expect(said).toMatchObject({
        code: 1,
        printed: expect.stringContaining("is not in the bucket"),
      });
    rmSync(join(objects(), "backup.json"));
    for (const said of [await verify(), await play("backup", "show", url(), ...at())])
      expect(said).toMatchObject({
        code: 1,
        printed: expect.stringContaining("holds no backup that came to its end"),
      });
  });

  test("a bucket that goes away, is full, or takes the key no more leaves the backup before, and the next run goes on", async () => {
    await get(KELP);
    expect(await backup()).toMatchObject({ code: 0 });
    const before = note();
    await get(CORAL);
    const line = await startBetween(scene.gateway.endpoint);
    try {
      const refuses = (status: string, code: string) => (head: string) =>
        head.startsWith("PUT ")
          ? `HTTP/1.1 ${status}\r\ncontent-type: application/xml\r\nconnection: close\r\n\r\n<Error><Code>${code}</Code></Error>`
          : "pass";
      const faults: [fate: Parameters<typeof line.set>[0], words: string][] = [
        [refuses("507 Insufficient Storage", "InsufficientStorage"), "is full"],
        [refuses("403 Forbidden", "InvalidAccessKeyId"), "does not take the access key"],
        [(head) => (head.startsWith("PUT ") ? { cutAfter: 100 } : "pass"), "cannot be reached"],
        // All but the last word of it.
        [
          (head) => (/^PUT \S+backup\.json/.test(head) ? { cutAfter: 10 } : "pass"),
          "cannot be reached",
        ],
      ];
      for (const [fate, words] of faults) {
        line.set(fate);
        expect(await backup(line.endpoint)).toMatchObject({
          code: 1,
          printed: expect.stringContaining(words),
        });
        expect(note()).toEqual(before);
        expect(await verify()).toMatchObject({ code: 0 });
      }
      line.set(() => "pass");
      expect(await backup(line.endpoint)).toMatchObject({ code: 0 });
      expect(note()).not.toEqual(before);

      // A restore that is cut goes on too.
      const [to, kelp] = [join(scene.folder, "restored"), await get(KELP)];
      const name = fileOf("blobs/sha256", kelp);
      line.set((head) => (head.includes(name) ? { cutAfter: 10 } : "pass"));
      expect(await restoreTo(to, line.endpoint)).toMatchObject({ code: 1 });
      expect(existsSync(join(to, "restore.json"))).toBe(true);
      line.set(() => "pass");
      expect(await restoreTo(to, line.endpoint)).toMatchObject({ code: 0 });
      expect(await play("verify", "--data", to)).toMatchObject({ code: 0 });
    } finally {
      await line.stop();
    }
  });

  test("what was written of its log is known without asking, and what was removed is gone", async () => {
    const place = testPlace(scene.folder, {
      ...{ endpoint: scene.gateway.endpoint, bucket: "backups", prefix: prefix() },
    });
    const owner = { id: "kelp", catalog: "of kelp" };
    const bucket = openBucket(place);
    const home = bucketHome({ url: url(), bucket, owner, scratch: scene.folder });
    const source = { layout: layoutOf(scene.server.data), files: null };
    const log = async () => (await home.write(source)).log;
    const first = await log();
    for (const path of ["key", "tile/0/000", "tile/0/000.p/7", "tile/0/000.p/9"])
      await first.write(path, path);
    const second = await log();
    for (const one of [first, second])
      expect([await one.has("tile/0/000.p/7"), await one.has("tile/0/001")]).toEqual([true, false]);
    await second.remove("tile/0/000.p");
    expect(await second.has("tile/0/000.p/9")).toBe(false);
    expect(allOf(join(objects(), "log"))).toEqual(["/key", "/tile/0/000"]);
    await second.remove(".");
    expect(await second.has("key")).toBe(false);
    expect(allOf(join(objects(), "log"))).toEqual([]);
  });

  test("of two at once the first to end counts, and the other says so", async () => {
    await get(KELP);
    expect(await backup()).toMatchObject({ code: 0 });
    await get(CORAL);
    const place = testPlace(scene.folder, {
      ...{ endpoint: scene.gateway.endpoint, bucket: "backups", prefix: prefix() },
    });
    const { id } = JSON.parse(readFileSync(join(objects(), "holdfast.json"), "utf8"));
    const scratch = join(scene.folder, "scratch");
    mkdirSync(scratch);
    const home = bucketHome({
      ...{ url: url(), bucket: openBucket(place), scratch },
      owner: { id, catalog: "the same" },
    });
    let counts: unknown;
    const slow = backUp({ layout: layoutOf(scene.server.data), files: null }, home, {
      async *named({ read }) {
        await get(KELP_2); // so that the two have other catalogs
        expect(await backup()).toMatchObject({ code: 0 });
        counts = note();
        yield* everyNamed(read);
      },
      version: "0.0.0",
      told() {},
    });
    await expect(slow).rejects.toThrow("Another backup to s3://backups/");
    expect(note()).toEqual(counts);
    expect(await verify()).toMatchObject({ code: 0 });
    expect(readdirSync(scratch)).toEqual([]);
  });

  test("one that is killed leaves the backup before, and the next one goes on and clears up", async () => {
    await get(KELP);
    expect(await backup()).toMatchObject({ code: 0 });
    const before = note();
    await get(CORAL);
    const line = await startBetween(scene.gateway.endpoint);
    const temporary = join(scene.folder, "tmp");
    mkdirSync(temporary);
    const main = join(import.meta.dir, "../../src/main.ts");
    const words = ["backup", url(), "--data", scene.server.data, ...at(line.endpoint)];
    const begin = () =>
      spawn(process.execPath, [main, ...words], {
        env: { ...process.env, ...env, TMPDIR: temporary },
        stdio: "ignore",
      });
    try {
      for (const step of [/^PUT \S+\/blobs\//, /^PUT \S+\/catalogs\//, /^PUT \S+backup\.json/]) {
        let isThere = false;
        line.set((head) => {
          if (!step.test(head)) return "pass";
          isThere = true;
          return "hold";
        });
        const child = begin();
        const ended = new Promise((resolve) => child.on("close", resolve));
        await waitFor(
          () => isThere,
          () => `no ${step}`,
        );
        child.kill("SIGKILL");
        await ended;
        expect(note()).toEqual(before);
        expect(await verify()).toMatchObject({ code: 0 });
      }
      expect(readdirSync(temporary)).toHaveLength(1);
      line.set(() => "pass");
      const last = begin();
      expect(await new Promise((resolve) => last.on("close", resolve))).toBe(0);
      expect(readdirSync(temporary)).toEqual([]);
      expect(note()).not.toEqual(before);
      expect(await restoreTo(join(scene.folder, "restored"))).toMatchObject({ code: 0 });
    } finally {
      await line.stop();
    }
  });

  /** Without the command, whose patience is longer. */
  async function inProcess(
    more: Partial<BackupOptions>,
    times: { believed?: number; settled?: number },
    endpoint = scene.gateway.endpoint,
    alter: (bucket: Bucket) => Bucket = (bucket) => bucket,
  ) {
    const place = testPlace(scene.folder, { endpoint, bucket: "backups", prefix: prefix() });
    const layout = layoutOf(scene.server.data);
    const { id, catalog } = JSON.parse(readFileSync(join(objects(), "holdfast.json"), "utf8"));
    const scratch = tempFolder("scratch");
    const bucket = alter(openBucket(place, { pauseMs: 1 }));
    const home = bucketHome({ url: url(), bucket, owner: { id, catalog }, scratch, times });
    return backUp({ layout, files: null }, home, {
      named: ({ read }) => everyNamed(read),
      beside: ({ read }, to) => copyLog(read, openLogFiles(layout.log), to),
      version: "0.0.0",
      told() {},
      ...more,
    });
  }

  test("what no backup names any more goes with the one that named it, and one that is killed over that loses nothing", async () => {
    const digests = [await get(KELP), await get(KELP_2)];
    const keeping = ["--keep", "2"];
    const line = await startBetween(scene.gateway.endpoint);
    const begin = (...words: string[]) =>
      spawn(
        process.execPath,
        [
          new URL("../../src/main.ts", import.meta.url).pathname,
          ...["backup", url(), "--data", scene.server.data, ...at(line.endpoint), ...words],
        ],
        { stdio: "ignore", env: { ...process.env, ...env } },
      );
    try {
      const run = (...words: string[]) =>
        play("backup", "--to", url(), "--data", scene.server.data, ...at(), ...words);
      expect((await run(...keeping)).printed).toContain("1 backup is there now");
      const first = note();
      await scene.server.restart({}, () => {
        const database = new Database(layoutOf(scene.server.data).database);
        database.run("DELETE FROM artifacts");
        database.close();
        for (const one of digests) rmSync(fileOf(layoutOf(scene.server.data).blobs, one));
      });
      const kept = await get(CORAL);
      expect((await run(...keeping)).printed).toContain("2 backups are there now; 0 files");
      expect(await verify()).toMatchObject({ code: 0 });
      const shown = await play("backup", "show", url(), ...at());
      expect(shown.printed).toContain(`Before it: A backup of ${first.madeAt}`);
      const earlier = join(scene.folder, "earlier");
      const back = ["restore", url(), "--data", earlier, "--before", first.madeAt, ...at()];
      expect(await play(...back)).toMatchObject({ code: 0 });
      expect(await play("verify", "--data", earlier)).toMatchObject({ code: 0 });

      // The first of them goes: killed over its files, all that is needed is there.
      let isThere = false;
      line.set((head) => {
        if (!/^DELETE \S+\/blobs\//.test(head)) return "pass";
        isThere = true;
        return "hold";
      });
      const child = begin(...keeping);
      const ended = new Promise((resolve) => child.on("close", resolve));
      await waitFor(
        () => isThere,
        () => "nothing is removed",
        20_000,
      );
      child.kill("SIGKILL");
      await ended;
      expect(note()).toMatchObject({ isPruning: true });
      expect(await verify()).toMatchObject({ code: 0 });
      const last = await inProcess({ retention: { count: 2, ms: null } }, { settled: 0 });
      expect(last).toMatchObject({ generations: 2, pruned: 2 });
      const there = filesOf(join(objects(), "blobs")).join();
      for (const one of digests) expect(there).not.toContain(one.slice(2));
      expect(there).toContain(kept.slice(2));
      expect(note()).not.toHaveProperty("isPruning");
      expect(await verify()).toMatchObject({ code: 0 });
      expect(allOf(join(objects(), "catalogs"))).toHaveLength(4);
    } finally {
      await line.stop();
    }
  });

  test("of two at once one removes nothing that the other has found there", async () => {
    const gone = await get(KELP);
    await get(CORAL);
    const line = await startBetween(scene.gateway.endpoint);
    try {
      const run = (endpoint: string, ...words: string[]) =>
        play("backup", "--to", url(), "--data", scene.server.data, ...at(endpoint), ...words);
      expect(await run(scene.gateway.endpoint, "--keep", "1")).toMatchObject({ code: 0 });
      await scene.server.restart({}, () => {
        const database = new Database(layoutOf(scene.server.data).database);
        database.run("DELETE FROM artifacts WHERE file = 'kelp-1.0.0.tgz'");
        database.close();
        rmSync(fileOf(layoutOf(scene.server.data).blobs, gone));
      });
      // One is about to remove it; meanwhile it comes again, and another backup begins.
      const held = Promise.withResolvers<void>();
      const asked = Promise.withResolvers<void>();
      line.set((head) => {
        if (!/^HEAD \S+backup\.json/.test(head)) return "pass";
        asked.resolve();
        return { restWaits: -1, for: held.promise };
      });
      const one = { retention: { count: 1, ms: null } };
      const pruning = inProcess(one, { believed: 50 }, line.endpoint);
      await asked.promise;
      expect(await get(KELP)).toBe(gone);
      expect(await inProcess({}, { settled: 0 })).toMatchObject({ files: 0, missing: [] });
      await Bun.sleep(60); // until what was asked is not believed any more
      held.resolve();
      expect(await pruning).toMatchObject({ pruned: null });
      expect(existsSync(join(objects(), fileOf("blobs/sha256", gone)))).toBe(true);
      expect(await run(scene.gateway.endpoint)).toMatchObject({ code: 0 });
      expect(await verify()).toMatchObject({ code: 0 });
    } finally {
      await line.stop();
    }
  });

  test("one that begins between the other's note and its first look is seen by that", async () => {
    const gone = await get(KELP);
    await get(CORAL);
    const back = ["backup", "--to", url(), "--data", scene.server.data, ...at()];
    expect(await play(...back, "--keep", "1")).toMatchObject({ code: 0 });
    await scene.server.restart({}, () => {
      const database = new Database(layoutOf(scene.server.data).database);
      database.run("DELETE FROM artifacts WHERE file = 'kelp-1.0.0.tgz'");
      database.close();
      rmSync(fileOf(layoutOf(scene.server.data).blobs, gone));
    });
    const found = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    let other: Promise<unknown> | null = null;
    const late = (bucket: Bucket): Bucket => ({
      ...bucket,
      async put(path, ...given) {
        const isPut = await bucket.put(path, ...given);
        if (path !== "backup.json" || other) return isPut;
        await get(KELP);
        const beside: BackupOptions["beside"] = async ({ read }, to) => {
          found.resolve();
          await goOn.promise;
          return copyLog(read, openLogFiles(layoutOf(scene.server.data).log), to);
        };
        other = inProcess({ beside }, { settled: 0 });
        await found.promise;
        return isPut;
      },
    });
    const one = { retention: { count: 1, ms: null } };
    expect(await inProcess(one, {}, undefined, late)).toMatchObject({ pruned: null });
    goOn.resolve();
    expect(await other!).toMatchObject({ files: 0, missing: [] });
    expect(existsSync(join(objects(), fileOf("blobs/sha256", gone)))).toBe(true);
    expect(await verify()).toMatchObject({ code: 0 });
  });

  test("a catalog in a PostgreSQL and files in a bucket are backed up to another bucket, and come back by a move", async () => {
    const postgres = await startPostgres(postgresPrograms()!);
    try {
      const digest = await get(KELP);
      const database = `postgres://holdfast@/postgres?host=${postgres.folder}`;
      const data = join(scene.folder, "node");
      const store = storeOptions(scene.gateway.endpoint, `s3://packages/big${scene.number}`);
      const big = join(scene.folder, "big.yaml");
      writeFileSync(big, JSON.stringify({ data, database, store }));
      await scene.server.restart({ server: { database, store, data } }, async () => {
        const moving = ["move", "--data", scene.server.data, "--to", big, "--finish"];
        expect(await play(...moving)).toMatchObject({ code: 0 });
      });
      await get(CORAL);
      const words = ["backup", url(), "--config", big, ...at()];
      expect(await play(...words)).toMatchObject({
        code: 0,
        printed: expect.stringContaining(`${database} is backed up to ${url()}`),
      });
      const live = join(scene.gateway.folderOf("packages"), `big${scene.number}`);
      expect(filesOf(join(objects(), "blobs"))).toEqual(filesOf(join(live, "blobs")));
      expect((await play(...words)).printed).toContain(": 0 new files");
      expect(await verify()).toMatchObject({ code: 0 });

      const restored = join(scene.folder, "restored");
      expect(await restoreTo(restored)).toMatchObject({ code: 0 });
      expect(await play("verify", "--data", restored)).toMatchObject({ code: 0 });
      const own = storeOptions(scene.gateway.endpoint, `s3://packages/back${scene.number}`);
      const there = join(scene.folder, "back.yaml");
      writeFileSync(there, JSON.stringify({ data: join(scene.folder, "apart"), store: own }));
      const moving = ["move", "--data", restored, "--to", there, "--finish"];
      expect(await play(...moving)).toMatchObject({ code: 0 });
      const back = join(scene.gateway.folderOf("packages"), `back${scene.number}`);
      expect(existsSync(join(back, fileOf("blobs/sha256", digest)))).toBe(true);
      await scene.server.stop();
    } finally {
      await postgres.stop();
    }
  });

  test("what says where a bucket is must be right, and goes with a bucket alone", async () => {
    const cases: [words: string[], why: string][] = [
      [["backup", "s3://B"], "expected s3://BUCKET"],
      [["backup", "gs://backups/x"], "expected s3://BUCKET"],
      [["backup", url(), "--endpoint", "backups.example.com"], "endpoint: "],
      [["backup", url(), "--access-key-file", "none"], "accessKeyFile: "],
      [["backup", url(), "--to", url()], "FOLDER and --to are the same"],
      [["backup"], "what is missing: FOLDER"],
      [["backup", "copy", "--region", "eu-central-1"], "--region goes with a bucket"],
      [["restore", "copy", "--data", "x", "--ca", "y"], "--ca goes with a bucket"],
      [["backup", url(), "--link", ...at()], "leave --link out"],
    ];
    for (const [words, why] of cases) {
      const more = words[0] === "backup" ? ["--data", scene.server.data] : [];
      const { code, printed } = await play(...words, ...more);
      expect([words, code > 0, printed]).toEqual([words, true, expect.stringContaining(why)]);
    }
    const terminal = fakeTerminal({ cwd: scene.folder, env: {} });
    const words = ["backup", url(), "--data", scene.server.data, ...at()];
    expect(await runCli(words, commands(), terminal)).toBe(1);
    expect(terminal.printed.err).toContain("AWS_ACCESS_KEY_ID is not set");
    const keys = storeOptions(scene.gateway.endpoint, url());
    const files = [
      ...["--access-key-file", String(keys["accessKeyFile"])],
      ...["--secret-key-file", String(keys["secretKeyFile"])],
    ];
    expect(await runCli([...words, ...files], commands(), terminal)).toBe(0);
  });
}
