// Work that the worker did not do, or not to its end, says nothing about the bytes that it was to be done on.
import { afterEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import type { RandomAccess } from "../core/artifact.ts";
import type { AnyFormat } from "../core/format.ts";
import { Problem } from "../core/problem.ts";
import type { Job } from "../worker/job.ts";
import { answer, artifact, index, openToy, request, sha256, toy } from "./testkit.ts";

let open: Awaited<ReturnType<typeof openToy>>;
afterEach(() => open.close());

const unfinished = new Problem("unfinished", "Reading thing did not finish within 60 s");
const busy = new Problem("busy", "Too much waits already");

/** Too large to be read beside requests. `count` files, and `more`. */
function large(count: number, more: Record<string, string> = {}) {
  const files = Object.fromEntries(
    Array.from({ length: count }, (_, at) => [`file-${at}.tgz`, "sha1-AAAA"]),
  );
  return answer(200, JSON.stringify({ files: { ...more, ...files } }));
}

const see = () => open.repository.view(index, { variant: "all", base: "" }, {});
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (reason) => reason,
  );
const fail = (op: Job["op"], problem: Problem) => {
  open.worker.fails = (job) => (job.op === op ? problem : null);
};
const work = () => {
  open.worker.fails = () => null;
};

test("a document whose reading hangs is not read again at once: neither with a copy in service nor without", async () => {
  open = await openToy({ patienceMs: 20_000 });
  open.upstream.behave = () => large(20_000);
  fail("ingest", unfinished);
  expect(await failure(see())).toMatchObject({ kind: "unfinished", status: 424 });
  expect(await failure(see())).toMatchObject({ kind: "unfinished" });
  expect(open.jobs).toEqual(["ingest"]);
  work();
  open.clock.shift += 31_000;
  await see();
  open.clock.shift += 61_000;
  open.upstream.behave = () => large(20_001);
  fail("ingest", unfinished);
  expect((await see()).cache).toMatchObject({ detail: "unfinished" });
  expect((await see()).cache).toMatchObject({ hit: true, detail: "unfinished" });
  expect(open.jobs.filter((op) => op === "ingest")).toHaveLength(3);
  expect(await open.eventKinds()).toEqual([]); // told by the pool, which knows it first
});

test("where too much waits the copy in service is given, and the next one who asks brings the new one", async () => {
  open = await openToy({ patienceMs: 20_000 });
  open.upstream.behave = () => large(20_000);
  fail("ingest", busy);
  expect(await failure(see())).toMatchObject({ kind: "busy", status: 503 });
  work();
  await see();
  open.clock.shift += 61_000;
  open.upstream.behave = () => large(20_001);
  fail("ingest", busy);
  expect((await see()).cache).toMatchObject({ detail: "busy" });
  work();
  expect((await see()).cache).toMatchObject({ fwd: "stale", stored: true });
});

test("what only the last document said is not given up because too much waits", async () => {
  open = await openToy({ patienceMs: 20_000 });
  open.upstream.behave = () => large(20_000, { a: "sha1-BBBB" });
  await see();
  open.clock.shift += 61_000;
  open.upstream.behave = () => large(20_000);
  fail("extract", busy);
  expect((await see()).cache).toMatchObject({ detail: "busy" });
  work();
  await see();
  const { bytes } = await open.repository.read(index, { variant: "all", base: "" });
  const { overlay } = JSON.parse(Buffer.from(bytes).toString());
  expect(overlay).toEqual([["a", "gone", "sha1-BBBB"]]);
});

test("a view that cannot be made now costs no second fetch of its document", async () => {
  open = await openToy({ patienceMs: 20_000 });
  open.upstream.behave = () => large(20_000);
  fail("render", busy);
  expect((await failure(see())).kind).toBe("busy");
  expect((await failure(see())).kind).toBe("busy");
  expect(open.upstream.asked).toHaveLength(1);
});

/** Holds its size alone; archives above 256 KiB are looked into by the worker. */
const format: AnyFormat = {
  ...toy,
  async contentDigest(file: RandomAccess) {
    return createHash("sha256").update(String(file.size)).digest("hex");
  },
};

test("bytes that could not be looked into raise no alarm, and are not pinned as if they were no archive", async () => {
  open = await openToy({ format, patienceMs: 20_000 });
  const first = Buffer.alloc(400_000, "a");
  let bytes = first;
  open.upstream.behave = () => answer(200, bytes);
  const get = () => open.repository.artifact(artifact("a", { namedBy: [] }), request());
  for (const problem of [busy, unfinished]) {
    fail("content", problem);
    expect((await failure(open.repository.fetch(artifact("a", { namedBy: [] })))).kind).toBe(
      problem.kind,
    );
    expect(await open.repository.pinned("thing", "a")).toBeNull();
  }
  work();
  await open.repository.fetch(artifact("a", { namedBy: [] }));
  rmSync((await open.blobs.local(sha256(first)))!);
  await open.restart();
  bytes = Buffer.alloc(400_000, "b");
  fail("content", busy);
  expect((await failure(open.repository.fetch(artifact("a", { namedBy: [] })))).kind).toBe("busy");
  expect(await open.eventKinds()).toEqual([]);
  work();
  expect((await failure(get()))?.kind ?? "cut").toMatch(/tampered|cut/);
  await failure(open.repository.fetch(artifact("a", { namedBy: [] })));
  expect(new Set(await open.eventKinds())).toEqual(new Set(["repacked"]));
});
