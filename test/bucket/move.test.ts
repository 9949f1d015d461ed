// Everything stored goes from a folder to a bucket, with a catalog in a file or in a PostgreSQL, and back.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { SQL } from "bun";
import { runCli } from "../../src/cli/index.ts";
import { fakeTerminal } from "../../src/cli/testing.ts";
import { loadConfig } from "../../src/config/load.ts";
import { createLog } from "../../src/core/log.ts";
import { formats } from "../../src/formats/index.ts";
import { commands } from "../../src/main.ts";
import { move } from "../../src/server/move.ts";
import { start } from "../../src/server/start.ts";
import { ACCESS_KEY, SECRET_KEY } from "../../src/store/bucket-testkit.ts";
import { storeOptions } from "../support/bucket.ts";
import { bucketScene, contentsOf } from "../support/bucket-scene.ts";
import { npmPublication } from "../support/npm-package.ts";
import { type PostgresServer, postgresPrograms, startPostgres } from "../support/postgres.ts";
import { startServer } from "../support/server.ts";

const program = process.env["HOLDFAST_TEST_GATEWAY"];
// From a file of SQLite: servers of the tests have one where no PostgreSQL is theirs.
if (program && !process.env["HOLDFAST_TEST_POSTGRES"]) define(program);

function define(program: string): void {
  let token: string;
  const scene = bucketScene(program, {
    ...{ buckets: ["packages"], name: "move" },
    server: () => ({ claims: { npm: ["*-own"] }, server: {} }),
  });
  const { play, written } = scene;
  const store = (url = `s3://packages/move${scene.number}`) =>
    storeOptions(scene.gateway.endpoint, url);
  const WANTED = ["/npm/kelp/-/kelp-1.0.0.tgz", "/npm/ours-own/-/ours-own-1.0.0.tgz"];
  async function read(): Promise<string[]> {
    return Promise.all(
      WANTED.map(async (path) => {
        const response = await fetch(scene.server.url + path);
        return `${response.status} ${Bun.hash(await response.bytes())}`;
      }),
    );
  }
  async function fill(): Promise<void> {
    await scene.server.account("user add", { name: "ann", password: "correct horse battery" });
    await scene.server.account("grant add", { holder: "user:ann", actions: ["read", "publish"] });
    const scope = { actions: null, repositories: null, packages: null };
    const lines = await scene.server.account("token create", { user: "ann", name: "ci", scope });
    token = lines.join("\n").match(/hf_\w+/)![0];
    await publish("ours-own");
  }
  async function publish(name: string): Promise<void> {
    const { status } = await fetch(`${scene.server.url}/npm/${name}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${token}` },
      body: npmPublication(name, "1.0.0").body,
    });
    expect(status).toBe(201);
  }
  /** Of a place, without asking the public registries. */
  async function doctor(places: Record<string, unknown>): Promise<string> {
    return (await play("doctor", "--config", written("doctor.yaml", places))).printed;
  }
  const objects = () => join(scene.gateway.folderOf("packages"), `move${scene.number}`);

  test("a folder's files are in the bucket, beside a catalog that is a file in another folder, and come back", async () => {
    await fill();
    const before = await read();
    const data = join(scene.folder, "node");
    const there = written("new.yaml", { data, store: store() });
    const moving = ["move", "--data", scene.server.data, "--to", there];
    expect(await play(...moving)).toMatchObject({ code: 0 });
    expect(await doctor({ data, store: store() })).toContain(
      `${data} is the half of a move from ${scene.server.data} that began on`,
    );
    // Beside another catalog what came to the bucket says nothing of whose it is.
    expect(await doctor({ data: join(scene.folder, "half"), store: store() })).toContain(
      "Was a move there begun?",
    );
    await scene.server.restart({ server: {} }, async () => {
      const last = await play(...moving, "--finish", "--verify");
      expect(last).toMatchObject({ code: 0 });
      // The bucket's URL alone would be one at AWS, without a key.
      expect(last.printed).toContain(`holdfast serve --config ${there}\n`);
      expect(last.printed).not.toContain("store: s3://");
      for (const part of ["blobs", "log"])
        expect(contentsOf(join(objects(), part))).toEqual(
          contentsOf(join(scene.server.data, part)),
        );
      expect(readdirSync(join(data, "blobs", "sha256"))).toEqual([]);

      expect(await doctor({ data: scene.server.data })).toContain(
        `what was in ${scene.server.data} was moved to ${data} on `,
      );
      expect(await doctor({ data, store: store() })).not.toMatch(/ move |another catalog|Was a/);

      const other = written("other.yaml", { data: join(scene.folder, "other"), store: store() });
      expect((await play("doctor", "--config", other)).printed).toContain(
        "to another catalog than",
      );
      expect((await play("move", "--data", data, "--to", other)).printed).toContain(
        "are in the bucket",
      );
      const back = ["move", "--config", there, "--to", scene.server.data];
      expect(await play(...back, "--finish")).toMatchObject({
        code: 0,
        printed: expect.stringMatching(/ files \(0 new/),
      });
      const fresh = join(scene.folder, "fresh");
      expect(
        await play("move", "--data", scene.server.data, "--to", fresh, "--finish"),
      ).toMatchObject({
        code: 0,
      });
      expect(
        await play("move", "--data", fresh, "--to", scene.server.data, "--finish"),
      ).toMatchObject({
        code: 0,
      });
      for (const part of ["blobs", "log"])
        expect(contentsOf(join(fresh, part))).toEqual(contentsOf(join(objects(), part)));
    });
    expect(await read()).toEqual(before);
  });

  test("a PostgreSQL and a bucket take over, a bucket of another catalog is refused, and back from the bucket alone", async () => {
    const postgres: PostgresServer = await startPostgres(postgresPrograms()!);
    try {
      await fill();
      const before = await read();
      const database = `postgres://holdfast@/postgres?host=${postgres.folder}`;
      const data = join(scene.folder, "node");
      const there = written("new.yaml", { data, database, store: store() });
      const moving = ["move", "--data", scene.server.data, "--to", there];
      expect(await play(...moving)).toMatchObject({ code: 0 });
      await scene.server.restart({ server: { database, store: store(), data } }, async () => {
        expect(await play(...moving, "--finish")).toMatchObject({ code: 0 });
        expect(existsSync(join(data, "holdfast.db"))).toBe(false);
      });
      expect(await read()).toEqual(before);

      const other = await startServer(scene.upstream);
      try {
        const taken = written("taken.yaml", { data: join(scene.folder, "x"), store: store() });
        expect((await play("move", "--data", other.data, "--to", taken)).printed).toContain(
          `belong to the catalog ${database}`,
        );
      } finally {
        await other.stop();
      }
      const home = join(scene.folder, "home");
      expect(await play("move", "--config", there, "--to", home)).toMatchObject({ code: 0 });
      await scene.server.restart({ server: {} }, async () => {
        const back = ["move", "--config", there, "--to", home, "--finish"];
        expect(await play(...back)).toMatchObject({ code: 0 });
        const again = ["move", "--data", home, "--to", scene.server.data, "--finish"];
        expect(await play(...again)).toMatchObject({ code: 0 });
      });
      expect(await read()).toEqual(before);
    } finally {
      await postgres.stop();
    }
  });

  test("files alone go to a bucket and back, beside the server and cut anywhere, and the catalog stays where it is", async () => {
    const postgres: PostgresServer = await startPostgres(postgresPrograms()!);
    try {
      await fill();
      const database = `postgres://holdfast@/postgres?host=${postgres.folder}`;
      const here = { database, data: scene.server.data };
      const small = written("small.yaml", here);
      const big = written("big.yaml", { ...here, store: store() });
      await scene.server.restart({ server: here }, async () => {
        const over = ["move", "--data", scene.server.data, "--to", database, "--finish"];
        expect(await play(...over)).toMatchObject({ code: 0 });
      });
      const before = await read();
      const key = readFileSync(join(scene.server.data, "log/key"), "utf8");
      const there = ["move", "--config", small, "--to", big];
      expect(await play(...there)).toMatchObject({
        code: 0,
        printed: expect.stringMatching(/ files \([1-9]\d* new.*Nothing has changed hands/s),
      });
      expect(await doctor({ ...here, store: store() })).toContain("but in its data directory");
      const [from, to] = [small, big].map((file) =>
        loadConfig({ file, formats, flags: {}, env: {} }),
      );
      const cut = (step: string) =>
        move(from!, to!, {
          ...{ isLast: true, areFilesRead: true, mayBeDamaged: false },
          told(at) {
            if (at === step) throw new Error(`cut at ${step}`);
          },
        });
      expect((await play(...there, "--finish")).printed).toContain("Another Holdfast is running");
      await scene.server.restart({ server: { ...here, store: store() } }, async () => {
        for (const step of ["looking for files", "reading files"])
          await expect(cut(step)).rejects.toThrow(`cut at ${step}`);
        const config = to!;
        const log = createLog("json", () => {});
        await expect(start({ config, log, listen: "none" })).rejects.toThrow("name them as before");
        const last = await play(...there, "--finish", "--verify");
        expect(last).toMatchObject({ code: 0 });
        expect(last.printed).toContain(
          `The files of ${database} are in s3://packages/move${scene.number} from now on`,
        );
        expect(last.printed).toContain(`holdfast serve --config ${big}\n`);
        for (const part of ["blobs", "log"])
          expect(contentsOf(join(objects(), part))).toEqual(
            contentsOf(join(scene.server.data, part)),
          );
        await expect(start({ config: from!, log, listen: "none" })).rejects.toThrow(
          "are in the bucket s3://packages/",
        );
        expect((await play(...there)).printed).toContain("are in the bucket");
      });
      expect(await read()).toEqual(before);

      // What is published now is in the bucket alone.
      await publish("more-own");
      const back = ["move", "--config", big, "--store", "folder"];
      expect(await play(...back)).toMatchObject({ code: 0 });
      await scene.server.restart({ server: here }, async () => {
        const last = await play(...back, "--finish");
        expect(last).toMatchObject({ code: 0 });
        expect(last.printed).toContain("  database: as it is now\n  no store\n");
        const config = to!;
        const log = createLog("json", () => {});
        await expect(start({ config, log, listen: "none" })).rejects.toThrow(
          "but in its data directory: leave store out of the configuration",
        );
      });
      expect(await read()).toEqual(before);
      const more = await fetch(`${scene.server.url}/npm/more-own/-/more-own-1.0.0.tgz`);
      expect(more.status).toBe(200);
      expect(readFileSync(join(scene.server.data, "log/key"), "utf8")).toBe(key);
      expect(readdirSync(scene.server.data)).not.toContain("log.1");
      const again = await play("move", "--config", small, "--store", "folder");
      expect(again.printed).toContain("its files are where they are to be");
    } finally {
      await scene.server.stop();
      await postgres.stop();
    }
  });

  test("files alone go from beside a catalog that is a file as well, and back", async () => {
    await fill();
    const before = await read();
    const big = written("big.yaml", { data: scene.server.data, store: store() });
    const there = ["move", "--data", scene.server.data, "--to", big];
    expect(await play(...there)).toMatchObject({ code: 0 });
    await scene.server.restart({ server: { store: store() } }, async () => {
      expect(await play(...there, "--finish")).toMatchObject({ code: 0 });
    });
    expect(await read()).toEqual(before);
    await scene.server.restart({ server: {} }, async () => {
      const back = ["move", "--config", big, "--store", "folder", "--finish"];
      expect(await play(...back)).toMatchObject({ code: 0 });
    });
    expect(await read()).toEqual(before);
  });

  test("a catalog that leaves its PostgreSQL, while its files stay, goes on with the log whose checkpoint was not written any more", async () => {
    const postgres: PostgresServer = await startPostgres(postgresPrograms()!);
    try {
      await fill();
      const database = `postgres://holdfast@/postgres?host=${postgres.folder}`;
      const shared = { data: join(scene.folder, "node"), database, store: store() };
      const there = written("new.yaml", shared);
      await scene.server.restart({ server: shared }, async () => {
        const moving = ["move", "--data", scene.server.data, "--to", there, "--finish"];
        expect(await play(...moving)).toMatchObject({ code: 0 });
      });
      const before = await read();
      const own = { data: scene.server.data, store: store() };
      const key = () => readFileSync(join(objects(), "log/key"), "utf8");
      const kept = key();
      await scene.server.restart({ server: own }, async () => {
        rmSync(join(objects(), "log/checkpoint"));
        const moving = ["move", "--config", there, "--to", written("own.yaml", own), "--finish"];
        expect(await play(...moving)).toMatchObject({
          code: 0,
          printed: expect.stringContaining("files stay where they are"),
        });
      });
      expect(await read()).toEqual(before);
      expect(key()).toBe(kept);
      expect(readdirSync(objects())).not.toContain("log.1");
    } finally {
      await scene.server.stop();
      await postgres.stop();
    }
  });

  test("a backup of a server with a bucket has its files, and is a data directory as any other", async () => {
    const data = join(scene.folder, "node");
    const bucket = written("bucket.yaml", { data, store: store() });
    await fill();
    await read();
    await scene.server.restart({ server: {} }, async () => {
      const there = ["move", "--data", scene.server.data, "--to", bucket, "--finish"];
      expect(await play(...there)).toMatchObject({ code: 0 });
      const copy = join(scene.folder, "copy");
      expect(await play("backup", copy, "--config", bucket)).toMatchObject({ code: 0 });
      for (const part of ["blobs", "log"])
        expect(contentsOf(join(copy, part))).toEqual(contentsOf(join(objects(), part)));
      expect((await play("backup", copy, "--config", bucket)).printed).toContain("0 new files");
      expect(await play("backup", "verify", copy)).toMatchObject({ code: 0 });
      expect((await play("backup", copy, "--config", bucket, "--link")).printed).toContain(
        "leave --link out",
      );
      const back = ["move", "--config", bucket, "--to", scene.server.data, "--finish"];
      expect(await play(...back)).toMatchObject({ code: 0 });
    });
  });

  test("a backup that is tried out takes nothing out of the bucket of the server that it is of", async () => {
    const data = join(scene.folder, "node");
    const bucket = written("bucket.yaml", { data, store: store() });
    await fill();
    await read();
    await scene.server.restart({ server: {} }, async () => {
      const there = ["move", "--data", scene.server.data, "--to", bucket, "--finish"];
      expect(await play(...there)).toMatchObject({ code: 0 });
      const copy = join(scene.folder, "copy");
      expect(await play("backup", copy, "--config", bucket)).toMatchObject({ code: 0 });
      const kept = contentsOf(objects());
      const trial = join(scene.folder, "trial");
      expect(await play("restore", copy, "--data", trial)).toMatchObject({ code: 0 });
      const config = loadConfig({ file: bucket, formats, flags: { data: trial }, env: {} });
      const log = createLog("json", () => {});
      await expect(start({ config, log, listen: "none" })).rejects.toThrow(
        "holdfast.db is a copy of the catalog whose files are in the bucket s3://packages/",
      );
      const other = written("other.yaml", { data: join(scene.folder, "other"), store: store() });
      const moved = await play("move", "--data", trial, "--to", other, "--finish");
      expect(moved).toMatchObject({ code: 1, printed: expect.stringContaining(`in ${data}, and`) });
      expect(contentsOf(objects())).toEqual(kept);

      // Where it is brought to a bucket of its own it may be looked at.
      const own = store(`s3://packages/trial${scene.number}`);
      const apart = written("apart.yaml", { data: join(scene.folder, "apart"), store: own });
      expect(await play("move", "--data", trial, "--to", apart, "--finish")).toMatchObject({
        code: 0,
      });
      expect(await play("gc", "--config", apart)).toMatchObject({ code: 0 });
      // Back where its server was it has its bucket again.
      rmSync(data, { recursive: true });
      expect(await play("restore", copy, "--data", join(scene.folder, "home"))).toMatchObject({
        code: 0,
      });
      const home = ["move", "--data", join(scene.folder, "home"), "--to", bucket, "--finish"];
      expect(await play(...home)).toMatchObject({ code: 0 });
      const back = ["move", "--config", bucket, "--to", scene.server.data, "--finish"];
      expect(await play(...back)).toMatchObject({ code: 0 });
    });
  });

  test("a copy of the database does not start on the bucket, and then does in place of the other one", async () => {
    const postgres: PostgresServer = await startPostgres(postgresPrograms()!);
    try {
      await fill();
      const url = (name: string) => `postgres://holdfast@/${name}?host=${postgres.folder}`;
      const places = (name: string) => ({
        data: join(scene.folder, name),
        database: url(name),
        store: store(),
      });
      const [first, copy] = [places("postgres"), places("copy")];
      const [there, here] = [written("first.yaml", first), written("copy.yaml", copy)];
      await scene.server.restart({ server: first }, async () => {
        const moving = ["move", "--data", scene.server.data, "--to", there, "--finish"];
        expect(await play(...moving)).toMatchObject({ code: 0 });
      });
      const before = await read();
      const log = createLog("json", () => {});
      const begin = (file: string) =>
        start({
          config: loadConfig({ file, formats, flags: {}, env: {} }),
          log,
          listen: "none",
        });
      await scene.server.restart({ server: copy }, async () => {
        const made = new SQL({
          adapter: "postgres",
          path: `${postgres.folder}/.s.PGSQL.5432`,
          username: "holdfast",
          database: "template1",
        });
        await made.unsafe("CREATE DATABASE copy TEMPLATE postgres").finally(() => made.close());
        await expect(begin(here)).rejects.toThrow("holdfast move --take-over");
        expect(await doctor(copy)).toContain(`is a copy of the one that the files in`);
        expect((await play("gc", "--config", here)).printed).toContain("two servers would write");
        expect((await play("move", "--take-over", "--config", there)).printed).toContain("already");
        await (await begin(there)).stop();
        expect(await play("move", "--take-over", "--config", here)).toMatchObject({
          code: 0,
          printed: expect.stringContaining(`A server that still runs on ${first.database}`),
        });
        await expect(begin(there)).rejects.toThrow(`belong to, ${copy.database}:`);
      });
      expect(await read()).toEqual(before);
    } finally {
      await scene.server.stop();
      await postgres.stop();
    }
  });

  test("a URL alone names a bucket, with its key in the environment", async () => {
    const cases: [words: string[], env: Record<string, string>, why: string][] = [
      [["--store", "s3://packages"], {}, "AWS_ACCESS_KEY_ID is not set"],
      [["--store", "packages"], {}, "expected s3://BUCKET"],
      [
        ["--store", "s3://packages"],
        { AWS_ACCESS_KEY_ID: ACCESS_KEY },
        "AWS_SECRET_ACCESS_KEY is not set",
      ],
    ];
    expect(SECRET_KEY).not.toBe("");
    for (const [words, env, why] of cases) {
      const terminal = fakeTerminal({ cwd: scene.folder, env });
      const to = ["move", "--data", scene.server.data, "--to", join(scene.folder, "x"), ...words];
      expect(await runCli(to, commands(), terminal)).toBeGreaterThan(0);
      expect(terminal.printed.err).toContain(why);
    }
    const wrong = ["--to", written("new.yaml", {}), "--store", "s3://packages"];
    expect((await play("move", "--data", scene.server.data, ...wrong)).printed).toContain(
      "belongs into",
    );
  });
}
