// Files that go from one bucket to another: at each moment a server starts on one of the two alone, by the catalog that stays or by one that goes along.

import { Database } from "bun:sqlite";
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Gateway, startGateway, storeOptions } from "../support/bucket.ts";
import { bucketScene } from "../support/bucket-scene.ts";

const program = process.env["HOLDFAST_TEST_GATEWAY"];
// From a file of SQLite: servers of the tests have one where no PostgreSQL is theirs.
if (program && !process.env["HOLDFAST_TEST_POSTGRES"]) define(program);

function define(program: string): void {
  let elsewhere: Gateway;
  /** In the data directory of the server, with its files in the one bucket or in the other. */
  let a: string;
  let b: string;
  const scene = bucketScene(program, {
    ...{ buckets: ["packages", "others"], name: "move-buckets" },
    server: () => ({ server: { store: inA() } }),
  });
  const { play, written, begin } = scene;
  beforeAll(async () => {
    elsewhere = await startGateway(program, ["packages"]);
  });
  afterAll(() => elsewhere.stop());
  beforeEach(() => {
    a = written("a.yaml", { data: scene.server.data, store: inA() });
    b = written("b.yaml", { data: scene.server.data, store: inB() });
  });
  const urls = () => ["packages", "others"].map((bucket) => `s3://${bucket}/of${scene.number}`);
  const inA = (at = scene.gateway) => storeOptions(at.endpoint, urls()[0]!);
  const inB = () => storeOptions(scene.gateway.endpoint, urls()[1]!);
  const moves = (from: string, to: string) =>
    play("move", "--config", from, "--to", to, "--finish");
  const KELP = ["/npm/kelp/-/kelp-1.0.0.tgz", "/npm/kelp/-/kelp-2.0.0.tgz"];
  async function get(path: string): Promise<string> {
    const response = await fetch(scene.server.url + path);
    return `${response.status} ${Bun.hash(await response.bytes())}`;
  }
  const mark = (bucket: number) => {
    const [name, prefix] = urls()[bucket]!.slice("s3://".length).split("/");
    return JSON.parse(
      readFileSync(join(scene.gateway.folderOf(name!), prefix!, "holdfast.json"), "utf8"),
    );
  };

  test("the configuration of before starts no server, there and back, and says where the files are", async () => {
    const before = await get(KELP[0]!);
    expect(before).toStartWith("200 ");
    await scene.server.restart({ server: { store: inB() } }, async () => {
      expect(await moves(a, b)).toMatchObject({ code: 0 });
      expect(await begin(a)).toContain(`are not in the bucket ${urls()[0]}, but in ${urls()[1]}:`);
      expect((await play("doctor", "--config", a)).printed).toContain(`but in ${urls()[1]}:`);
      expect((await play("doctor", "--config", b)).printed).not.toContain("but in");
      for (const words of [["--finish"], []])
        expect((await play("move", "--config", a, "--to", b, ...words)).printed).toContain(
          `but in ${urls()[1]}:`,
        );
      expect((await play("gc", "--config", a)).printed).toContain(`but in ${urls()[1]}:`);
    });
    expect(await get(KELP[0]!)).toBe(before);
    // It is in the one bucket alone.
    const since = await get(KELP[1]!);
    await scene.server.restart({ server: { store: inA() } }, async () => {
      expect(await moves(b, a)).toMatchObject({ code: 0 });
      expect(await begin(b)).toContain(`but in ${urls()[0]}:`);
      rmSync(join(scene.server.data, "copies"), { recursive: true });
    });
    expect([await get(KELP[0]!), await get(KELP[1]!)]).toEqual([before, since]);
    expect(mark(0)).not.toHaveProperty("other");
  });

  test("through its own folder as well: the first of two buckets does not become it again by itself", async () => {
    const before = await get(KELP[0]!);
    await scene.server.restart({ server: { store: inB() } }, async () => {
      const home = ["move", "--config", a, "--store", "folder", "--finish"];
      expect(await play(...home)).toMatchObject({ code: 0 });
      expect(await begin(a)).toContain("but in its data directory: leave store out");
      const there = ["move", "--data", scene.server.data, "--to", b, "--finish"];
      expect(await play(...there)).toMatchObject({ code: 0 });
      expect(await begin(a)).toContain(`but in ${urls()[1]}:`);
    });
    expect(await get(KELP[0]!)).toBe(before);
  });

  test("a move that is cut before the catalog says where its files are has changed nothing, and goes on", async () => {
    const before = await get(KELP[0]!);
    await scene.server.restart({ server: { store: inB() } }, async () => {
      cutting((database) =>
        database.run(
          "CREATE TRIGGER cut BEFORE INSERT ON kept WHEN NEW.key = 'store' BEGIN SELECT raise(ABORT, 'cut here'); END",
        ),
      );
      expect((await moves(a, b)).printed).toContain("cut here");
      cutting((database) => database.run("DROP TRIGGER cut"));
      expect([mark(0).other, mark(1).other]).toEqual([urls()[1], urls()[0]]);
      expect(await begin(b)).toContain(`are not in the bucket ${urls()[1]}, but in ${urls()[0]}:`);
      expect(await begin(a)).toBe("starts");
      expect(mark(0)).not.toHaveProperty("other");
      expect(await begin(b)).toContain(`but in ${urls()[0]}:`);
      expect(await moves(a, b)).toMatchObject({ code: 0 });
      expect(await begin(a)).toContain(`but in ${urls()[1]}:`);
    });
    expect(await get(KELP[0]!)).toBe(before);
  });
  function cutting(work: (database: Database) => void): void {
    const database = new Database(join(scene.server.data, "holdfast.db"));
    try {
      work(database);
    } finally {
      database.close();
    }
  }

  test("a bucket of another name with the same objects is still the catalog's own", async () => {
    const before = await get(KELP[0]!);
    const [name, prefix] = urls()[0]!.slice("s3://".length).split("/");
    await scene.server.restart({ server: { store: inB() } }, async () => {
      renameSync(
        join(scene.gateway.folderOf(name!), prefix!),
        join(scene.gateway.folderOf("others"), prefix!),
      );
      rmSync(join(scene.server.data, "copies"), { recursive: true });
    });
    expect(await get(KELP[0]!)).toBe(before);
  });

  test("a catalog that goes to another folder and another bucket does not start on the old one, and the old catalog does where it is undone", async () => {
    const before = await get(KELP[0]!);
    const data = join(scene.folder, "node");
    for (const [step, store] of [inB(), inA(elsewhere)].entries()) {
      const there = written("there.yaml", { data, store });
      await scene.server.restart({ server: { store: inA() } }, async () => {
        expect(await moves(a, there)).toMatchObject({ code: 0 });
        expect(await begin(written("mixed.yaml", { data, store: inA() }))).toContain(
          `are not in the bucket ${urls()[0]}, but in ${step === 0 ? urls()[1] : "the one of that name elsewhere"}:`,
        );
        expect(await begin(a)).toContain(`was moved to ${data}`);
        expect(await begin(there)).toBe("starts");
        // As docs/scale.md says.
        rmSync(data, { recursive: true });
        const left = `holdfast.db.left-1`;
        renameSync(join(scene.server.data, left), join(scene.server.data, "holdfast.db"));
        rmSync(join(scene.server.data, "move.json"));
        expect(await begin(a)).toBe("starts");
        expect(mark(0)).not.toHaveProperty("other");
      });
      expect(await get(KELP[0]!)).toBe(before);
    }
  });
}
