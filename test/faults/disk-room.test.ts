// A disk that is full to the last byte: room is made on it all the same, while clients read what goes.
import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";
import { createLog } from "../../src/core/log.ts";
import { formats } from "../../src/formats/index.ts";
import { start } from "../../src/server/start.ts";
import { run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { bulkConfig, startBulk } from "./bulk-upstream.ts";

const MINUTE = 60_000;
const small = tempFolder("room");
const home = tempFolder("room-home");
afterAll(async () => {
  await run(["umount", small], { cwd: "/" });
  removeTemp(small);
});

test("room is made where not even its removal can be written down", async () => {
  const mounted = await run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", small], {
    cwd: "/",
  });
  expect(mounted, "this test needs root, to mount a small disk of its own").toMatchObject({
    code: 0,
  });
  const upstream = startBulk([1_500_000, 1_500_000, 1_500_000, 1_500_000, 20_000, 3_000_000]);
  const file = join(home, "holdfast.yaml");
  writeFileSync(file, bulkConfig(upstream, "disk: { keepFree: 4MiB }\n"));
  const flags = { data: join(small, "data"), listen: "127.0.0.1:0" };
  const log: string[] = [];
  let shift = 0;
  const server = await start({
    config: loadConfig({ file, formats, flags, env: {} }),
    log: createLog("json", (line) => log.push(line)),
    now: () => Date.now() + shift,
  });
  const ask = (at: number) =>
    fetch(`${server.url.replace(/\/$/, "")}/npm/bulk-${at}/-/bulk-${at}-1.0.0.tgz`);
  const read = async (response: Response) => {
    const bytes = Buffer.from(await response.arrayBuffer());
    return [response.status, createHash("sha256").update(bytes).digest("hex")];
  };
  const get = async (at: number) => read(await ask(at));
  const whole = (at: number) => [200, upstream.digests.get(`bulk-${at}`)!];
  try {
    for (const at of [0, 1, 2, 3, 4]) {
      expect(await get(at)).toEqual(whole(at));
      shift += MINUTE;
    }
    shift += 20 * MINUTE;
    const filler = join(small, "filler");
    for (const size of [1024 * 1024, 4096, 1])
      for (;;)
        try {
          appendFileSync(filler, Buffer.alloc(size));
        } catch {
          break;
        }
    expect(existsSync(filler)).toBe(true);
    // That this one was used cannot be written down.
    expect(await get(4)).toEqual(whole(4));

    const reading = await Promise.all([0, 1].map(ask));
    const lines: string[] = [];
    const { signal } = new AbortController();
    const isDone = await server.operations.run(
      { name: "disk clean", repository: "", flags: new Set() },
      { progress() {}, say: (line) => void lines.push(line), signal },
    );
    expect([isDone, lines]).toEqual([true, ["npm: removed 3 files, 4.3 MiB"]]);
    // Who was answered before reads to the end.
    for (const [at, response] of reading.entries()) expect(await read(response)).toEqual(whole(at));

    // There is room for what is new, and what went comes again.
    expect(await get(5)).toEqual(whole(5));
    rmSync(filler);
    for (const at of [0, 1, 2, 3, 4]) expect(await get(at)).toEqual(whole(at));
    expect(log.filter((line) => /because of a bug|tampered/.test(line))).toEqual([]);
  } finally {
    await server.stop();
    await upstream.stop();
  }
}, 60_000);
