import { afterEach, expect, test } from "bun:test";
import { openToy } from "./testkit.ts";

let open: Awaited<ReturnType<typeof openToy>>;
afterEach(() => open.close());

const bytes = (text: string) => Buffer.from(text);

test("a value that only moves forward is kept by who saw the one before it", async () => {
  open = await openToy();
  const { repository } = open;
  const kept = async () => Buffer.from((await repository.kept("head"))!.bytes).toString();
  expect(await repository.swap("head", bytes("1"), bytes("0"))).toBe(false);
  expect(await repository.kept("head")).toBeNull();
  expect(await repository.swap("head", bytes("1"), null)).toBe(true);
  expect(await repository.swap("head", bytes("2"), null)).toBe(false);
  const turns = ["2", "3", "4"].map((text) => repository.swap("head", bytes(text), bytes("1")));
  expect((await Promise.all(turns)).filter(Boolean)).toHaveLength(1);
  expect(await kept()).toBe("2");
  await repository.keep("head", bytes("")); // as when it is forgotten
  expect(await repository.swap("head", bytes("5"), null)).toBe(true);
  expect(await kept()).toBe("5");
});
