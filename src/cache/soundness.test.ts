import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  statSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { fileOf } from "../store/layout.ts";
import { answer, artifact, bytesOf, index, openToy, request, sha256, sri } from "./testkit.ts";

const SMALL = Buffer.alloc(1000, "small ");
const LARGE = Buffer.alloc(300 * 1024, "large ");
let toy: Awaited<ReturnType<typeof openToy>>;

async function begin(options: Parameters<typeof openToy>[0] = {}): Promise<void> {
  toy = await openToy(options);
  toy.upstream.behave = ({ path }) =>
    path === "thing"
      ? answer(200, JSON.stringify({ files: { "small.tgz": sri(SMALL), "large.tgz": sri(LARGE) } }))
      : answer(200, path.endsWith("small.tgz") ? SMALL : LARGE);
  for (const file of ["small.tgz", "large.tgz"]) await get(file);
}
beforeEach(() => begin());
afterEach(() => toy.close());

const get = async (file: string) =>
  sha256(await bytesOf(await toy.repository.artifact(artifact(file), request())));

/** Alters one byte, as a disk would: neither size nor times tell. */
function flip(bytes: Buffer, isHidden = true): string {
  const path = toy.blobPath(sha256(bytes));
  const { atime, mtime } = statSync(path);
  chmodSync(path, 0o600);
  const file = openSync(path, "r+");
  writeSync(file, "X", 500);
  closeSync(file);
  if (isHidden) utimesSync(path, atime, mtime);
  else utimesSync(path, new Date(1000), new Date(1000));
  const altered = Buffer.from(bytes);
  altered.write("X", 500);
  return sha256(altered);
}

const isEvidence = (digest: string) => existsSync(fileOf(toy.layout.evidence, digest));

for (const [file, bytes] of [
  ["small.tgz", SMALL],
  ["large.tgz", LARGE],
] as const) {
  test(`${file} whose byte flipped on disk is not sent after a start: it is evidence, told, and fetched again`, async () => {
    const found = flip(bytes);
    await toy.restart();
    expect(await get(file)).toBe(sha256(bytes));
    expect(toy.upstream.asked.filter((path) => path.endsWith(file))).toHaveLength(2);
    expect(isEvidence(found)).toBe(true);
    expect(await toy.events()).toMatchObject([
      { kind: "damaged", package: "thing", file, detail: { sha256: sha256(bytes), found } },
    ]);
  });

  test(`${file} is not sent either while the upstream is away, and no other bytes are taken for it`, async () => {
    flip(bytes);
    await toy.restart();
    toy.upstream.away = "offline";
    await expect(get(file)).rejects.toMatchObject({ kind: "offline" });
    toy.upstream.away = null;
    const honest = toy.upstream.behave;
    toy.upstream.behave = ({ path, ...rest }) =>
      path === "thing" ? honest({ path, ...rest }) : answer(200, Buffer.from("other"));
    await expect(get(file)).rejects.toMatchObject({ kind: "tampered" });
  });
}

test("a file that is written to while it is in service is hashed again", async () => {
  expect(await get("large.tgz")).toBe(sha256(LARGE));
  flip(LARGE, false);
  toy.clock.shift += 2_000;
  expect(await get("large.tgz")).toBe(sha256(LARGE));
  expect(await toy.eventKinds()).toEqual(["damaged"]);
});

test("a file that only has new times stays in service", async () => {
  const path = toy.blobPath(sha256(LARGE));
  utimesSync(path, new Date(1000), new Date(1000));
  toy.clock.shift += 2_000;
  expect(await get("large.tgz")).toBe(sha256(LARGE));
  expect(await toy.eventKinds()).toEqual([]);
  expect(toy.upstream.asked.filter((path) => path.endsWith("large.tgz"))).toHaveLength(1);
});

test("what takes long to hash is sent at once, hashed behind, and refused from then on", async () => {
  await toy.close();
  await begin({ hashedFirst: 100 * 1024 });
  const found = flip(LARGE);
  await toy.restart();
  expect(await get("large.tgz")).toBe(found); // the price, see the decision
  await toy.soundness.settled();
  expect(isEvidence(found)).toBe(true);
  expect(await get("large.tgz")).toBe(sha256(LARGE));
  expect(await toy.eventKinds()).toEqual(["damaged"]);
});

test("a document whose bytes prove false is fetched again whole", async () => {
  const [{ blob }] = await toy.database.read`SELECT blob FROM documents`;
  const path = toy.blobPath(blob);
  chmodSync(path, 0o600);
  const file = openSync(path, "r+");
  writeSync(file, "X", 20);
  closeSync(file);
  expect(await toy.soundness.check(blob)).toBe(false);
  expect(await toy.events()).toMatchObject([{ kind: "damaged", package: "thing" }]);
  await toy.restart();
  await toy.repository.view(index, { variant: "all", base: "" }, {});
  expect(await toy.soundness.check(blob)).toBe(true);
});

test("each name of the bytes is told of, and a blob that is not there is no news", async () => {
  const twin = { "twin.tgz": sri(LARGE), "large.tgz": sri(LARGE) };
  const honest = toy.upstream.behave;
  toy.upstream.behave = (asked) =>
    asked.path === "thing" ? answer(200, JSON.stringify({ files: twin })) : honest(asked);
  toy.clock.shift += 61_000;
  await get("twin.tgz");
  flip(LARGE);
  expect(await toy.soundness.check(sha256(LARGE))).toBe(false);
  const told = (await toy.events()).filter(({ kind }) => kind === "damaged");
  expect(told.map(({ file }) => file).sort()).toEqual(["large.tgz", "twin.tgz"]);
  expect(await toy.soundness.check(sha256(LARGE))).toBe(false);
  expect((await toy.events()).filter(({ kind }) => kind === "damaged")).toHaveLength(2);
});
