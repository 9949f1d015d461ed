import { expect, test } from "bun:test";
import { Problem } from "../../../core/problem.ts";
import { aptRepository, noWait } from "./fixture.ts";
import { captivePortal, poolFile, publish } from "./publishing.ts";
import { runMirror } from "./run.ts";
import { fakeCall, sha256 } from "./testing.ts";

const MIRROR = { suites: ["stable"], components: ["main"], architectures: ["amd64"] };

function mirrored(changes: Record<string, unknown> = {}) {
  return aptRepository({ mirror: { ...MIRROR, ...changes } });
}

const AMD64 = "main/binary-amd64";

test("all of it is fetched, and nothing twice", async () => {
  const repository = mirrored();
  publish(repository, {
    day: 0,
    packages: {
      [AMD64]: [
        ["hello", "1", "hello one"],
        ["world", "2", "world two"],
      ],
      "main/binary-all": [["hello", "1", "hello one"]],
      "main/binary-arm64": [["other", "1", "for arm64"]],
      "contrib/binary-amd64": [["extra", "1", "of contrib"]],
    },
    others: { "main/i18n/Translation-en": "Package: hello" },
  });
  const call = fakeCall();
  expect(await runMirror(repository, call, noWait)).toBe(true);
  expect(
    repository.rows.map(({ version, file }) => (file.startsWith("pool") ? file : version)).sort(),
  ).toEqual([
    "main/binary-all/Packages.gz",
    "main/binary-amd64/Packages.gz",
    "main/i18n/Translation-en",
    poolFile("hello", "1"),
    poolFile("world", "2"),
  ]);
  expect(call.lines.at(-1)).toMatch(
    /^debian: 5 files \(.*\): 5 new \(.*\), 0 already there, 0 missing$/,
  );
  const [done, total, note] = call.bar.at(-1)!;
  expect(done).toBe(total);
  expect(note).toStartWith("5 of 5 files");

  repository.asked.length = 0;
  const again = fakeCall();
  expect(await runMirror(repository, again, noWait)).toBe(true);
  expect(repository.asked).toEqual([]);
  expect(again.lines.at(-1)).toMatch(/: 0 new \(0 B\), 5 already there, 0 missing$/);
});

test("a run that was stopped goes on where it was", async () => {
  const repository = mirrored({ connections: 1 });
  const packages = Array.from({ length: 10 }, (_, at): [string, string, string] => [
    `p${at}`,
    "1",
    `content ${at}`,
  ]);
  publish(repository, { day: 0, packages: { [AMD64]: packages } });
  const first = fakeCall();
  repository.beforeFetch = (path) => {
    if (path === poolFile("p3", "1")) first.stop.abort();
  };
  expect(await runMirror(repository, first, noWait)).toBe(false);
  expect(first.lines).toContain("Stopped. 6 files left: the next run goes on from here");

  repository.asked.length = 0;
  expect(await runMirror(repository, fakeCall(), noWait)).toBe(true);
  expect(repository.asked.sort()).toEqual([4, 5, 6, 7, 8, 9].map((at) => poolFile(`p${at}`, "1")));
});

test("a run that is stopped while an index is read ends, and its reading comes after what clients wait for", async () => {
  const repository = mirrored({ filter: { packages: ["p*"], notPackages: [] } });
  publish(repository, { day: 0, packages: { [AMD64]: [["p1", "1", "content"]] } });
  const call = fakeCall();
  repository.beforeDerive = (turn) => {
    expect(turn?.isBehind).toBe(true);
    call.stop.abort();
  };
  expect(await runMirror(repository, call, noWait)).toBe(false);
  expect(call.lines.join()).toContain("Stopped.");
  expect(repository.asked.filter((path) => path.startsWith("pool"))).toEqual([]);
});

test("the filter leaves packages and sections out", async () => {
  const repository = mirrored({
    filter: { packages: ["lib*"], notPackages: ["libold"], notSections: ["debug"] },
  });
  publish(repository, {
    day: 0,
    packages: {
      [AMD64]: [
        ["libnew", "1", "libnew", "libs"],
        ["libold", "1", "libold", "libs"],
        ["libnew-dbg", "1", "symbols", "debug"],
        ["hello", "1", "hello"],
      ],
    },
  });
  expect(await runMirror(repository, fakeCall(), noWait)).toBe(true);
  expect(repository.asked.filter((path) => path.startsWith("pool"))).toEqual([
    poolFile("libnew", "1"),
  ]);
});

