import { expect, test } from "bun:test";
import { Problem } from "../../../core/problem.ts";
import { cleanMirror } from "./clean.ts";
import { aptRepository, noWait } from "./fixture.ts";
import { captivePortal, poolFile, publish } from "./publishing.ts";
import { runMirror } from "./run.ts";
import { fakeCall, HOUR } from "./testing.ts";

const AMD64 = "main/binary-amd64";
type Packages = [name: string, version: string, content: string][];
const STAYS: Packages = ["b", "c", "d", "e", "f"].map((name) => [name, "1", name.repeat(500)]);

/** Mirrored twice, so that the first version of "a" is left, and remembered by as many releases as `generations` says. */
async function mirroredTwice(generations = 1) {
  const repository = aptRepository({ generations, mirror: { suites: ["stable"] } });
  publish(repository, { day: 0, packages: { [AMD64]: [["a", "1", "a1"], ...STAYS] } });
  await runMirror(repository, fakeCall(), noWait);
  repository.clock += 2 * HOUR;
  publish(repository, { day: 1, packages: { [AMD64]: [["a", "2", "a2"], ...STAYS] } });
  await runMirror(repository, fakeCall(), noWait);
  repository.clock += 2 * HOUR;
  return repository;
}

type Repository = Awaited<ReturnType<typeof mirroredTwice>>;

/** The last remembered release that names the first version of "a" is forgotten. */
async function forgetFirst(repository: Repository): Promise<void> {
  publish(repository, {
    day: 2,
    packages: { [AMD64]: [["a", "2", "a2"], ["g", "1", "g"], ...STAYS] },
  });
  await runMirror(repository, fakeCall(), noWait);
  repository.clock += 2 * HOUR;
}

const files = (repository: Repository) => repository.rows.map(({ file }) => file);

test("what a remembered release names stays", async () => {
  const repository = await mirroredTwice();
  const before = files(repository);
  const call = fakeCall();
  expect(await cleanMirror(repository, call)).toBe(true);
  expect(files(repository)).toEqual(before);
  expect(before).toContain(poolFile("a", "1"));
  expect(call.lines).toEqual([`Removed 0 files of ${before.length} files: 0 B`]);
});

test("what no remembered release names goes, with its index", async () => {
  const repository = await mirroredTwice();
  await forgetFirst(repository);
  const before = repository.rows;
  expect(await cleanMirror(repository, fakeCall())).toBe(true);
  const gone = before.filter((row) => !files(repository).includes(row.file));
  expect(
    gone.map(({ version, file }) => (file.startsWith("pool") ? file : version)).sort(),
  ).toEqual(["main/binary-amd64/Packages.gz", poolFile("a", "1")]);
  expect(await runMirror(repository, fakeCall(), noWait)).toBe(true);
});

test("a dry run only tells", async () => {
  const repository = await mirroredTwice();
  await forgetFirst(repository);
  const before = files(repository);
  const call = fakeCall("dry-run");
  expect(await cleanMirror(repository, call)).toBe(true);
  expect(files(repository)).toEqual(before);
  expect(call.lines).toContain(`unnamed: ${poolFile("a", "1")} (2 B)`);
  expect(call.lines.at(-1)).toMatch(/^Would remove 2 files \(.*\) of 11 files \(.*\)$/);
});

test("what came within the last hour stays", async () => {
  const repository = await mirroredTwice();
  await forgetFirst(repository);
  for (const row of repository.rows)
    if (row.file === poolFile("a", "1")) row.fetchedAt = repository.clock - HOUR / 2;
  const call = fakeCall();
  expect(await cleanMirror(repository, call)).toBe(true);
  expect(files(repository)).toContain(poolFile("a", "1"));
  expect(call.lines[0]).toBe("1 unnamed file younger than an hour: left for the next time");
});

test("a captive portal in the upstream's place removes nothing", async () => {
  const repository = await mirroredTwice();
  captivePortal(repository);
  await runMirror(repository, fakeCall(), noWait);
  repository.clock += 2 * HOUR;
  const before = files(repository);
  expect(await cleanMirror(repository, fakeCall())).toBe(true);
  expect(files(repository)).toEqual(before);
});

test("more than 40 % is refused without --force", async () => {
  const repository = await mirroredTwice();
  for (const day of [2, 3]) {
    publish(repository, { day, packages: { [AMD64]: [["z", String(day), "zzz"]] } });
    await runMirror(repository, fakeCall(), noWait);
    repository.clock += 2 * HOUR;
  }
  const before = files(repository);
  const call = fakeCall();
  expect(await cleanMirror(repository, call)).toBe(false);
  expect(files(repository)).toEqual(before);
  expect(call.lines[0]).toMatch(
    /^Refused to remove 9 files \(.*\) of 13 files \(.*\): more than 40 %/,
  );

  const dry = fakeCall("dry-run");
  expect(await cleanMirror(repository, dry)).toBe(true);
  expect(dry.lines.at(-1)).toStartWith("Would refuse to remove 9 files");

  expect(await cleanMirror(repository, fakeCall("force"))).toBe(true);
  expect(files(repository).filter((file) => file.startsWith("pool"))).toEqual([
    poolFile("z", "2"),
    poolFile("z", "3"),
  ]);
});

test("40 % is measured in bytes too", async () => {
  const repository = await mirroredTwice();
  await forgetFirst(repository);
  for (const row of repository.rows) if (row.file === poolFile("a", "1")) row.size = 10 ** 9;
  expect(await cleanMirror(repository, fakeCall())).toBe(false);
  expect(files(repository)).toContain(poolFile("a", "1"));
});

test("an index that is lost stops the whole of it when it cannot be had again", async () => {
  const repository = await mirroredTwice();
  await forgetFirst(repository);
  const newest = repository.rows.findLast(({ package: name }) => name === "dists/stable")!;
  repository.rows = repository.rows.filter((row) => row !== newest);
  const { upstream } = repository;
  repository.upstream = new Map(
    [...upstream.keys()].map((path) => [path, new Problem("unreachable", "nobody answers")]),
  );
  const before = files(repository);
  const call = fakeCall();
  expect(await cleanMirror(repository, call)).toBe(false);
  expect(files(repository)).toEqual(before);
  expect(call.lines).toEqual([
    "Nothing was removed: The newest main/binary-amd64/Packages of dists/stable is not stored and cannot be had (nobody answers), so what it names cannot be known",
  ]);

  repository.upstream = upstream;
  expect(await cleanMirror(repository, fakeCall())).toBe(true);
  expect(files(repository)).not.toContain(poolFile("a", "1"));
  expect(files(repository)).toContain(poolFile("g", "1"));
});

test("indices of a suite whose release is lost stop the whole of it", async () => {
  const repository = await mirroredTwice();
  await forgetFirst(repository);
  repository.rows.push({ ...repository.rows[0]!, package: "dists/lost" });
  const before = files(repository);
  const call = fakeCall("force");
  expect(await cleanMirror(repository, call)).toBe(false);
  expect(files(repository)).toEqual(before);
  expect(call.lines[0]).toBe(
    "Nothing was removed: Indices of dists/lost are stored, and no release of it is",
  );
});

test("nothing is known of files without any release, so they stay", async () => {
  const mirror = await mirroredTwice();
  const repository = aptRepository();
  repository.rows = mirror.rows.filter(({ file }) => file.startsWith("pool"));
  const before = files(repository);
  expect(await cleanMirror(repository, fakeCall("force"))).toBe(false);
  expect(files(repository)).toEqual(before);
});
