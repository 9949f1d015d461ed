import { afterAll, beforeAll, expect, test } from "bun:test";
import { tempFolder } from "../../test/support/temp.ts";
import { waitFor } from "../../test/support/wait.ts";
import { loadConfig } from "../config/load.ts";
import { createLog } from "../core/log.ts";
import { formats } from "../formats/index.ts";
import { type Ground, openGround } from "./ground.ts";
import { createMounts } from "./mounts.ts";

const config = loadConfig({ formats, flags: { data: tempFolder("mounts") }, env: {} });
const [npm, pypi] = config.repositories;
let ground: Ground;
beforeAll(async () => {
  const log = createLog("json", () => {});
  ground = await openGround(config, { log, now: Date.now, elapsed: () => performance.now() });
});
afterAll(() => ground.close());

const breakers = async () =>
  (await ground.metrics.render())
    .split("\n")
    .filter((line) => line.startsWith("holdfast_upstream_breaker_state{"));

test("a repository that is as it was goes on, another one takes the place of the one before", async () => {
  const mounts = createMounts(ground, 1);
  const first = mounts.of([npm!, pypi!]);
  mounts.use(first);
  const closed: string[] = [];
  const close = first[0]!.close;
  first[0]!.close = async () => {
    closed.push("npm");
    await close();
  };
  const release = first[0]!.hold();
  const again = first[0]!.hold();
  const second = mounts.of([{ ...npm!, claims: ["@acme/*"] }, structuredClone(pypi!)]);
  expect(second[1]).toBe(first[1]!);
  expect(second[0]).not.toBe(first[0]!);
  mounts.use(second);
  expect(await breakers()).toHaveLength(2); // none twice
  release();
  release(); // no more than once
  const other = mounts.of([npm!]);
  mounts.use([...second]); // what was mounted and never used goes
  await waitFor(
    () => mounts.open() === 3,
    () => `${mounts.open()} are open`,
  );
  expect(closed).toEqual([]);
  again();
  await waitFor(
    () => closed.length === 1,
    () => "it stays open",
  );
  expect(other).toHaveLength(1);
  await mounts.close();
  expect(mounts.open()).toBe(0);
});
