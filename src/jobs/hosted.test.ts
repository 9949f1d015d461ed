import { afterEach, expect, test } from "bun:test";
import {
  artifact,
  bytesOf,
  everything,
  index,
  openToy,
  request,
  sha256,
} from "../cache/testkit.ts";
import { createLog } from "../core/log.ts";
import { Problem } from "../core/problem.ts";
import { grantOf } from "../core/testkit.ts";
import type { HostedRoom } from "../hosted/hosting.ts";
import { collectGarbage } from "./gc.ts";
import { type HostingRepository, hostedOperations, tidyTrash } from "./hosted.ts";
import { verify } from "./verify.ts";

let toy: Awaited<ReturnType<typeof openToy>>;
afterEach(() => toy.close());

const bytes = Buffer.from("one");
const digest = sha256(bytes);
async function publish(room: HostedRoom, file = "a.tgz", version = "1", text: Buffer = bytes) {
  const upload = await room.receive(
    "thing",
    (async function* () {
      yield text;
    })(),
    1000,
  );
  const purl = `pkg:toy/thing@${version}`;
  try {
    await room.publish({
      package: "thing",
      version,
      metadata: { version },
      files: [{ file, kind: "any", purl, path: `/thing/${file}`, upload, metadata: { of: file } }],
    });
  } finally {
    await upload.discard();
  }
}

/** Commands on two repositories, as "ann" of the system. */
async function open(hosted = {}) {
  toy = await openToy({ hosted });
  const release = toy.also("release", toy.upstream);
  const format = { name: "toy", spell: (name: string) => name.toLowerCase() };
  const repositories: HostingRepository[] = [
    { ...release, name: "toy", hosting: toy.hosting, format },
    { ...release, name: "release", format },
  ];
  const said: string[] = [];
  const all = hostedOperations(
    () => repositories,
    (by) => grantOf(by, () => true),
  );
  const run = (name: string, values: Record<string, string>) =>
    all[name]!({
      flags: new Set(),
      values: { by: "ann", ...values },
      progress() {},
      say: (line) => said.push(line),
      signal: new AbortController().signal,
    });
  return { release, repositories, said, run };
}
const kindOf = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error) => (error instanceof Problem ? error.kind : error),
  );

test("a release is promoted with the same bytes and what is said of it, in the audit log, and twice is no error", async () => {
  const { release, said, run } = await open();
  await publish(toy.hosting(everything));
  const values = { from: "toy", to: "release", package: "Thing", version: "1" };
  await run("promote", values);
  await run("promote", values);
  expect(said).toEqual([
    "thing@1 of toy is published in release.",
    "thing@1 is in release already, with the same bytes.",
  ]);
  const repository = release.repository.for(everything);
  expect(
    Buffer.from(await bytesOf(await repository.artifact(artifact("a.tgz"), request()))).toString(),
  ).toBe("one");
  expect((await release.hosting(everything).read("thing"))!.releases[0]).toMatchObject({
    metadata: { version: "1" },
    publishedBy: "ann",
    files: [{ sha256: digest, metadata: { of: "a.tgz" } }],
  });
  expect(toy.audited.at(-1)).toMatchObject({
    action: "promote",
    repository: "release",
    digest,
    principal: { name: "ann" },
    detail: { from: "toy" },
  });
  expect(await kindOf(run("promote", { ...values, version: "2" }))).toBe("notFound");
  expect(await kindOf(run("promote", { ...values, to: "toy" }))).toBe("badRequest");
  expect(await kindOf(run("promote", { ...values, to: "none" }))).toBe("notFound");
  await publish(toy.hosting(everything), "b.tgz", "2");
  await publish(release.hosting(everything), "b.tgz", "2", Buffer.from("other"));
  expect(await kindOf(run("promote", { ...values, version: "2" }))).toBe("conflict");
});

