// Two servers on two copies of one catalog, and one bucket: each would take for garbage what the other stores.
import { expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { storeOptions } from "../support/bucket.ts";
import { bucketScene } from "../support/bucket-scene.ts";
import { configText } from "../support/config.ts";
import { startOne } from "../support/process.ts";
import { tempFolder } from "../support/temp.ts";

setDefaultTimeout(60_000);

const program = process.env["HOLDFAST_TEST_GATEWAY"];
// Of a file of SQLite: a copy of a PostgreSQL says that it is another one, but for one that was a replica.
if (program && !process.env["HOLDFAST_TEST_POSTGRES"]) define(program);

function define(program: string): void {
  const scene = bucketScene(program, {
    ...{ buckets: ["packages"], name: "tenure" },
    server: () => ({ server: { store: store() } }),
  });
  const store = () => storeOptions(scene.gateway.endpoint, `s3://packages/of${scene.number}`);
  const objects = () =>
    readdirSync(join(scene.gateway.folderOf("packages"), `of${scene.number}`, "blobs"), {
      recursive: true,
      withFileTypes: true,
    })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name)
      .sort();
  const DAY_MS = 24 * 3_600_000;

  test("the one that said so first may remove, the other may not until it is told to, and then the first may not", async () => {
    const get = async (url: string, path: string) => (await fetch(url + path)).status;
    expect(await get(scene.server.url, "/npm/kelp")).toBe(200);
    const copied = tempFolder("tenure-copy");
    await scene.server.restart({}, () => cpSync(scene.server.data, copied, { recursive: true }));
    const there = scene.written("there.yaml", { data: copied, store: store() });
    const text = configText(scene.upstream, { server: { store: store() } });
    const beside = await startOne({ config: text, data: copied });
    const garbage = () => scene.play("gc", "--config", there);
    try {
      expect(await garbage()).toMatchObject({
        code: 1,
        printed: expect.stringContaining("nothing is removed"),
      });
      expect(beside.output()).toContain("No files are removed");
      expect(await scene.server.operate("gc", "")).toMatchObject({ isDone: true });
      expect(await get(scene.server.url, "/npm/kelp/-/kelp-1.0.0.tgz")).toBe(200);
      expect((await scene.play("doctor", "--config", there)).printed).toContain(
        "another copy of it is in use",
      );
      await beside.pause();
      const over = await scene.play("move", "--take-over", "--config", there);
      expect([over.code, over.printed]).toEqual([0, expect.stringContaining("must be stopped")]);
      await beside.restart();
      expect(await garbage()).toMatchObject({ code: 0 });
      const ours = objects();
      scene.server.advance(DAY_MS);
      await expect(scene.server.operate("gc", "")).rejects.toThrow("nothing is removed");
      expect(objects()).toEqual(ours);
    } finally {
      await beside.stop();
    }
  });
}
