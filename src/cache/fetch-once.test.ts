// Several servers that want the same at the same time: the upstream is asked by one of them, and by another when that one fails or dies.
import { afterEach, expect, test } from "bun:test";
import { waitFor } from "../../test/support/wait.ts";
import { answer, artifact, bytesOf, index, request, sha256 } from "./testkit.ts";
import { openTwo, type TwoToys } from "./two-testkit.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const file = Buffer.alloc(200_000, "a file that many want ");

async function two(options: Parameters<typeof openTwo>[1] = {}): Promise<TwoToys> {
  const opened = await openTwo(file, options);
  closing.push(opened.close);
  return opened;
}

type Toy = TwoToys["ours"];
const get = async (toy: Toy) =>
  bytesOf(await toy.repository.artifact(artifact("f.tgz"), request()));

test("who waited for what another server fetched is sent to where it is kept", async () => {
  const { ours, theirs, upstream, serve } = await two({
    afar: { from: 100_000, link: async (sha256) => `https://bucket.example.test/${sha256}` },
  });
  const whole = Promise.withResolvers<void>();
  upstream.behave = async (asked) => {
    if (asked.path !== "thing") await whole.promise;
    return serve(asked);
  };
  const fetching = get(ours);
  await waitFor(
    () => upstream.asked.length === 2,
    () => `asked: ${upstream.asked}`,
  );
  const waiting = theirs.repository.artifact(artifact("f.tgz"), request());
  whole.resolve();
  expect(await fetching).toEqual(new Uint8Array(file));
  const { status, headers } = await waiting;
  expect([status, headers["location"]]).toEqual([
    302,
    `https://bucket.example.test/${sha256(file)}`,
  ]);
});

test("many clients of two servers that want one file cost one question, and all get its bytes", async () => {
  const { ours, theirs, asked } = await two();
  const all = await Promise.all(Array.from({ length: 20 }, (_, at) => get(at % 2 ? ours : theirs)));
  for (const bytes of all) expect(Buffer.compare(bytes, file)).toBe(0);
  expect([asked("thing/f.tgz"), asked("thing")]).toEqual([1, 1]);
  await waitFor(
    async () => (await ours.database.read`SELECT name FROM leases`).length === 0,
    () => "Something is not let go of",
    60_000,
  );
});

test("when the one that asks fails, who waited asks once more", async () => {
  const { ours, theirs, upstream, serve, asked } = await two();
  const [reached, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  upstream.behave = async (wanted) => {
    if (wanted.path !== "thing/f.tgz" || asked(wanted.path) > 1) return serve(wanted);
    reached.resolve();
    await go.promise;
    return answer(500);
  };
  const failing = get(theirs);
  await reached.promise;
  const waiting = get(ours);
  await waitFor(
    () => asked("thing") === 1,
    () => "The document was not asked for",
    60_000,
  );
  expect(asked("thing/f.tgz")).toBe(1);
  go.resolve();
  await expect(failing).rejects.toBeInstanceOf(Error);
  expect(Buffer.compare(await waiting, file)).toBe(0);
  expect(asked("thing/f.tgz")).toBe(2);
});

test("when the one that asks dies, who waited goes on", async () => {
  const { ours, theirs, upstream, serve, asked, second, die } = await two();
  const [reached, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  upstream.behave = async (wanted) => {
    if (wanted.path !== "thing/f.tgz" || asked(wanted.path) > 1) return serve(wanted);
    reached.resolve();
    await go.promise;
    return serve(wanted);
  };
  const stopped = get(theirs);
  await reached.promise;
  const waiting = get(ours);
  await die();
  expect(Buffer.compare(await waiting, file)).toBe(0);
  await second.nodes.turn(); // it was only stopped, and stores what is there already
  go.resolve();
  expect(Buffer.compare(await stopped, file)).toBe(0);
  expect(asked("thing/f.tgz")).toBe(2);
});

test("a server that cannot ask who does it does it itself", async () => {
  const { ours, world, first, asked, upstream, serve } = await two();
  world.cut(first.nodes, true);
  world.sleep(10_000);
  upstream.behave = async (wanted) => {
    world.cut(first.nodes, false); // in time for what is to be stored
    await first.nodes.turn();
    return serve(wanted);
  };
  expect(Buffer.compare(await get(ours), file)).toBe(0);
  expect(asked("thing/f.tgz")).toBe(1);
});

test("a document is asked for once for both, when it is new and when it is stale", async () => {
  const { ours, theirs, upstream, asked } = await two();
  const read = (toy: Toy) => toy.repository.view(index, { variant: "all", base: "" }, {});
  await Promise.all([read(ours), read(theirs), read(ours)]);
  expect(asked("thing")).toBe(1);
  upstream.behave = () => answer(304);
  for (const toy of [ours, theirs]) toy.clock.shift = 61_000;
  await Promise.all([read(ours), read(theirs), read(theirs)]);
  expect(asked("thing")).toBe(2);
});
