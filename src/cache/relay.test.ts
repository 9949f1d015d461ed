// What clients of a server have of a file that another one fetches: what came so far, never its end before it is proven, and why where it is not.
import { afterEach, expect, spyOn, test } from "bun:test";
import { waitFor } from "../../test/support/wait.ts";
import { Problem } from "../core/problem.ts";
import { isStream, type Reply } from "../core/reply.ts";
import type { Request } from "../core/request.ts";
import { FOLDER } from "../store/bucket-relay.ts";
import { onBucket, testBucket } from "../store/bucket-testkit.ts";
import { createFill, HOLD } from "../store/fill.ts";
import { createReadAlong, sweepRelay } from "./relay.ts";
import { answer, artifact, bytesOf, request, sha256 } from "./testkit.ts";
import { openTwo, type TwoToys } from "./two-testkit.ts";

const file = Buffer.from(Uint8Array.from({ length: 1_000_000 }, (_, at) => (at * at) >> 7));
const HALF = 600_000;
const URL = "thing/f.tgz";

let two: TwoToys;
afterEach(() => two.close());

/** The upstream sends half of the file, and the rest when it is told. */
async function halting() {
  two = await openTwo(file);
  const next = Promise.withResolvers<"on" | "lie" | "cut">();
  async function* slowly() {
    yield file.subarray(0, HALF);
    const what = await next.promise;
    if (what === "cut") throw new Error("The upstream broke off");
    yield what === "lie" ? Buffer.alloc(file.length - HALF) : file.subarray(HALF);
  }
  two.upstream.behave = async (wanted) =>
    wanted.path === URL && two.asked(URL) === 1
      ? answer(200, slowly(), { "content-length": String(file.length) })
      : two.serve(wanted);
  return next.resolve;
}

const ask = (toy: TwoToys["ours"], changes: Partial<Request> = {}) =>
  toy.repository.artifact(artifact("f.tgz"), request(changes));

/** A client that takes what it is given. */
function reading(reply: Reply) {
  const client = { bytes: 0, parts: [] as Uint8Array[] };
  async function read(): Promise<Buffer> {
    if (!isStream(reply.body)) throw new Error("It has all at once");
    for await (const chunk of reply.body.chunks) {
      client.bytes += chunk.length;
      client.parts.push(chunk);
    }
    return Buffer.concat(client.parts);
  }
  const done = read().catch((error: Error) => error);
  return Object.assign(client, { done });
}

/** Through a bucket the end is held back twice: of what came, and of what was passed on. */
const HELD = onBucket ? 2 * HOLD : HOLD;

/** Theirs fetches; a client of each has all that may leave before the upstream goes on. */
async function bothRead() {
  const fetching = reading(await ask(two.theirs));
  const along = reading(await ask(two.ours));
  await waitFor(
    () => fetching.bytes === HALF - HOLD && along.bytes === HALF - HELD,
    () => `they have ${fetching.bytes} and ${along.bytes} bytes`,
    60_000,
  );
  return [fetching, along] as const;
}

const header = (name: string, value: string) => ({
  header: (of: string) => (of === name ? value : null),
});

const nothingLeft = () =>
  waitFor(
    async () => {
      const rows = await two.database.read`SELECT name FROM leases`;
      if (!onBucket) return rows.length === 0;
      const pieces = await Array.fromAsync(testBucket(two).list(`${FOLDER}/`));
      return rows.length + pieces.length === 0;
    },
    () => "something is left",
    60_000,
  );

test("clients of the server that waits have all that may leave, parts and the size of it, and in the end the whole, for one question", async () => {
  const go = await halting();
  const clients = await bothRead();
  const head = await ask(two.ours, { method: "HEAD" });
  expect([head.status, (head.body as { size: number }).size]).toEqual([200, file.length]);
  const part = await ask(two.ours, header("range", "bytes=10-19"));
  expect([part.status, await bytesOf(part)]).toEqual([206, new Uint8Array(file.subarray(10, 20))]);
  expect((await ask(two.ours, header("range", "bytes=1000000-"))).status).toBe(416);
  const late = reading(await ask(two.ours));
  const end = ask(two.ours, header("range", "bytes=999990-"));
  go("on");
  for (const { done } of [...clients, late])
    expect(Buffer.compare((await done) as Buffer, file)).toBe(0);
  expect((await end).status).toBe(200); // what is stored is sent, and the part cut out of it, by who sends it
  expect(two.asked(URL)).toBe(1);
  expect(await two.ours.blobs.local(sha256(file))).not.toBeNull();
  await nothingLeft();
});

test("nothing is told of a file for which nobody waits elsewhere", async () => {
  const go = await halting();
  const fetching = reading(await ask(two.theirs));
  await waitFor(
    () => fetching.bytes === HALF - HOLD,
    () => `it has ${fetching.bytes} bytes`,
    60_000,
  );
  await Bun.sleep(1_600); // it looks several times
  expect(await two.database.read`SELECT told FROM leases WHERE told IS NOT NULL`).toEqual([]);
  go("on");
  expect(Buffer.compare((await fetching.done) as Buffer, file)).toBe(0);
  await nothingLeft();
});

