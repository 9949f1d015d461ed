// What is sent before it is known what it is of: kept for its sender, over a restart, until it is published or its time is over.
import { afterEach, expect, test } from "bun:test";
import { waitingBlobs } from "../cache/named.ts";
import { openToy, sha256 } from "../cache/testkit.ts";
import { Problem } from "../core/problem.ts";
import { grantOf } from "../core/testkit.ts";
import { collectGarbage } from "../jobs/gc.ts";
import { openViewFiles } from "../store/view-files.ts";

type Toy = Awaited<ReturnType<typeof openToy>>;
let toy: Toy;
afterEach(() => toy.close());

const ann = grantOf("ann", () => true);
const bob = grantOf("bob", () => true);

async function* pieces(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

async function setAside(name: string, text: string, grant = ann): Promise<void> {
  const hosting = toy.hosting(grant);
  const upload = await hosting.receive(null, pieces(text), 100_000, ["md5"]);
  try {
    await hosting.setAside(name, upload);
  } finally {
    await upload.discard();
  }
}

async function waiting(grant = ann): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const [name, upload] of await toy.hosting(grant).aside()) {
    const file = await upload.open();
    texts[name] = Buffer.from(await file.read(0, file.size)).toString();
    await file.close();
  }
  return texts;
}

async function blobs(): Promise<string[]> {
  const found: string[] = [];
  for await (const digest of toy.blobs.list()) found.push(digest);
  return found;
}

test("what was set aside is its sender's alone, outlives the server and collectors of garbage, and goes with its row", async () => {
  toy = await openToy();
  await setAside("a.tgz", "one");
  await setAside("a.tgz", "other", bob);
  await toy.restart();
  const views = openViewFiles(toy.layout.views);
  const { database, naming } = toy;
  const later = { now: Date.now() + 1e9, graceMs: 0 };
  await collectGarbage({ database, naming, blobs: toy.blobs, views }, later);
  // A backup knows of them as well.
  const digests = ["one", "other"].map((text) => sha256(Buffer.from(text))).sort();
  expect((await waitingBlobs(database.read)).sort()).toEqual(digests);
  expect(await waiting()).toEqual({ "a.tgz": "one" });
  expect(await waiting(bob)).toEqual({ "a.tgz": "other" });
  const upload = (await toy.hosting(ann).aside()).get("a.tgz")!;
  expect(upload).toMatchObject({ sha256: sha256(Buffer.from("one")), size: 3 });
  expect(upload.digests).toEqual({ md5: "+XxdKZQb+xsv2rCHSQargg==" });
  await upload.discard();
  expect(await waiting()).toEqual({});
  expect(await blobs()).toEqual([sha256(Buffer.from("other"))]);
});

test("what comes again under its name takes its place, and bytes that nobody has any more are gone", async () => {
  toy = await openToy();
  await setAside("a.tgz", "one");
  const first = (await toy.hosting(ann).aside()).get("a.tgz")!;
  await setAside("a.tgz", "two");
  // Too late: what it was of is not what stands there now.
  await first.discard();
  expect(await waiting()).toEqual({ "a.tgz": "two" });
  await setAside("a.tgz", "two");
  await setAside("b.tgz", "two", bob);
  await (await toy.hosting(ann).aside()).get("a.tgz")!.discard();
  expect(await waiting(bob)).toEqual({ "b.tgz": "two" });
  expect(await blobs()).toEqual([sha256(Buffer.from("two"))]);
});

test("what was set aside is published as what just came, and stays when it is let go of", async () => {
  toy = await openToy();
  await setAside("a.tgz", "one");
  await toy.restart();
  const hosting = toy.hosting(ann);
  const upload = (await hosting.aside()).get("a.tgz")!;
  const file = { file: "a.tgz", kind: "any", purl: "pkg:toy/thing@1", path: "/thing/a.tgz" };
  const files = [{ ...file, upload, metadata: null }];
  const { isNew } = await hosting.publish({
    package: "thing",
    version: "1",
    metadata: null,
    files,
  });
  expect(isNew).toBe(true);
  await upload.discard();
  expect(await waiting()).toEqual({});
  expect(await blobs()).toEqual([upload.sha256]);
});

test("a time comes at which nobody waits any more", async () => {
  toy = await openToy();
  await setAside("a.tgz", "one");
  toy.clock.shift += 10_000;
  await setAside("b.tgz", "two", bob);
  expect(await toy.hosting(ann).expireAside(Date.now() + toy.clock.shift - 5000)).toBe(1);
  expect([await waiting(), await waiting(bob)]).toEqual([{}, { "b.tgz": "two" }]);
  expect(await blobs()).toEqual([sha256(Buffer.from("two"))]);
});

test("what waits counts in quotas, after a restart as well", async () => {
  toy = await openToy({ hosted: { quota: 10, quotaPerUser: 6 } });
  await setAside("a.tgz", "12345");
  const error = await setAside("b.tgz", "123").catch((error) => error);
  expect(error).toBeInstanceOf(Problem);
  expect(error.message).toContain("What you published in");
  await setAside("b.tgz", "12345", bob);
  await toy.restart();
  const full = await setAside("c.tgz", "1", bob).catch((error) => error);
  expect(full.message).toContain("The repository toy may take 10 B");
  await toy.hosting(ann).expireAside(Number.MAX_SAFE_INTEGER);
  await setAside("b.tgz", "123456");
  expect(await waiting()).toEqual({ "b.tgz": "123456" });
});
