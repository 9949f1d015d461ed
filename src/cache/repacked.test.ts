import { afterEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { waitFor } from "../../test/support/wait.ts";
import type { RandomAccess } from "../core/artifact.ts";
import type { Overlay, StoredDocument } from "../core/document.ts";
import type { AnyFormat } from "../core/format.ts";
import { answer, artifact, bytesOf, index, openToy, request, sri, toy } from "./testkit.ts";

let open: Awaited<ReturnType<typeof openToy>>;
afterEach(() => open.close());

/** An "archive" of this toy is text: its words are what it holds, the spaces between them are how it is packed. */
const format: AnyFormat = {
  ...toy,
  alsoPinned: ["sha1"],
  async contentDigest(file: RandomAccess) {
    const text = Buffer.from(await file.read(0, file.size)).toString();
    return createHash("sha256").update(text.split(/\s+/).join(" ")).digest("hex");
  },
  documents: {
    index: {
      ...toy.documents["index"]!,
      model: async () => null,
      async *render(document: StoredDocument) {
        yield JSON.stringify(document.overlay);
      },
    },
  },
};

/** What is known of the document beyond its bytes, and when that last changed. */
async function overlay(which?: "fresh" | "stored" | "now") {
  const known = await open.repository.model(index, which);
  const { bytes } = await open.repository.read(index, { variant: "overlay", base: "" });
  return { ...known, model: JSON.parse(Buffer.from(bytes).toString()) as Overlay };
}

const first = Buffer.from("a tree of files");
const repacked = Buffer.from("a  tree  of  files");
const altered = Buffer.from("a tree of lies");
let bytes = first;
let said: string | null = null;

function behave(): void {
  open.upstream.behave = ({ path }) => {
    if (path !== index.path) return answer(200, bytes);
    return answer(200, JSON.stringify({ files: { a: { integrity: said, location: "thing/a" } } }));
  };
}

async function fetchFirst(): Promise<void> {
  bytes = first;
  said = sri(first, "sha1");
  open = await openToy({ format });
  behave();
  await open.repository.artifact(artifact("a"), request());
}

/** The document is read again, and what follows from it is awaited. */
async function refresh(kind: string): Promise<void> {
  open.clock.shift += 120_000;
  await overlay("now");
  await waitFor(
    async () => (await open.events()).length > 0,
    () => `no ${kind} event`,
  );
  expect((await open.events()).map((event) => event.kind as string)).toEqual([kind]);
}

const served = async () =>
  Buffer.from(await bytesOf(await open.repository.artifact(artifact("a"), request()))).toString();

test("the same packed anew raises no alarm, and clients keep the first bytes", async () => {
  await fetchFirst();
  bytes = repacked;
  said = sri(repacked, "sha1");
  await refresh("repacked");
  expect(await served()).toBe(first.toString());
});

test("other content under a fixed name is an alarm, and clients keep the first bytes", async () => {
  await fetchFirst();
  bytes = altered;
  said = sri(altered, "sha1");
  await refresh("tampered");
  expect(await served()).toBe(first.toString());
});

test("first bytes that were lost are not replaced by others, which are told for what they are", async () => {
  for (const [now, kind] of [
    [repacked, "repacked"],
    [altered, "tampered"],
  ] as const) {
    await fetchFirst();
    said = null; // no integrity to hold them against but the pin
    rmSync(open.blobPath(createHash("sha256").update(first).digest("hex")));
    await open.restart();
    bytes = now;
    behave();
    const error = await open.repository.artifact(artifact("a"), request()).then(
      () => null,
      (reason) => reason,
    );
    expect(error?.kind).toBe("tampered");
    expect((await open.events()).map((event) => event.kind as string)).toEqual([kind]);
    if (kind === "repacked") await open.close();
  }
});

test("digests of fetched bytes reach the documents that name them, at a later date, and outlive the next copy", async () => {
  bytes = first;
  said = null;
  open = await openToy({ format });
  behave();
  const before = await overlay();
  expect(before.model).toEqual({});
  await open.repository.artifact(artifact("a"), request());
  const after = await overlay();
  expect(after.model["a"]).toMatchObject({ state: "fetched", integrity: sri(first, "sha1") });
  expect(Math.floor(after.changedAt / 1000)).toBeGreaterThan(Math.floor(before.changedAt / 1000));
  expect((await open.repository.known("thing", "a"))?.digests).toBe(sri(first, "sha1"));

  open.upstream.behave = () => answer(200, JSON.stringify({ files: { a: null, b: null } }));
  open.clock.shift += 120_000;
  const newer = await overlay("now");
  expect(newer.model["a"]).toMatchObject({ state: "fetched" });
});

/** The document is asked for again, and its answer waits for `answered`, while files are fetched. */
async function whileAsked(reply: () => ReturnType<typeof answer>) {
  bytes = first;
  said = null;
  open = await openToy({ format });
  const files = JSON.stringify({ files: { a: null, b: null, c: null } });
  const isAsked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  open.upstream.behave = ({ path }) => answer(200, path === index.path ? files : bytes);
  await overlay();
  open.clock.shift += 120_000;
  open.upstream.behave = async ({ path }) => {
    if (path !== index.path) return answer(200, bytes);
    isAsked.resolve();
    await answered.promise;
    return reply();
  };
  const newer = overlay("now");
  await isAsked.promise;
  for (const file of ["a", "b", "c"]) await open.repository.artifact(artifact(file), request());
  const learned = await overlay("stored");
  answered.resolve();
  return { learned, newer: await newer };
}

test("what was learned while the upstream confirmed a document stays known", async () => {
  const { newer } = await whileAsked(() => answer(304));
  expect(Object.keys(newer.model)).toEqual(["a", "b", "c"]);
  expect(Object.keys((await overlay()).model)).toHaveLength(3);
});

test("a new copy is dated later than what was learned while it came, and knows it", async () => {
  for (const reply of [
    () => answer(200, JSON.stringify({ files: { a: null, b: null, c: null, d: null } })),
    () => answer(404),
  ]) {
    const { learned, newer } = await whileAsked(reply);
    expect(Object.keys(newer.model)).toEqual(["a", "b", "c"]);
    expect(Math.floor(newer.changedAt / 1000)).toBeGreaterThan(
      Math.floor(learned.changedAt / 1000),
    );
    await open.restart();
    const again = await overlay("stored");
    expect(again).toMatchObject({ digest: newer.digest, changedAt: newer.changedAt });
    if (reply().status === 200) await open.close();
  }
});

test("what is learned at the moment in which a new copy is stored is not lost, nor is the copy", async () => {
  bytes = first;
  said = null;
  open = await openToy({ format });
  let files = { a: null } as Record<string, null>;
  open.upstream.behave = ({ path }) =>
    answer(200, path === index.path ? JSON.stringify({ files }) : bytes);
  await overlay();
  open.clock.shift += 120_000;
  files = { a: null, b: null };
  // The row is written after the state was put together: the digests come in between.
  const { write } = open.database;
  let fetched: Promise<unknown> | null = null;
  open.database.write = (work) => {
    const text = String(work);
    if (fetched || !text.includes("swapDocument")) return write(work);
    fetched = Promise.resolve();
    fetched = open.repository.artifact(artifact("a"), request());
    const isPinned = async () => {
      while ((await open.repository.pinned("thing", "a")) === null) await Bun.sleep(1);
    };
    return isPinned().then(() => write(work)) as never;
  };
  await overlay("now");
  await fetched;
  const newer = await overlay("stored");
  expect(Object.keys(newer.model)).toEqual(["a"]);
  expect((await open.repository.files("thing")).map(({ file }) => file).sort()).toEqual(["a", "b"]);
  await open.restart();
  const again = await overlay("stored");
  expect(again.digest).toBe(newer.digest);
});

const manyFiles = (said: string) =>
  JSON.stringify({ files: { a: { integrity: said, location: "thing/a" } } });

test("another integrity of what was never fetched is an alarm at once, whatever the upstream would send", async () => {
  open = await openToy({ format });
  const never = new Promise<never>(() => {});
  let integrity = sri(first, "sha1");
  open.upstream.behave = ({ path }) =>
    path === index.path ? answer(200, manyFiles(integrity)) : never;
  await overlay();
  integrity = sri(altered, "sha1");
  open.clock.shift += 120_000;
  await overlay("now");
  expect(await open.eventKinds()).toEqual(["tampered"]);
  expect(open.upstream.asked).not.toContain("thing/a");
});

test("an integrity that is not that of the bytes at its place is an alarm", async () => {
  await fetchFirst();
  bytes = repacked;
  said = sri(altered, "sha1");
  await refresh("tampered");
});

test("what is far larger than the first bytes is not read to its end to see what it holds", async () => {
  await fetchFirst();
  said = sri(repacked, "sha1");
  let sent = 0;
  async function* endless() {
    for (;;) {
      sent += 100_000;
      yield Buffer.alloc(100_000, "a ");
    }
  }
  open.upstream.behave = ({ path }) =>
    answer(200, path === index.path ? manyFiles(said!) : endless());
  await refresh("tampered");
  expect(sent).toBeLessThan(2_000_000);
});

test("digests of fetched bytes are known again when a file that had gone is named again, or when they never got there", async () => {
  bytes = first;
  said = null;
  open = await openToy({ format });
  behave();
  await overlay();
  await open.repository.artifact(artifact("a"), request());
  for (const files of [{}, { a: null }]) {
    open.upstream.behave = () => answer(200, JSON.stringify({ files }));
    open.clock.shift += 120_000;
    await overlay("now");
  }
  const { model } = await overlay();
  expect(model).toMatchObject({ a: { state: "fetched", integrity: sri(first, "sha1") } });
  await open.database.write((sql) => sql`UPDATE documents SET overlay = '{}'`);
  await open.restart();
  open.upstream.behave = () => answer(200, JSON.stringify({ files: { a: null, b: null } }));
  open.clock.shift += 120_000;
  expect((await overlay()).model).toEqual(model);
});