test("a release is yanked with a reason and taken back, in the audit log, and one that is not there is told", async () => {
  const { said, run } = await open();
  await publish(toy.hosting(everything));
  const values = { repository: "toy", package: "Thing", version: "1" };
  const yanked = async () => (await toy.hosting(everything).read("thing"))!.releases[0]!.yanked;
  await run("yank", { ...values, reason: "loses data" });
  expect(await yanked()).toBe("loses data");
  expect(toy.audited.at(-1)).toMatchObject({
    action: "yank",
    package: "thing",
    principal: { name: "ann" },
    detail: { version: "1", reason: "loses data" },
  });
  await run("unyank", values);
  expect(await yanked()).toBeNull();
  await run("yank", values);
  expect(await yanked()).toBe("");
  expect(said).toEqual([
    "thing@1 of toy is not to be chosen any more: loses data.",
    "thing@1 of toy may be chosen again.",
    "thing@1 of toy is not to be chosen any more.",
  ]);
  expect(await kindOf(run("yank", { ...values, version: "2" }))).toBe("notFound");
  expect(await kindOf(run("yank", { ...values, package: "other" }))).toBe("notFound");
  expect(await kindOf(run("yank", { repository: "toy", package: "thing" }))).toBe("badRequest");
});

test("what is unpublished lies in the trash until it is restored, or its time is over; its bytes are bound for ever", async () => {
  const { said, run, repositories } = await open({ trashMs: 1000 });
  await publish(toy.hosting(everything));
  await run("unpublish", { repository: "toy", package: "thing", version: "1" });
  await run("trash list", {});
  expect(said[1]).toMatch(
    /toy {2}thing@1 {2}a\.tgz {2}3 B {2}removed by ann {2}kept until \d{4}-\d\d-\d\dT\d\d:\d\d$/,
  );
  await run("trash restore", { repository: "toy", package: "thing" });
  const repository = toy.repository;
  expect((await repository.artifact(artifact("a.tgz"), request())).status).toBe(200);

  await run("unpublish", { repository: "toy", package: "thing", file: "a.tgz" });
  const tidy = tidyTrash(
    () => repositories,
    everything,
    createLog("json", () => {}),
  );
  await tidy.run();
  expect(await toy.blobs.stat(digest)).not.toBeNull();
  await collectGarbage({ ...toy.shared, views: noViews }, { now: Date.now(), graceMs: 0 });
  expect(await toy.blobs.stat(digest)).not.toBeNull();
  toy.clock.shift += 2000;
  await tidy.run();
  expect(await toy.blobs.stat(digest)).toBeNull();
  expect(await kindOf(run("trash restore", { repository: "toy", package: "thing" }))).toBe(
    "notFound",
  );
  expect(await kindOf(publish(toy.hosting(everything), "a.tgz", "1", Buffer.from("other")))).toBe(
    "conflict",
  );
  expect(await toy.database.read`SELECT account, files, bytes FROM hosted_usage`).toEqual([
    { account: "anonymous:", files: 0, bytes: 0 },
  ]);
  await publish(toy.hosting(everything)); // the same bytes may come back
  expect(
    JSON.parse(
      Buffer.from((await repository.read(index, { variant: "all", base: "" })).bytes).toString(),
    ).files,
  ).toEqual(["a.tgz"]);
});

test("the trash can be emptied, and is not kept where the configuration says so", async () => {
  const { run, said } = await open({ trashMs: 0 });
  await publish(toy.hosting(everything));
  await run("unpublish", { repository: "toy", package: "thing" });
  expect(await toy.blobs.stat(digest)).toBeNull();
  await run("trash empty", { repository: "toy" });
  expect(said.at(-1)).toBe("0 file(s) were taken off the disk of toy: 0 B.");
});

const noViews = {
  async *list() {},
  async remove() {},
  file: null!,
  isThere: null!,
  isSound: null!,
};

test("verification finds published bytes that are lost, also in the trash, and says that nobody else has them", async () => {
  const { run } = await open();
  await publish(toy.hosting(everything));
  await publish(toy.hosting(everything), "b.tgz", "2", Buffer.from("two"));
  await run("unpublish", { repository: "toy", package: "thing", version: "1" });
  const store = { ...toy.shared, views: noViews };
  expect(await verify(store, () => {})).toMatchObject({ files: 2, damaged: [] });
  for (const text of ["one", "two"]) await toy.blobs.remove(sha256(Buffer.from(text)));
  const { damaged } = await verify(store, () => {});
  expect(
    damaged.map(({ subject, what, path, isHosted }) => [subject, what, path, isHosted]),
  ).toEqual([
    ["pkg:toy/thing@2 b.tgz", "missing", null, true],
    ["pkg:toy/thing@1 a.tgz (in the trash)", "missing", null, true],
  ]);
});
