import { afterEach, beforeEach, expect, test } from "bun:test";
import { answer, artifact, bytesOf, openToy, request, sha256, sri } from "./testkit.ts";

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
  });
