import { afterEach, expect, test } from "bun:test";
import { Problem } from "../../core/problem.ts";
import { answer, artifact, bytesOf, index, openToy, request, sha256, sri } from "../testkit.ts";

// L30: a file is there for clients from the moment that its row is committed, and not before.

const files = {
  "small.tgz": Buffer.from("small"),
  "large.tgz": Buffer.alloc(500 * 1024, "large "),
};
let toy: Awaited<ReturnType<typeof openToy>>;
afterEach(() => toy.close());

async function open(): Promise<void> {
  toy = await openToy();
  toy.upstream.behave = ({ path }) => {
    const named = Object.entries(files).map(([file, bytes]) => [file, sri(bytes)]);
    if (path === "thing") return answer(200, JSON.stringify({ files: Object.fromEntries(named) }));
    return answer(200, files[path.slice("thing/".length) as keyof typeof files]);
  };
}

const get = (file: string) => toy.repository.artifact(artifact(file), request());
const run = (text: string) => toy.database.write(async (sql) => void (await sql.unsafe(text)));

for (const [file, bytes] of Object.entries(files)) {
  test(`a blob without a row is not served: ${file}`, async () => {
    await open();
    await toy.blobs.put(sha256(bytes), bytes, { durable: false });
    toy.upstream.away = "offline";
    const error = await get(file)
      .then(bytesOf)
      .catch((reason) => reason);
    expect(error).toBeInstanceOf(Problem);
    expect(error.kind).toBe("offline");
  });

  test(`bytes whose row is not committed are whole for nobody: ${file}`, async () => {
    await open();
    await run(
      "CREATE TRIGGER no_rows BEFORE INSERT ON artifacts BEGIN SELECT raise(ABORT, 'no row'); END",
    );
    let received = 0;
    const failed = async () => {
      const reply = await get(file);
      if (reply.body === null || typeof reply.body !== "object" || !("chunks" in reply.body))
        throw new Error("answered whole");
      for await (const chunk of reply.body.chunks) received += chunk.length;
    };
    await expect(failed()).rejects.toThrow("no row");
    expect(received).toBeLessThanOrEqual(Math.max(0, bytes.length - 64 * 1024));
    expect(await toy.blobs.stat(sha256(bytes))).not.toBeNull();
    expect((await toy.repository.known("thing", file))?.sha256 ?? null).toBeNull();

    await run("DROP TRIGGER no_rows");
    expect(sha256(await bytesOf(await get(file)))).toBe(sha256(bytes));
    expect((await toy.repository.known("thing", file))?.sha256).toBe(sha256(bytes));
  });
}

test("the held tail waits for the commit, not only for the proof", async () => {
  await open();
  const file = "large.tgz";
  const bytes = files[file];
  const commit = Promise.withResolvers<void>();
  let received = 0;
  await toy.repository.view(index, { variant: "all", base: "" }, {});
  const before = toy.database.write(() => commit.promise); // keeps the next commit waiting
  const reply = await get(file);
  const reading = (async () => {
    for await (const chunk of (reply.body as { chunks: AsyncIterable<Uint8Array> }).chunks)
      received += chunk.length;
  })();
  // The file has its name, so it is proven; whoever would let go of the rest now has time to.
  while (!(await toy.blobs.stat(sha256(bytes)))) await new Promise(setImmediate);
  for (let round = 0; round < 50; round += 1) await toy.blobs.stat(sha256(bytes));
  expect(received).toBeLessThanOrEqual(bytes.length - 64 * 1024);
  commit.resolve();
  await Promise.all([before, reading]);
  expect(received).toBe(bytes.length);
});