test("what is missing is told by path and reason, and the rest is fetched", async () => {
  const repository = mirrored({ components: ["main", "extra"], suites: ["stable", "nowhere"] });
  publish(repository, {
    day: 0,
    packages: {
      [AMD64]: [
        ["gone", "1", "gone"],
        ["bad", "1", "as published"],
        ["hello", "1", "hello"],
      ],
    },
  });
  repository.upstream.delete(poolFile("gone", "1"));
  repository.upstream.set(poolFile("bad", "1"), "as altered");
  const call = fakeCall();
  expect(await runMirror(repository, call, noWait)).toBe(false);
  expect(call.lines.filter((line) => line.startsWith("missing: ")).sort()).toEqual([
    "missing: dists/nowhere/InRelease: The upstream has no dists/nowhere/Release",
    "missing: dists/stable/extra/binary-amd64/Packages: the Release does not name it",
    `missing: ${poolFile("bad", "1")}: ${poolFile("bad", "1")} is not what was expected`,
    `missing: ${poolFile("gone", "1")}: The upstream has no ${poolFile("gone", "1")}`,
  ]);
  expect(repository.rows.map(({ file }) => file)).toContain(poolFile("hello", "1"));
});

test("of very many missing files the first are told, and how many more there are", async () => {
  const repository = mirrored();
  const packages = Array.from({ length: 30 }, (_, at): [string, string, string] => [
    `p${at}`,
    "1",
    "x",
  ]);
  publish(repository, { day: 0, packages: { [AMD64]: packages } });
  for (const [name] of packages) repository.upstream.delete(poolFile(name, "1"));
  const call = fakeCall();
  expect(await runMirror(repository, call, noWait)).toBe(false);
  expect(call.lines.filter((line) => line.startsWith("missing: "))).toHaveLength(15);
  expect(call.lines).toContain("… and 15 more");
});

test("an upstream that is away ends the run, which says so", async () => {
  const repository = mirrored();
  const packages = Array.from({ length: 100 }, (_, at): [string, string, string] => [
    `p${at}`,
    "1",
    "x",
  ]);
  publish(repository, { day: 0, packages: { [AMD64]: packages } });
  for (const [name] of packages)
    repository.upstream.set(poolFile(name, "1"), new Problem("unreachable", "nobody answers"));
  const call = fakeCall();
  expect(await runMirror(repository, call, noWait)).toBe(false);
  expect(call.lines).toContain(
    "Ended early: nobody answers. 100 files left: the next run goes on from here",
  );
});

test("a mirror that is whole, of a release that could not be renewed, is not a success", async () => {
  const repository = mirrored();
  publish(repository, { day: 0, packages: { [AMD64]: [["hello", "1", "hello"]] } });
  await runMirror(repository, fakeCall(), noWait);
  captivePortal(repository);
  const call = fakeCall();
  expect(await runMirror(repository, call, noWait)).toBe(false);
  expect(call.lines[0]).toBe(
    "missing: dists/stable/InRelease: what the upstream gives is no usable release; the release of 2026-01-01T00:00:00.000Z is mirrored",
  );
});

test("an upstream that is away from the start changes nothing of what is there", async () => {
  const repository = mirrored();
  publish(repository, { day: 0, packages: { [AMD64]: [["hello", "1", "hello"]] } });
  await runMirror(repository, fakeCall(), noWait);
  for (const path of [...repository.upstream.keys(), "dists/stable/InRelease"])
    repository.upstream.set(path, new Problem("unreachable", "nobody answers"));
  const call = fakeCall();
  expect(await runMirror(repository, call, noWait)).toBe(false);
  expect(call.lines).toEqual([
    "missing: dists/stable/InRelease: the upstream cannot be reached; the release of 2026-01-01T00:00:00.000Z is mirrored",
    expect.stringMatching(/0 new \(0 B\), 2 already there, 1 missing$/),
  ]);
});

test("a release that comes in the middle is left for the next run", async () => {
  const repository = mirrored({ connections: 1 });
  publish(repository, {
    day: 0,
    byHash: true,
    packages: {
      [AMD64]: [
        ["a", "1", "a1"],
        ["b", "1", "b1"],
      ],
    },
  });
  const next = {
    day: 1,
    byHash: true,
    packages: { [AMD64]: [["b", "2", "b2"]] as [string, string, string][] },
  };
  repository.beforeFetch = (path) => {
    if (path === poolFile("a", "1")) publish(repository, next);
  };
  expect(await runMirror(repository, fakeCall(), noWait)).toBe(true);
  const files = () =>
    repository.rows.map(({ file }) => file).filter((file) => file.startsWith("pool"));
  expect(files()).toEqual([poolFile("a", "1"), poolFile("b", "1")]);
  expect(await runMirror(repository, fakeCall(), noWait)).toBe(true);
  expect(files()).toContain(poolFile("b", "2"));
});