test("what proves false is cut at both before its end, and both say why, without one more question", async () => {
  const go = await halting();
  const clients = await bothRead();
  const waiting = ask(two.ours, header("range", "bytes=999990-")).catch((error) => error);
  go("lie");
  for (const { done } of clients) expect(await done).toMatchObject({ kind: "tampered" });
  for (const { bytes } of clients) expect(bytes).toBeLessThanOrEqual(file.length - HOLD);
  expect(await waiting).toMatchObject({ kind: "tampered" });
  for (const toy of [two.ours, two.theirs])
    await expect(ask(toy)).rejects.toMatchObject({ kind: "tampered" });
  expect(two.asked(URL)).toBe(1);
  expect([await two.ours.eventKinds(), await two.theirs.eventKinds()]).toEqual([
    ["tampered"],
    ["tampered"], // the same one: they share the catalog
  ]);
  await nothingLeft();
});

/** What came of another server's file goes on with the next one's; what another process wrote ends with that. */
async function goesOn(along: ReturnType<typeof reading>): Promise<void> {
  const end = await along.done;
  if (onBucket) expect(Buffer.compare(end as Buffer, file)).toBe(0);
  else expect(end).toMatchObject({ kind: "unreachable" });
}

test("what breaks off is cut where it was fetched, and who waits elsewhere has it of one more question", async () => {
  const go = await halting();
  const [fetching, along] = await bothRead();
  const waiting = ask(two.ours, header("range", "bytes=999990-"));
  go("cut");
  expect(await fetching.done).toBeInstanceOf(Error);
  expect((await waiting).status).toBe(200);
  await goesOn(along);
  expect(two.asked(URL)).toBe(2);
  expect(Buffer.compare(await bytesOf(await ask(two.ours)), file)).toBe(0);
  await nothingLeft();
});

test("what breaks off twice is cut at both", async () => {
  const go = await halting();
  const clients = await bothRead();
  two.upstream.behave = async ({ path }) => {
    if (path === URL) throw new Problem("unreachable", "It is away");
    return two.serve({ path });
  };
  go("cut");
  for (const { done } of clients) expect(await done).toBeInstanceOf(Error);
  await nothingLeft();
});

test("when the one that fetches dies another one goes on, and who comes has it of that", async () => {
  const go = await halting();
  const [fetching, along] = await bothRead();
  await two.die();
  await goesOn(along);
  expect(Buffer.compare(await bytesOf(await ask(two.ours)), file)).toBe(0);
  expect(two.asked(URL)).toBe(2);
  await two.second.nodes.turn(); // it was only stopped
  go("on");
  expect(Buffer.compare((await fetching.done) as Buffer, file)).toBe(0);
  await nothingLeft();
});

test("a file whose bytes are lost is read along while it is fetched again", async () => {
  const go = await halting();
  const { behave } = two.upstream;
  two.upstream.behave = two.serve;
  await bytesOf(await ask(two.theirs));
  await two.theirs.blobs.remove(sha256(file));
  for (const toy of [two.ours, two.theirs]) {
    await toy.blobs.forget(sha256(file));
    await toy.restart();
  }
  two.upstream.asked.length = 0;
  two.upstream.behave = behave;
  const clients = await bothRead(); // its row is there all the time
  go("on");
  for (const { done } of clients) expect(Buffer.compare((await done) as Buffer, file)).toBe(0);
  expect(two.asked(URL)).toBe(1);
});

test("what is sent now is kept from being swept, and nothing else", async () => {
  two = await openTwo(file);
  const { leases } = two.first;
  await (await leases.take("fill x"))!.tell(
    JSON.stringify({ id: "a1", bytes: 1, isAll: false, size: 2, path: URL }),
  );
  await (await leases.take("fill y"))!.tell(JSON.stringify({ refused: "It is false" }));
  const sent: string[][] = [];
  const relay = {
    ...two.ours.blobs.relay,
    sweep: async (of: () => Promise<ReadonlySet<string>>) => void sent.push([...(await of())]),
  };
  await sweepRelay({ database: two.database, blobs: { ...two.ours.blobs, relay } });
  expect(sent).toEqual([["a1"]]);
});

test("who reads along gives up a file of which all had come, once nobody tells of it and nothing is stored", async () => {
  two = await openTwo(file);
  const { leases } = two.first;
  const holder = await two.second.leases.take("fill x");
  const all = { id: "a1", bytes: 1, isAll: true, size: 2, path: URL };
  await holder!.tell(JSON.stringify(all));
  const heard: unknown[] = [];
  const ended = Promise.withResolvers<unknown>();
  const relay = {
    ...two.ours.blobs.relay,
    async receive(_: string, __: number, hear: () => Promise<unknown>) {
      const listen = async () => {
        for (;;) heard.push(await hear());
      };
      const done = listen().catch(ended.resolve) as Promise<void>;
      return { fill: createFill("nowhere"), done };
    },
  };
  const along = createReadAlong(
    {
      ...{ leases, database: two.database, blobs: { ...two.ours.blobs, relay }, repository: "toy" },
      ...{ awaited() {}, refused() {} },
    },
    artifact("f.tgz"),
    "fill x",
  );
  const following = along.follow(JSON.stringify(all), () => {});
  await waitFor(
    () => heard.length === 1,
    () => "nothing was heard",
  );
  await holder!.release();
  expect(await following).toBe(true); // it is somebody's turn, who never takes it
  const clock = spyOn(performance, "now");
  try {
    const before = performance.now();
    let looks = 0;
    clock.mockImplementation(() => before + 10_000 * looks++);
    expect(await Promise.race([ended.promise, Bun.sleep(5_000)])).toMatchObject({
      kind: "unreachable",
    });
  } finally {
    clock.mockRestore();
  }
});
