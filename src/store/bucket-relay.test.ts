// What passes through a bucket before it is a blob: pieces without the last bytes, which are gone in the end, and nothing false that comes to rest.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "../../test/support/wait.ts";
import { Problem } from "../core/problem.ts";
import type { Bucket } from "./bucket.ts";
import { openBucketBlobs } from "./bucket-blobs.ts";
import { FOLDER } from "./bucket-relay.ts";
import { onBucket, testBucket } from "./bucket-testkit.ts";
import { createFill, type FillControl, follow, HOLD } from "./fill.ts";
import { type Layout, openLayout } from "./layout.ts";
import type { Heard } from "./relay.ts";

const bytes = Buffer.from(Uint8Array.from({ length: 5_000_000 }, (_, at) => (at * at) >> 7));
const sha256 = createHash("sha256").update(bytes).digest("hex");
const LIMIT = 2 ** 30;
/** As the upstream says, so that the last byte is still to come when all is written that the tests write. */
const SIZE = bytes.length + 1;

let root: string;
let bucket: Bucket;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "holdfast-relay-"));
  bucket = testBucket({ root });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** One of several servers that share the bucket. */
function server(name: string, through = bucket) {
  const layout: Layout = openLayout(join(root, name));
  const blobs = openBucketBlobs(layout, through, { limit: LIMIT, isFalse: () => {} });
  return { layout, blobs, relay: blobs.relay };
}

type Server = ReturnType<typeof server>;

/** A download of the first server, with what it tells of it. */
async function sending({ blobs, relay }: Server) {
  const incoming = await blobs.begin();
  const fill = createFill(incoming.path);
  const told = { id: "", bytes: -1, isWanted: true };
  let written = 0;
  const done = relay.send(fill, SIZE, async (id, count) => {
    Object.assign(told, { id, bytes: count });
    return told.isWanted;
  });
  await waitFor(
    () => told.bytes === 0,
    () => "it tells nothing",
    60_000,
  );
  return {
    told,
    fill,
    done,
    async write(to: number) {
      await incoming.write(bytes.subarray(written, to));
      written = to;
      fill.advance(to);
      await waitFor(
        () => told.bytes === Math.max(0, to - HOLD),
        () => `it tells of ${told.bytes} bytes`,
        60_000,
      );
    },
    async store() {
      await incoming.commit(sha256, { durable: false });
      fill.move((await blobs.local(sha256))!);
    },
    abandon: () => incoming.abandon(),
  };
}

/** Another server's, which hears what `heard` says by then. */
async function receiving({ relay }: Server, id: string, heard: () => Heard, limit = LIMIT) {
  let last = "";
  return relay.receive(id, limit, async () => {
    await waitFor(
      () => JSON.stringify(heard()) !== last,
      () => "nothing new is heard",
      60_000,
    );
    last = JSON.stringify(heard());
    return heard();
  });
}

const pieces = () => Array.fromAsync(bucket.list(`${FOLDER}/`));

async function read(fill: FillControl | Awaited<ReturnType<typeof receiving>>["fill"]) {
  return Buffer.concat(await Array.fromAsync(follow(fill)));
}

if (onBucket) define();

