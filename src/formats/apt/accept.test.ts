import { expect, test } from "bun:test";
import { Problem } from "../../core/problem.ts";
import { accept } from "./accept.ts";
import { currentRelease } from "./generations.ts";
import { aptRepository, noWait } from "./mirror/fixture.ts";
import { poolFile, publish } from "./mirror/publishing.ts";
import { runMirror } from "./mirror/run.ts";
import { fakeCall, sha256 } from "./mirror/testing.ts";
import { dateText } from "./release.ts";

const AMD64 = "main/binary-amd64";
const PATH = poolFile("tool", "1");

/** A mirror whose vendor published other bytes as tool 1. */
async function held() {
  const repository = aptRepository({ mirror: { suites: ["stable"] } });
  publish(repository, { day: 0, packages: { [AMD64]: [["tool", "1", "first bytes"]] } });
  expect(await runMirror(repository, fakeCall(), noWait)).toBe(true);
  publish(repository, { day: 1, packages: { [AMD64]: [["tool", "1", "other bytes"]] } });
  const call = fakeCall();
  expect(await runMirror(repository, call, noWait)).toBe(false);
  expect(call.lines[0]).toContain("is held until `holdfast apt accept debian`");
  return repository;
}

async function dateInService(repository: Awaited<ReturnType<typeof held>>): Promise<string> {
  const { generation } = await currentRelease(repository, "dists/stable", "stored");
  return dateText(generation.release.date).slice(0, 10);
}

test("nothing held is nothing to do", async () => {
  const call = fakeCall();
  expect(await accept(aptRepository(), call)).toBe(true);
  expect(call.lines).toEqual(["debian: no release is held"]);
});

test("a dry run shows what is held and lets nothing in", async () => {
  const repository = await held();
  const call = fakeCall("dry-run");
  expect(await accept(repository, call)).toBe(true);
  expect(call.lines).toEqual([
    "dists/stable: the release of 2026-01-02T00:00:00.000Z changes 1 file under the same name",
    `  ${PATH}: tool 1: ${sha256("first bytes").slice(0, 16)} → ${sha256("other bytes").slice(0, 16)}`,
  ]);
  expect(await dateInService(repository)).toBe("2026-01-01");
  expect(await repository.kept("accepted")).toBeNull();
});

test("what was looked at comes into service, and both files are there", async () => {
  const repository = await held();
  const call = fakeCall();
  expect(await accept(repository, call)).toBe(true);
  expect(call.lines.at(-1)).toBe(
    "dists/stable: accepted 1; the release of 2026-01-02T00:00:00.000Z is in service",
  );
  expect(await dateInService(repository)).toBe("2026-01-02");
  expect(await runMirror(repository, fakeCall(), noWait)).toBe(true);
  const hex = sha256("other bytes").slice(0, 16);
  expect(repository.rows.map(({ file }) => file).filter((file) => file.startsWith("pool"))).toEqual(
    [PATH, `${PATH}@${hex}`],
  );
  const again = fakeCall();
  expect(await accept(repository, again)).toBe(true);
  expect(again.lines).toEqual(["debian: no release is held"]);
});

test("bytes that nobody looked at are held again", async () => {
  const repository = await held();
  publish(repository, { day: 2, packages: { [AMD64]: [["tool", "1", "third bytes"]] } });
  const call = fakeCall();
  expect(await accept(repository, call)).toBe(false);
  expect(call.lines.at(-1)).toContain(
    "is refused still: the release of 2026-01-01T00:00:00.000Z is in service",
  );
  expect(await dateInService(repository)).toBe("2026-01-01");

  expect(await accept(repository, fakeCall())).toBe(true);
  expect(await dateInService(repository)).toBe("2026-01-03");
});

test("an upstream that is away keeps what was accepted for later", async () => {
  const repository = await held();
  const { upstream } = repository;
  repository.upstream = new Map(
    [...upstream.keys()]
      .concat("dists/stable/InRelease")
      .map((path) => [path, new Problem("unreachable", "nobody answers")]),
  );
  const call = fakeCall();
  expect(await accept(repository, call)).toBe(false);
  expect(call.lines.at(-1)).toContain("it comes into service when it can be");
  repository.upstream = upstream;
  expect(await runMirror(repository, fakeCall(), noWait)).toBe(true);
  expect(await dateInService(repository)).toBe("2026-01-02");
});
