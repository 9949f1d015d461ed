// What doctor says of the servers that share a catalog.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { hostname } from "node:os";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../test/support/temp.ts";
import { loadConfig } from "../config/load.ts";
import { sharedDigests } from "../config/shared.ts";
import { version } from "../core/build.ts";
import { formats } from "../formats/index.ts";
import type { Database } from "../store/database.ts";
import { askThrough, openTestDatabase, testNodes } from "../store/testkit.ts";
import { checkNodes, examineNodes } from "./check-nodes.ts";

let folder: string;
let database: Database;
beforeEach(async () => {
  folder = tempFolder("check-nodes");
  database = await openTestDatabase(join(folder, "holdfast.db"));
});
afterEach(async () => {
  await database.close();
  removeTemp(folder);
});

const config = loadConfig({ formats, flags: {}, env: {} });

test("each is named: who lives, who is silent, and who has another configuration, with its keys", async () => {
  const world = testNodes(askThrough(database));
  const [same, other, silent] = [world.node(), world.node(), world.node()];
  const digests = sharedDigests(config, formats);
  same.say({ config: digests, url: "http://one.test:4653" });
  other.say({ config: { ...digests, repositories: "another", access: "another" } });
  await world.pass(1, [same, other, silent]);
  const slow: Pick<Database, "read"> = {
    read: (async (...asked: Parameters<Database["read"]>) => {
      const rows = await database.read(...asked);
      await world.pass(1, [same, other]); // between the first look and the next
      return rows;
    }) as unknown as Database["read"],
  };
  const found = await examineNodes(slow, config, 0);
  const at = (id: string | null) => `${id} (${hostname()}, process ${process.pid}), ${version}`;
  const told = new Map(found.map(({ state, text }) => [text, state]));
  expect(told).toEqual(
    new Map([
      [`${at(same.id())}, at http://one.test:4653 lives`, "good"],
      [
        `${at(other.id())} has another configuration than this one: repositories, access`,
        "warning",
      ],
      [`${at(silent.id())} gives no sign of life`, "warning"],
    ]),
  );
});

test("a server that has its catalog to itself has no others", async () => {
  expect(await checkNodes(config)).toEqual([]);
  expect(await examineNodes(database, config, 0)).toMatchObject([{ state: "skipped" }]);
});
