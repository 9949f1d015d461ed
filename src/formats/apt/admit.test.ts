// Which releases come into service: dates, changed bytes however they are hidden, and more of them than a person looks at at once.
import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { accept } from "./accept.ts";
import { documents } from "./documents.ts";
import { currentRelease } from "./generations.ts";
import { indexArtifact } from "./index-artifact.ts";
import { aptRepository } from "./mirror/fixture.ts";
import { poolFile, publish } from "./mirror/publishing.ts";
import { fakeCall, sha256 } from "./mirror/testing.ts";

const SUITE = "dists/stable";
const PACKAGES = "main/binary-amd64/Packages";
const DAY = 86_400_000;
type Repository = ReturnType<typeof aptRepository>;
type Package = [name: string, version: string, content: string];

/** Asks for the newest release, and fetches an index of what is in service then, as a client does. */
async function update(repository: Repository, path = PACKAGES) {
  const { generation, cache } = await currentRelease(repository, SUITE, "now");
  await repository.fetch(indexArtifact(SUITE, generation.release, path));
  const day = (generation.release.date! - Date.UTC(2026, 0, 1)) / DAY;
  return { day, detail: cache.detail };
}

function vendor(repository: Repository, day: number, ...packages: Package[]): void {
  publish(repository, { day, packages: { "main/binary-amd64": packages } });
}

function stanza([name, version, content]: Package): string {
  return `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\nFilename: ${poolFile(name, version)}\nSize: ${content.length}\nSHA256: ${sha256(content)}\n`;
}

/** A release of one file. */
function only(repository: Repository, day: number, path: string, bytes: Uint8Array | string): void {
  const date = new Date(Date.UTC(2026, 0, 1 + day)).toUTCString();
  repository.upstream.set(`${SUITE}/${path}`, bytes);
  const line = ` ${sha256(bytes)} ${Buffer.from(bytes).length} ${path}`;
  repository.upstream.set(`${SUITE}/Release`, `Date: ${date}\nSHA256:\n${line}\n`);
}

test("changed bytes are found out when the index is compressed otherwise from then on", async () => {
  const repository = aptRepository();
  only(repository, 0, `${PACKAGES}.gz`, gzipSync(stanza(["tool", "1", "first bytes"])));
  expect(await update(repository, `${PACKAGES}.gz`)).toEqual({ day: 0, detail: undefined });
  only(repository, 1, PACKAGES, stanza(["tool", "1", "first bytes"]));
  expect(await update(repository)).toEqual({ day: 1, detail: undefined });
  only(repository, 2, `${PACKAGES}.gz`, gzipSync(stanza(["tool", "1", "other bytes"])));
  expect(await update(repository)).toEqual({ day: 1, detail: "tampered" });
});

test("a name that comes back with other bytes is held, also when its file was removed", async () => {
  const repository = aptRepository();
  const path = poolFile("tool", "1");
  vendor(repository, 0, ["tool", "1", "first bytes"], ["rest", "1", "rest"]);
  await update(repository);
  const artifact = {
    kind: "pool",
    package: "tool",
    version: "1",
    file: path,
    path,
    purl: "",
    contentType: "",
  };
  await repository.fetch({ ...artifact, namedBy: [] });
  vendor(repository, 1, ["rest", "1", "rest"]);
  await update(repository);
  await repository.remove([{ package: "tool", file: path }]);

  vendor(repository, 2, ["tool", "1", "other bytes"], ["rest", "1", "rest"]);
  expect(await update(repository)).toEqual({ day: 1, detail: "tampered" });
  expect(await accept(repository, fakeCall())).toBe(true);
  expect(await update(repository)).toEqual({ day: 2, detail: undefined });
});

test("a release from the future is refused, and one in service keeps out none that follow it", async () => {
  const repository = aptRepository();
  vendor(repository, 5, ["tool", "1", "bytes"]);
  await update(repository);
  vendor(repository, 4000, ["tool", "1", "bytes"], ["tool", "2", "bytes"]);
  expect(await update(repository)).toEqual({ day: 5, detail: "malformed" });

  const other = aptRepository();
  vendor(other, 4000, ["tool", "1", "bytes"]);
  expect(await update(other)).toEqual({ day: 4000, detail: undefined });
  vendor(other, 5, ["tool", "1", "bytes"], ["tool", "2", "bytes"]);
  expect(await update(other)).toEqual({ day: 5, detail: undefined });
  vendor(other, 4, ["tool", "1", "bytes"]);
  expect(await update(other)).toEqual({ day: 5, detail: "tampered" });
  expect(other.events.map(({ kind }) => kind)).toEqual(["rollback"]);

  // By a clock that stands still at its beginning nothing is from the future, and what is older is older.
  const slow = aptRepository();
  slow.clock = 0;
  vendor(slow, 5, ["tool", "1", "bytes"]);
  await update(slow);
  vendor(slow, 50, ["tool", "1", "bytes"], ["tool", "2", "bytes"]);
  expect(await update(slow)).toEqual({ day: 50, detail: undefined });
  vendor(slow, 6, ["tool", "1", "bytes"]);
  expect(await update(slow)).toEqual({ day: 50, detail: "tampered" });
});

const many = (content: string) =>
  Array.from({ length: 1500 }, (_, at): Package => [`p${at}`, "1", `${content} ${at}`]);

test("more changes than are told of at once are let in all the same, by a person", async () => {
  const repository = aptRepository();
  vendor(repository, 0, ...many("first"));
  await update(repository);
  vendor(repository, 1, ...many("other"));
  expect((await update(repository)).detail).toBe("tampered");
  const call = fakeCall();
  expect(await accept(repository, call)).toBe(true);
  expect(call.lines.at(-1)).toContain("accepted 1,500; the release of 2026-01-02");
  expect(await update(repository)).toEqual({ day: 1, detail: undefined });
});

test("and by onChange: accept", async () => {
  const repository = aptRepository({ onChange: "accept" });
  vendor(repository, 0, ...many("first"));
  await update(repository);
  vendor(repository, 1, ...many("other"));
  expect(await update(repository)).toEqual({ day: 1, detail: undefined });
});

test("where the release in service is lost, the ones before it still keep older ones out", async () => {
  const repository = aptRepository();
  for (const day of [2, 3]) {
    vendor(repository, day, ["tool", `${day}`, "bytes"]);
    await update(repository);
  }
  const source = {
    size: null,
    text: async () => `Date: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n ${sha256("")} 0 Packages\n`,
    json: async () => null,
    async *chunks() {},
  };
  repository.inService.clear();
  const ref = { kind: "release", key: SUITE, package: SUITE, path: `${SUITE}/Release` };
  const { admit } = await import("./admit.ts");
  const failure = await admit({ ref, source, previous: null }, repository).catch((error) => error);
  expect(failure).toMatchObject({ kind: "tampered", event: "rollback" });
});

test("empty lines without end in a signed text are read at once", async () => {
  const file = `-----BEGIN PGP SIGNED MESSAGE-----\n\nA: b\n${"\n".repeat(1_000_000)}x\n-----BEGIN PGP SIGNATURE-----\n-----END PGP SIGNATURE-----\n`;
  const source = { size: null, text: async () => file, json: async () => null, async *chunks() {} };
  const ref = { kind: "inrelease", key: SUITE, package: SUITE, path: `${SUITE}/InRelease` };
  const failure = await documents.inrelease.facts(source, ref).catch((error) => error);
  expect(failure).toMatchObject({ kind: "malformed" });
});