test("a release that comes while its indices are fetched is begun with instead", async () => {
  const repository = mirrored({ connections: 1 });
  publish(repository, { day: 0, packages: { [AMD64]: [["a", "1", "a1"]] } });
  let isFirst = true;
  repository.beforeFetch = () => {
    if (isFirst) publish(repository, { day: 1, packages: { [AMD64]: [["a", "2", "a2"]] } });
    isFirst = false;
  };
  const call = fakeCall();
  expect(await runMirror(repository, call, noWait)).toBe(true);
  expect(repository.rows.map(({ file }) => file)).toContain(poolFile("a", "2"));
});

test("a flat repository", async () => {
  const repository = aptRepository({ mirror: { suites: ["vendor/x86_64/"] } });
  const content = "flat";
  repository.upstream.set("vendor/x86_64/tool_1_amd64.deb", content);
  const packages = `Package: tool\nVersion: 1\nArchitecture: amd64\nFilename: ./tool_1_amd64.deb\nSize: 4\nSHA256: ${sha256(content)}\n`;
  repository.upstream.set("vendor/x86_64/Packages", packages);
  repository.upstream.set(
    "vendor/x86_64/Release",
    `Date: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n ${sha256(packages)} ${packages.length} Packages\n`,
  );
  expect(await runMirror(repository, fakeCall(), noWait)).toBe(true);
  expect(repository.rows.map(({ file }) => file)).toContain("vendor/x86_64/tool_1_amd64.deb");
});

test("claimed packages are never asked for", async () => {
  const repository = mirrored();
  repository.claims = (name) => name === "ours";
  publish(repository, {
    day: 0,
    packages: {
      [AMD64]: [
        ["ours", "1", "ours"],
        ["a", "1", "a"],
      ],
    },
  });
  const call = fakeCall();
  expect(await runMirror(repository, call, noWait)).toBe(true);
  expect(repository.asked).not.toContain(poolFile("ours", "1"));
  expect(call.lines).toContain("1 file of claimed packages left out");
});

test("a suite that has nothing for the mirror is missing", async () => {
  const repository = mirrored({ components: [], architectures: ["riscv64"] });
  publish(repository, { day: 0, packages: { [AMD64]: [["a", "1", "a"]] } });
  const call = fakeCall();
  expect(await runMirror(repository, call, noWait)).toBe(false);
  expect(call.lines).toContain(
    "missing: dists/stable: its Release names no Packages that the mirror wants",
  );
});

test("an index in another form than the wanted one is not enough", async () => {
  const repository = mirrored();
  publish(repository, { day: 0, packages: { [AMD64]: [["a", "1", "a"]] } });
  const gz = `dists/stable/${AMD64}/Packages.gz`;
  const bytes = repository.upstream.get(gz)!;
  repository.upstream.delete(gz);
  const versions = () => repository.rows.map(({ version }) => version);
  expect(await runMirror(repository, fakeCall(), noWait)).toBe(true);
  expect(versions()).toContain(`${AMD64}/Packages`);
  repository.upstream.set(gz, bytes);
  expect(await runMirror(repository, fakeCall(), noWait)).toBe(true);
  expect(versions()).toContain(`${AMD64}/Packages.gz`);
});

test("a file that is stored with other bytes is told and not fetched", async () => {
  const repository = mirrored();
  publish(repository, { day: 0, packages: { [AMD64]: [["a", "1", "a"]] } });
  await runMirror(repository, fakeCall(), noWait);
  const row = repository.rows.find(({ file }) => file === poolFile("a", "1"))!;
  row.sha256 = sha256("pinned long ago");
  const call = fakeCall();
  expect(await runMirror(repository, call, noWait)).toBe(false);
  expect(call.lines).toContain(
    `missing: ${poolFile("a", "1")}: it is stored with other bytes than its index names`,
  );
});

test("a repository without a mirror says so", async () => {
  const run = runMirror(aptRepository(), fakeCall(), noWait);
  await expect(run).rejects.toThrow("has no `mirror`");
});

test("an index that was lost from disk is fetched again", async () => {
  const repository = mirrored();
  publish(repository, { day: 0, packages: { [AMD64]: [["hello", "1", "hello one"]] } });
  expect(await runMirror(repository, fakeCall(), noWait)).toBe(true);
  const index = repository.rows.find(({ version }) => version.endsWith("Packages.gz"))!;
  repository.blobs.delete(index.sha256);
  const call = fakeCall();
  expect(await runMirror(repository, call, noWait)).toBe(true);
  expect(repository.blobs.has(index.sha256)).toBe(true);
  expect(call.lines.at(-1)).toMatch(/: 1 new \(.*\), 1 already there, 0 missing$/);
});
