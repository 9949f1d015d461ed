// Which release is in service, which ones are remembered, and what indices are as artifacts.
import { beforeEach, expect, test } from "bun:test";
import { Problem } from "../../core/problem.ts";
import { documents, generationOf } from "./documents.ts";
import { tellExpiry } from "./expiry.ts";
import {
  currentRelease,
  earlierReleases,
  keepRelease,
  knownSuites,
  wantingSuites,
} from "./generations.ts";
import { indexArtifact, pathByHash } from "./index-artifact.ts";
import { formsOf } from "./index-names.ts";
import type { AptRepository } from "./memory.ts";
import { type FakeAptRepository, remembering } from "./mirror/fixture.ts";
import { fakeRepository } from "./mirror/testing.ts";
import { type AptOptions, aptOptions } from "./options.ts";
import { tasks } from "./tasks.ts";

const HEX = { xz: "a".repeat(64), gz: "b".repeat(64), plain: "c".repeat(64) };
const MD5 = "d".repeat(32);
const DAY = 86_400_000;

function releaseText(day: number, more = ""): string {
  return `Origin: Fake
Suite: stable
Date: ${new Date(Date.UTC(2026, 0, day)).toUTCString()}
${more}MD5Sum:
 ${MD5} 5 main/binary-amd64/Packages.xz
SHA256:
 ${HEX.xz} 5 main/binary-amd64/Packages.xz
 ${HEX.gz} 6 main/binary-amd64/Packages.gz
 ${HEX.plain} 9 main/binary-amd64/Packages
 ${HEX.plain} 9 main/binary-arm64/Packages
`;
}

let fake: FakeAptRepository;
let repository: AptRepository;
beforeEach(() => {
  const options = aptOptions.parse({ unverified: true, generations: 2 });
  fake = remembering(fakeRepository<AptOptions>({ options, documents, tasks }));
  repository = fake;
});

test("without an InRelease the Release counts, and with one again the InRelease", async () => {
  fake.upstream.set("dists/stable/Release", releaseText(1));
  const found = await currentRelease(repository, "dists/stable");
  expect(found.kind).toBe("release");
  expect([...(await knownSuites(repository))]).toEqual(["dists/stable"]);
  expect((await currentRelease(repository, "dists/stable", "now")).kind).toBe("release");
  expect(await currentRelease(repository, "dists/none").catch((error) => error.kind)).toBe(
    "notFound",
  );
});

test("a suite whose release cannot be had is no suite that does not exist", async () => {
  fake.upstream.set("dists/stable/InRelease", new Problem("unreachable", "away"));
  fake.upstream.set("dists/stable/Release", releaseText(1));
  const failure = await currentRelease(repository, "dists/stable").catch((error) => error);
  expect(failure.kind).toBe("unreachable");
});

test("the newest releases are remembered, each in a place that is used again", async () => {
  for (let day = 1; day <= 5; day++) await keepRelease(repository, "s", releaseText(day));
  const ids = [5, 4].map((day) => generationOf(releaseText(day)).id);
  expect((await earlierReleases(repository, "s")).map(({ id }) => id)).toEqual(ids);
  // As after a restart, from what is stored alone.
  const options = aptOptions.parse({ unverified: true, generations: 2 });
  const other = remembering(fakeRepository<AptOptions>({ options, documents, tasks }));
  for (const [key, value] of fake.values) other.values.set(key, value);
  expect((await earlierReleases(other, "s")).map(({ id }) => id)).toEqual(ids);
  const texts = [...fake.values].filter(([key]) => key.startsWith("generation/"));
  expect(texts.filter(([, { bytes }]) => bytes.length > 0)).toHaveLength(2);
  expect(texts.length).toBeLessThanOrEqual(3);
});

test("a release that comes again is remembered once", async () => {
  for (const day of [1, 2, 1]) await keepRelease(repository, "s", releaseText(day));
  const ids = [1, 2].map((day) => generationOf(releaseText(day)).id);
  expect((await earlierReleases(repository, "s")).map(({ id }) => id)).toEqual(ids);
});

