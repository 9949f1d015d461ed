import { afterEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { waitFor } from "../../test/support/wait.ts";
import type { Overlay, RandomAccess } from "../core/format.ts";
import { answer, artifact, bytesOf, index, openToy, request, sri, toy } from "./testkit.ts";
import type { AnyFormat } from "./transform.ts";

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
      model: async ({ overlay }: { overlay: Overlay }) => overlay,
    },
  },
};

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
  await open.repository.model(index, "now");
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
    rmSync(open.blobs.path(createHash("sha256").update(first).digest("hex")));
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
  const before = await open.repository.model<Overlay>(index);
  expect(before.model).toEqual({});
  await open.repository.artifact(artifact("a"), request());
  const after = await open.repository.model<Overlay>(index);
  expect(after.model["a"]).toMatchObject({ state: "fetched", integrity: sri(first, "sha1") });
  expect(Math.floor(after.changedAt / 1000)).toBeGreaterThan(Math.floor(before.changedAt / 1000));
  expect((await open.repository.known("thing", "a"))?.digests).toBe(sri(first, "sha1"));

  open.upstream.behave = () => answer(200, JSON.stringify({ files: { a: null, b: null } }));
  open.clock.shift += 120_000;
  const newer = await open.repository.model<Overlay>(index, "now");
  expect(newer.model["a"]).toMatchObject({ state: "fetched" });
});
