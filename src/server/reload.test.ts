import { expect, test } from "bun:test";
import { ConfigError } from "../config/errors.ts";
import type { Config } from "../config/resolve.ts";
import { createLog } from "../core/log.ts";
import { createReload } from "./reload.ts";

function world(load: () => Config = () => ({}) as Config) {
  const log: string[] = [];
  const turns: PromiseWithResolvers<string[]>[] = [];
  const reload = createReload({
    load,
    apply() {
      const turn = Promise.withResolvers<string[]>();
      turns.push(turn);
      return turn.promise;
    },
    log: createLog("json", (line) => log.push(JSON.parse(line).msg)),
  });
  return { reload, turns, log };
}

test("one at a time, and all who ask while one waits get what it brings", async () => {
  const { reload, turns, log } = world();
  const first = reload();
  await Promise.resolve();
  const [second, third] = [reload(), reload()];
  expect(turns).toHaveLength(1);
  turns[0]!.resolve(["one"]);
  expect(await first).toEqual({ isTaken: true, lines: ["one"] });
  await Promise.resolve();
  expect(turns).toHaveLength(2);
  turns[1]!.resolve(["two"]);
  expect(await second).toEqual({ isTaken: true, lines: ["two"] });
  expect(await third).toEqual({ isTaken: true, lines: ["two"] });
  expect(log).toEqual(["one", "two"]);
});

test("every mistake of a wrong file is told, and the next turn comes", async () => {
  const mistake = { file: "a.yaml", line: 2, column: 1, path: "listne", message: "unknown key" };
  let isWrong = true;
  const { reload, turns, log } = world(() => {
    if (isWrong) throw new ConfigError([mistake, { ...mistake, line: 3 }]);
    return {} as Config;
  });
  expect(await reload()).toEqual({
    isTaken: false,
    lines: [
      "a.yaml:2:1  listne  unknown key",
      "a.yaml:3:1  listne  unknown key",
      "holdfast: the configuration has 2 mistakes",
    ],
  });
  // A line for each: a field would be cut, and have no lines.
  expect(log).toEqual([
    "The changed configuration is not taken in, the one before stays",
    "a.yaml:2:1  listne  unknown key",
    "a.yaml:3:1  listne  unknown key",
    "holdfast: the configuration has 2 mistakes",
  ]);
  isWrong = false;
  const next = reload();
  await Promise.resolve();
  turns[0]!.resolve([]);
  expect((await next).isTaken).toBe(true);
});
