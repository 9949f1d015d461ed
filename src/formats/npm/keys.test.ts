import { expect, test } from "bun:test";
import { registryKeys, serveKeys } from "./keys.ts";
import { createMemory } from "./memory.ts";
import { bodyOf, FakeRepository, problemOf } from "./testdata/repository.ts";

const ONE = { keyid: "SHA256:one", key: "AAAA", expires: null };
const TWO = { keyid: "SHA256:two", key: "BBBB", expires: null };
const HOUR = 3_600_000;

/** Lets what was begun behind an answer end. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test("keys are asked for once and served when the upstream is away", async () => {
  const repository = new FakeRepository();
  const memory = createMemory();
  repository.upstream = () => ({ status: 200, body: { keys: [ONE] } });
  const both = await Promise.all([
    registryKeys(repository, memory),
    registryKeys(repository, memory),
  ]);
  expect(both).toEqual([[ONE], [ONE]]);
  expect(repository.asked).toHaveLength(1);

  repository.upstream = null;
  repository.clock += 48 * HOUR;
  expect(bodyOf(await serveKeys(repository, memory))).toEqual({ keys: [ONE] });
  expect(repository.asked).toHaveLength(2);
});

test("after a day they are asked for again, behind the answer", async () => {
  const repository = new FakeRepository();
  const memory = createMemory();
  repository.upstream = () => ({ status: 200, body: { keys: [ONE] } });
  await registryKeys(repository, memory);
  repository.upstream = () => ({ status: 200, body: { keys: [ONE, TWO] } });
  repository.clock += 23 * HOUR;
  expect(await registryKeys(repository, memory)).toEqual([ONE]);
  expect(repository.asked).toHaveLength(1);
  repository.clock += 2 * HOUR;
  expect(await registryKeys(repository, memory)).toEqual([ONE]);
  await settle();
  expect(await registryKeys(repository, memory)).toEqual([ONE, TWO]);
  expect(repository.asked).toHaveLength(2);
});

for (const status of [400, 404, 405])
  test(`${status} means that there are no keys, for a day`, async () => {
    const repository = new FakeRepository();
    const memory = createMemory();
    repository.upstream = () => ({ status, body: "no" });
    expect(await registryKeys(repository, memory)).toEqual([]);
    expect((await problemOf(serveKeys(repository, memory))).kind).toBe("notFound");
    expect(repository.asked).toHaveLength(1);
  });

test("who never reached the upstream does not say that it has no keys", async () => {
  const repository = new FakeRepository();
  const memory = createMemory();
  repository.upstream = null;
  expect((await problemOf(serveKeys(repository, memory))).kind).toBe("unreachable");
});

test("keys that the upstream stops showing are not forgotten", async () => {
  const repository = new FakeRepository();
  const memory = createMemory();
  repository.upstream = () => ({ status: 200, body: { keys: [ONE] } });
  await registryKeys(repository, memory);
  repository.upstream = () => ({ status: 404 });
  repository.clock += 25 * HOUR;
  await registryKeys(repository, memory);
  await settle();
  expect(await registryKeys(repository, memory)).toEqual([ONE]);
  expect(repository.asked).toHaveLength(2);
});

test("an upstream that is away is not asked again at once", async () => {
  const repository = new FakeRepository();
  const memory = createMemory();
  expect(await registryKeys(repository, memory)).toEqual([]);
  expect(await registryKeys(repository, memory)).toEqual([]);
  expect(repository.asked).toHaveLength(1);
  repository.clock += HOUR;
  expect(await registryKeys(repository, memory)).toEqual([]);
  expect(repository.asked).toHaveLength(2);
});