test("an index is one artifact, fetched by its hash where the upstream has that", () => {
  const { release } = generationOf(releaseText(1, "Acquire-By-Hash: yes\n"));
  const artifact = indexArtifact("dists/stable", release, "main/binary-amd64/Packages.xz");
  expect(artifact).toMatchObject({
    package: "dists/stable",
    version: "main/binary-amd64/Packages.xz",
    file: HEX.xz,
    path: `dists/stable/main/binary-amd64/by-hash/SHA256/${HEX.xz}`,
    otherPaths: ["dists/stable/main/binary-amd64/Packages.xz"],
    isMoving: true,
  });
  expect(indexArtifact("dists/stable", release, "main/binary-amd64/Packages.xz")).toBe(artifact);
  expect(() => indexArtifact("dists/stable", release, "main/none")).toThrow("does not name");

  const { release: plain } = generationOf(releaseText(1));
  const other = indexArtifact(".", plain, "main/binary-amd64/Packages.gz");
  expect(other.path).toBe("main/binary-amd64/Packages.gz");
  expect(other.otherPaths).toBeUndefined();
});

test("a hash belongs to its folder", () => {
  const { release } = generationOf(releaseText(1));
  const find = (folder: string, algorithm: string, digest: string) =>
    pathByHash(release, folder, algorithm, digest);
  expect(find("main/binary-amd64", "SHA256", HEX.plain)).toBe("main/binary-amd64/Packages");
  expect(find("main/binary-arm64", "SHA256", HEX.plain)).toBe("main/binary-arm64/Packages");
  expect(find("main/binary-amd64", "MD5Sum", MD5)).toBe("main/binary-amd64/Packages.xz");
  expect(find("main", "SHA256", HEX.plain)).toBeNull();
  expect(find("main/binary-amd64", "SHA1", MD5)).toBeNull();
});

test("formsOf(release, path) begins with the path itself", () => {
  const { release } = generationOf(releaseText(1));
  const folder = "main/binary-amd64";
  const forms = (name: string) =>
    formsOf(release, `${folder}/${name}`).map((path) => path.slice(folder.length + 1));
  expect(forms("Packages.gz")).toEqual(["Packages.gz", "Packages.xz", "Packages"]);
  expect(forms("Packages.bz2")).toEqual(["Packages.xz", "Packages.gz", "Packages"]);
  expect(forms("Sources.xz")).toEqual([]);
});

test("a release near its end is told of once, also after a restart", async () => {
  const until = Date.UTC(2026, 0, 10);
  const text = releaseText(1, `Valid-Until: ${new Date(until).toUTCString()}\n`);
  const generation = generationOf(text);
  const tell = async (where: FakeAptRepository) => {
    tellExpiry(where, "s", generation);
    for (let turn = 0; turn < 10; turn++) await null;
    return where.events.map(({ kind, message }) => `${kind}: ${message}`);
  };
  fake.clock = until - 4 * DAY;
  expect(await tell(fake)).toEqual([]);
  fake.clock = until - 2 * DAY;
  expect(await tell(fake)).toHaveLength(1);
  expect(await tell(fake)).toHaveLength(1);
  expect(fake.events[0]?.message).toContain("2026-01-10T00:00:00.000Z only");

  const later = remembering(
    fakeRepository<AptOptions>({ options: fake.options, documents, tasks }),
  );
  later.clock = until + DAY;
  for (const [key, value] of fake.values) later.values.set(key, value);
  expect(await tell(later)).toEqual([]);
  later.values.clear();
  const other = { ...generation, id: "other" };
  tellExpiry(later, "s", other);
  for (let turn = 0; turn < 10; turn++) await null;
  expect(later.events[0]?.message).toContain("which is past");
});

test("only the last suites that were asked for in vain are, and none that does not exist", async () => {
  const away = new Problem("unreachable", "away");
  for (let at = 0; at < 60; at++) {
    fake.upstream.set(`dists/x${at}/InRelease`, away);
    await currentRelease(repository, `dists/x${at}`).catch(() => {});
  }
  expect(wantingSuites(repository).size).toBe(50);
  expect([...wantingSuites(repository)].at(-1)).toBe("dists/x59");
  fake.upstream.clear();
  for (const suite of [...wantingSuites(repository)])
    await currentRelease(repository, suite).catch(() => {});
  expect(wantingSuites(repository).size).toBe(0);
});

test("nothing longer than the release says is taken for an index", () => {
  const { release } = generationOf(releaseText(1));
  expect(indexArtifact("dists/stable", release, "main/binary-amd64/Packages.gz").limit).toBe(6);
});

test("an InRelease that is refused is none where there is a Release, and else a refusal", async () => {
  fake.upstream.set("dists/stable/InRelease", new Problem("refused", "Blocked: it answered 403"));
  const failure = await currentRelease(repository, "dists/stable").catch((error) => error);
  expect(failure.kind).toBe("refused");
  fake.upstream.set("dists/stable/Release", releaseText(1));
  expect((await currentRelease(repository, "dists/stable")).kind).toBe("release");
});
