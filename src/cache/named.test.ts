import { afterEach, beforeEach, expect, test } from "bun:test";
import { namesOf } from "./named.ts";
import { answer, artifact, bytesOf, index, openToy, request, sha256, sri } from "./testkit.ts";

let toy: Awaited<ReturnType<typeof openToy>>;
beforeEach(async () => {
  toy = await openToy();
});
afterEach(() => toy.close());

const turns = async (count: number) => {
  for (let at = 0; at < count; at += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** Two files of the same bytes: one is removed while the other one comes. */
async function race(bytes: Buffer, late: number): Promise<void> {
  toy.upstream.behave = ({ path }) =>
    path === "thing"
      ? answer(200, JSON.stringify({ files: { "a.tgz": sri(bytes), "b.tgz": sri(bytes) } }))
      : answer(200, bytes);
  toy.clock.shift += 61_000;
  await bytesOf(await toy.repository.artifact(artifact("a.tgz"), request()));
  const removed = turns(late).then(() =>
    toy.repository.remove([{ package: "thing", file: "a.tgz" }]),
  );
  await bytesOf(await toy.repository.artifact(artifact("b.tgz"), request()));
  await removed;
}

for (const [what, size] of [
  ["small", 100],
  ["large", 200 * 1024],
] as const)
  test(`a ${what} file keeps its bytes while another one of the same bytes is removed`, async () => {
    for (let at = 0; at < 60; at += 1) {
      const bytes = Buffer.alloc(size, `round ${at} of ${what} `);
      await race(bytes, at % 20);
      const names = await toy.database.read`SELECT file FROM artifacts`;
      expect(names).toEqual([{ file: "b.tgz" }]);
      expect([at, await toy.blobs.stat(sha256(bytes))]).toEqual([at, expect.anything()]);
      await toy.database.write((sql) => sql`DELETE FROM artifacts`);
      // Pins are final; a new round has its own names for its own bytes.
      await toy.close();
      toy = await openToy();
    }
  }, 60_000);

const BYTES = Buffer.from("named by nobody yet");
const DIGEST = sha256(BYTES);
const put = () => toy.blobs.put(DIGEST, BYTES, { durable: false });

test("what somebody is about to name is not removed until all have let go", async () => {
  const { naming, blobs } = toy;
  await put();
  const letGo = [await naming.hold(DIGEST), await naming.hold(DIGEST)];
  expect(await naming.remove(DIGEST)).toBe(false);
  letGo[0]!();
  letGo[0]!();
  expect(await naming.remove(DIGEST)).toBe(false);
  expect(await naming.alone(DIGEST, async () => "done")).toBeNull();
  letGo[1]!();
  expect(await blobs.stat(DIGEST)).not.toBeNull();
  expect(await naming.remove(DIGEST)).toBe(true);
  expect(await blobs.stat(DIGEST)).toBeNull();
});

test("who comes while bytes are removed waits for the end, and others wait for nothing", async () => {
  const removal = Promise.withResolvers<void>();
  const order: string[] = [];
  const removed = toy.naming.alone(DIGEST, async () => {
    await removal.promise;
    order.push("removed");
  });
  const held = toy.naming.hold(DIGEST).then((letGo) => {
    order.push("held");
    letGo();
  });
  (await toy.naming.hold(sha256(Buffer.from("others"))))();
  order.push("others");
  removal.resolve();
  await Promise.all([removed, held]);
  expect(order).toEqual(["others", "removed", "held"]);
});

test("a removal that fails lets the next one in", async () => {
  const fail = () => Promise.reject(new Error("EIO"));
  await expect(toy.naming.alone(DIGEST, fail)).rejects.toThrow("EIO");
  (await toy.naming.hold(DIGEST))();
  expect(await toy.naming.remove(DIGEST)).toBe(true);
});

test("documents name their bytes as artifacts do", async () => {
  toy.upstream.behave = () => answer(200, JSON.stringify({ files: {} }));
  await toy.repository.view(index, { variant: "all", base: "" }, {});
  const [{ blob }] = await toy.database.read`SELECT blob FROM documents`;
  expect(await toy.naming.remove(blob)).toBe(false);
  expect(await toy.blobs.stat(blob)).not.toBeNull();
  expect((await namesOf(toy.database.read, blob)).map(({ subject }) => subject)).toEqual([
    "index thing",
  ]);
});
