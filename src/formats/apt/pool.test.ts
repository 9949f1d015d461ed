// Which file stands at a path of the pool, and why none does: an index that cannot be read, one that was withdrawn, one that was replaced.
import { expect, test } from "bun:test";
import { currentRelease } from "./generations.ts";
import { indexArtifact } from "./index-artifact.ts";
import { aptRepository, type FakeAptRepository } from "./mirror/fixture.ts";
import { sha256 } from "./mirror/testing.ts";
import { poolArtifactAt } from "./pool.ts";

const SUITE = "dists/stable";
const PATH = "pool/a_1_all.deb";

function stanza(version: string, content: string, path = PATH): string {
  return `Package: a\nVersion: ${version}\nArchitecture: all\nFilename: ${path}\nSize: ${content.length}\nSHA256: ${sha256(content)}\n\n`;
}

/** Publishes one index, and fetches it as a client does. */
async function publish(
  repository: FakeAptRepository,
  index: string,
  content: string,
  day = 1,
): Promise<void> {
  const text = `Date: Thu, 0${day} Jan 2026 00:00:00 UTC\nSHA256:\n ${sha256(content)} ${content.length} ${index}\n`;
  repository.upstream.set(`${SUITE}/Release`, text);
  repository.upstream.set(`${SUITE}/${index}`, content);
  const { generation } = await currentRelease(repository, SUITE, "now");
  await repository.fetch(indexArtifact(SUITE, generation.release, index));
}

const at = (repository: FakeAptRepository, path = PATH) =>
  poolArtifactAt(repository, { kind: "pool", path });

/** Fetched, as when a client has it. */
async function fetchAt(repository: FakeAptRepository, content: string): Promise<string> {
  repository.upstream.set(PATH, content);
  const artifact = await at(repository);
  await repository.fetch(artifact);
  return artifact.file;
}

test("a file whose index cannot be read is not said to be missing", async () => {
  const repository = aptRepository({});
  await publish(repository, "main/binary-all/Packages.bz2", "BZh9 and no more");
  const failure = await at(repository).catch((error) => error);
  expect(failure).toMatchObject({ kind: "malformed", status: 424 });
  expect(failure.message).toContain("Packages.bz2");
});

test("another version under a path that had gone is an update, the same version is not", async () => {
  const repository = aptRepository({});
  const index = "main/binary-all/Packages";
  await publish(repository, index, stanza("1", "first"), 1);
  expect(await fetchAt(repository, "first")).toBe(PATH);
  await publish(
    repository,
    index,
    stanza("1", "other", "pool/b_1_all.deb").replace(": a", ": b"),
    2,
  );
  await publish(repository, index, stanza("2", "second"), 3);
  expect(repository.events).toEqual([]);
  const file = await fetchAt(repository, "second");
  expect(file).toBe(`${PATH}@${sha256("second").slice(0, 16)}`);
  expect((await at(repository)).version).toBe("2");
  expect(repository.rows.map(({ version, file }) => `${version} ${file}`)).toContain(`1 ${PATH}`);
  await publish(repository, index, stanza("2", "altered"), 4).catch(() => {});
  expect(repository.events.map(({ kind, file }) => `${kind} ${file}`)).toEqual([
    `tampered ${PATH}`,
  ]);
  expect((await at(repository)).file).toBe(file);
});

test("an update is noticed when the old index is lost, and the upstream no longer has it", async () => {
  const repository = aptRepository({});
  const index = "main/binary-all/Packages";
  const old = stanza("1", "first");
  await publish(repository, index, old, 1);
  await fetchAt(repository, "first");
  repository.blobs.delete(sha256(old));
  await publish(repository, index, stanza("2", "second"), 2);
  expect(await fetchAt(repository, "second")).toContain("@");
});

test("what was fetched is served without an index, also where its name does not tell its package", async () => {
  const repository = aptRepository({});
  const path = "current.deb";
  await publish(repository, "main/binary-all/Packages", stanza("1", "first", path));
  repository.upstream.set(path, "first");
  await repository.fetch(await at(repository, path));
  repository.work = repository.derive = async () => {
    throw new Error("no index is read");
  };
  for (const key of [...repository.blobs.keys()])
    if (key !== sha256("first")) repository.blobs.delete(key);
  repository.upstream.clear();
  repository.memory.releases.epoch++;
  repository.memory.lookups.handles.clear();
  expect(await at(repository, path)).toMatchObject({ file: path, version: "1" });
});