function define(): void {
  test("a file is here as far as it was passed on, whole once it is stored, and its pieces are gone", async () => {
    const [ours, theirs] = [server("ours"), server("theirs")];
    const sent = await sending(ours);
    let heard: Heard = { id: sent.told.id, bytes: 0 };
    await sent.write(1_000_000);
    const { fill, done } = await receiving(theirs, sent.told.id, () => heard);
    heard = { id: sent.told.id, bytes: sent.told.bytes };
    await waitFor(
      () => fill.written === 1_000_000 - HOLD,
      () => `it has ${fill.written} bytes`,
      60_000,
    );
    await sent.write(bytes.length);
    const objects = await pieces();
    expect(objects.reduce((sum, { size }) => sum + size, 0)).toBe(bytes.length - HOLD);
    const whole = read(fill);
    await sent.store();
    heard = { sha256 };
    await done;
    expect([fill.state, (await whole).equals(bytes)]).toEqual(["proven", true]);
    expect((await theirs.blobs.stat(sha256))!.isProven).toBe(true);
    sent.fill.prove();
    await sent.done;
    expect(await pieces()).toEqual([]);
    expect(await Array.fromAsync(theirs.blobs.list())).toEqual([sha256]); // pieces are no blobs
  });

  test("pieces that are on their way out are not missed: the rest comes from the blob", async () => {
    const [ours, theirs] = [server("ours"), server("theirs")];
    const sent = await sending(ours);
    await sent.write(bytes.length);
    const [first, ...others] = await pieces();
    for (const { path } of others) await bucket.remove(path);
    await sent.store();
    let heard: Heard = { id: sent.told.id, bytes: sent.told.bytes };
    const { fill, done } = await receiving(theirs, sent.told.id, () => heard);
    await waitFor(
      () => fill.written === first!.size,
      () => `it has ${fill.written} bytes`,
      60_000,
    );
    heard = { sha256 };
    await done;
    expect((await read(fill)).equals(bytes)).toBe(true);
    sent.fill.prove();
    await sent.done;
  });

  test("when somebody else begins anew, what came stays, and the rest comes of that one", async () => {
    const [ours, other, theirs] = [server("ours"), server("other"), server("theirs")];
    const dead = await sending(ours);
    await dead.write(1_000_000);
    let heard: Heard = { id: dead.told.id, bytes: dead.told.bytes };
    const { fill, done } = await receiving(theirs, dead.told.id, () => heard);
    const whole = read(fill);
    await waitFor(
      () => fill.written === 1_000_000 - HOLD,
      () => `it has ${fill.written} bytes`,
      60_000,
    );
    const next = await sending(other);
    await next.write(700_000);
    heard = { id: next.told.id, bytes: next.told.bytes };
    await next.write(3_000_000);
    heard = { id: next.told.id, bytes: next.told.bytes };
    await waitFor(
      () => fill.written === 3_000_000 - HOLD,
      () => `it has ${fill.written} bytes`,
      60_000,
    );
    await next.write(bytes.length);
    await next.store();
    heard = { sha256 };
    await done;
    expect((await whole).equals(bytes)).toBe(true);
    for (const sent of [dead, next]) {
      sent.fill.prove();
      await sent.done;
    }
    await dead.abandon();
  });

  test("a piece that is altered, or larger than it may be, comes to rest nowhere, and its end leaves to nobody", async () => {
    const [ours, theirs] = [server("ours"), server("theirs")];
    const sent = await sending(ours);
    await sent.write(bytes.length);
    const [first] = await pieces();
    const other = Buffer.alloc(first!.size, "other ");
    await bucket.put(first!.path, other, createHash("sha256").update(other).digest("hex"));
    await sent.store();
    let heard: Heard = { id: sent.told.id, bytes: first!.size };
    const { fill, done } = await receiving(theirs, sent.told.id, () => heard);
    const whole = read(fill).catch((error) => error);
    await waitFor(
      () => fill.written === first!.size,
      () => `it has ${fill.written} bytes`,
      60_000,
    );
    heard = { sha256 };
    await expect(done).rejects.toMatchObject({ kind: "unreachable" });
    expect(await whole).toMatchObject({ kind: "unreachable" });
    const { id } = sent.told;
    const small = await receiving(theirs, id, () => ({ id, bytes: 10 }), 1_000_000);
    await expect(small.done).rejects.toMatchObject({ kind: "unreachable" });
    expect(small.fill.written).toBeLessThanOrEqual(1_000_000);
    expect(readdirSync(theirs.layout.incoming)).toEqual([]);
    expect((await theirs.blobs.stat(sha256))!.isProven).toBeUndefined(); // the bucket's own is there, and no copy
    sent.fill.prove();
    await sent.done;
  });

  test("a bucket that is away for a while is no end, and a lease that is lost is one", async () => {
    let isAway = true;
    const away: Bucket = {
      ...bucket,
      put: async (...given) => {
        if (isAway) throw new Problem("busy", "The bucket is away");
        return bucket.put(...given);
      },
    };
    const sent = await sending(server("ours", away));
    const written = sent.write(1_000_000);
    await Bun.sleep(600); // it tries
    expect(await pieces()).toEqual([]);
    isAway = false;
    await written;
    expect(await pieces()).not.toEqual([]);
    sent.told.isWanted = false;
    await sent.write(2_000_000);
    await sent.done;
    expect(await pieces()).toEqual([]);
    await sent.abandon();
  });

  test("what a server left that died is swept, and not what is sent now", async () => {
    const ours = server("ours");
    const left = Buffer.from("left");
    const digest = createHash("sha256").update(left).digest("hex");
    await bucket.put(`${FOLDER}/dead/0`, left, digest);
    await bucket.put(`${FOLDER}/dead/4`, left, digest);
    await bucket.put(`${FOLDER}/alive/0`, left, digest);
    await ours.relay.sweep(async () => new Set(["alive"]));
    expect((await pieces()).map(({ path }) => path)).toEqual([`${FOLDER}/alive/0`]);
  });
}
