import { afterEach, describe, expect, test } from "bun:test";
import { waitFor } from "../../test/support/wait.ts";
import type { PolicyRule } from "../core/policy.ts";
import { theServer } from "../core/principal.ts";
import { answer, artifact, bytesOf, index, openToy, request, sri } from "./testkit.ts";

const HOUR = 3_600_000;
let toy: Awaited<ReturnType<typeof openToy>>;
afterEach(() => toy.close());

const now = () => Date.now() + toy.clock.shift;
const BYTES = Buffer.from("some bytes");
const rule = (changes: Partial<PolicyRule>): PolicyRule => ({
  name: "rule",
  packages: ["pkg:toy/*"],
  repositories: null,
  versions: null,
  ...changes,
});
const cooldown = rule({ minimumAge: 24 * HOUR });
const blocked = rule({ block: "bad", versions: "2" });

/** Files of versions, with the age that the upstream tells in hours; null: it tells none. */
type Files = Record<string, { version: string; age: number | null }>;

async function open(files: Files, policy: PolicyRule[]): Promise<void> {
  toy = await openToy({ policy });
  names(files);
}

function names(files: Files): void {
  const at = now();
  const entries = Object.entries(files).map(([file, { version, age }]) => [
    file,
    {
      integrity: sri(BYTES),
      version,
      ...(age !== null && { publishedAt: new Date(at - age * HOUR).toISOString() }),
    },
  ]);
  toy.upstream.behave = ({ path }) =>
    path === "thing"
      ? answer(200, JSON.stringify({ files: Object.fromEntries(entries) }))
      : answer(200, BYTES);
}

async function shown(): Promise<string[]> {
  const { bytes } = await toy.repository.read(index, { variant: "all", base: "" });
  return JSON.parse(Buffer.from(bytes).toString()).files;
}

const view = () => toy.repository.view(index, { variant: "all", base: "" }, {});
const get = (file: string) => toy.repository.artifact(artifact(file), request()).then(bytesOf);
const waive = (versions: string, until: number | null = null) =>
  toy.waivers.add(theServer, {
    repository: null,
    purlType: "toy",
    package: "thing",
    versions,
    reason: "needed",
    until,
  });
const askedFor = (file: string) => toy.upstream.asked.filter((path) => path === file).length;

test("what is young is neither shown nor fetched until it is old enough, on every path", async () => {
  await open({ "a-1": { version: "1", age: 100 }, "a-2": { version: "2", age: 1 } }, [cooldown]);
  expect(await shown()).toEqual(["a-1"]);
  const first = await view();
  expect((await view()).isCurrent?.()).toBe(true);
  const refusal = { kind: "blocked", rule: "rule" };
  await expect(get("a-2")).rejects.toMatchObject(refusal);
  await expect(toy.repository.fetch(artifact("a-2"))).rejects.toMatchObject(refusal);
  expect(askedFor("a-2")).toBe(0);
  await get("a-1");

  const before = await view();
  toy.clock.shift += 23 * HOUR;
  toy.upstream.away = "unreachable"; // it matures by the clock alone
  expect(before.isCurrent?.()).toBe(false);
  expect(await shown()).toEqual(["a-1", "a-2"]);
  expect((await view()).etag).not.toBe(first.etag);
  toy.upstream.away = null;
  await get("a-2");
});

test("its age is found out before it is fetched when nothing has told it yet", async () => {
  await open({ "a-2": { version: "2", age: 1 } }, [cooldown]);
  await expect(get("a-2")).rejects.toMatchObject({ kind: "blocked" });
  expect(toy.upstream.asked).toEqual(["thing"]);
});

test("that its age cannot be found out is no permission", async () => {
  await open({ "a-2": { version: "2", age: 1 } }, [cooldown]);
  toy.upstream.away = "unreachable";
  await expect(get("a-2")).rejects.toMatchObject({ kind: "unreachable" });
});

test("where no time is told the first sight counts, but for what was there when anybody first looked", async () => {
  await open({ "a-1": { version: "1", age: null } }, [cooldown]);
  expect(await shown()).toEqual(["a-1"]);
  names({ "a-1": { version: "1", age: null }, "a-2": { version: "2", age: null } });
  toy.clock.shift += HOUR;
  expect(await shown()).toEqual(["a-1"]);
  await get("a-1");
  await expect(get("a-2")).rejects.toMatchObject({ kind: "blocked" });
  toy.clock.shift += 24 * HOUR;
  expect(await shown()).toEqual(["a-1", "a-2"]);
});

test("what was fetched before it was held stays for lock files, and is not shown", async () => {
  await open({ "a-1": { version: "1", age: 100 }, "a-2": { version: "2", age: 1 } }, [cooldown]);
  await waive("2", now() + HOUR);
  expect(await shown()).toEqual(["a-1", "a-2"]);
  await get("a-2");
  toy.clock.shift += HOUR;
  expect(await shown()).toEqual(["a-1"]);
  await get("a-2");
  await toy.restart();
  await get("a-2");
});

test("what is blocked is not sent either, also when it is stored; a waiver lifts that, and ends at once when it is taken back", async () => {
  await open({ "a-1": { version: "1", age: 100 }, "a-2": { version: "2", age: 100 } }, [blocked]);
  const waiver = await waive("2");
  expect(await shown()).toEqual(["a-1", "a-2"]);
  await get("a-2");
  const reply = await toy.repository.artifact(artifact("a-2"), request());
  expect(reply.isCurrent?.()).toBe(true);
  await toy.waivers.remove(theServer, waiver.id);
  expect(reply.isCurrent?.()).toBe(false);
  expect(await shown()).toEqual(["a-1"]);
  await expect(get("a-2")).rejects.toMatchObject({ kind: "blocked", rule: "rule" });
  await expect(toy.repository.fetch(artifact("a-2"))).rejects.toMatchObject({ kind: "blocked" });
  expect(toy.audited.map(({ action }) => action)).toEqual(["waive", "unwaive"]);
  expect(await toy.waivers.remove(theServer, waiver.id).catch(({ kind }) => kind)).toBe("notFound");
});

test("a stored file that a waiver let pass is refused again when the clock ends that, however often it was sent", async () => {
  await open({ "a-2": { version: "2", age: 100 } }, [blocked]);
  await waive("2", now() + HOUR);
  await shown();
  for (let times = 0; times < 3; times += 1) await get("a-2");
  toy.clock.shift += 2 * HOUR;
  await expect(get("a-2")).rejects.toMatchObject({ kind: "blocked", rule: "rule" });
});

test("waivers outlive a restart", async () => {
  await open({ "a-2": { version: "2", age: 1 } }, [cooldown]);
  const end = now() + HOUR;
  await waive("2", end);
  await toy.restart();
  expect(toy.waivers.all()).toMatchObject([{ versions: "2", until: end }]);
  expect(await shown()).toEqual(["a-2"]);
});

test("packages that no rule is about are none of its business", async () => {
  await open({ "a-2": { version: "2", age: 1 } }, [{ ...cooldown, packages: ["pkg:toy/other"] }]);
  expect(await shown()).toEqual(["a-2"]);
  await get("a-2");
});

test("a waiver until fixed ends when a later version may be had, and that is written down", async () => {
  const files: Files = { "a-1": { version: "1", age: 100 }, "a-2": { version: "2", age: 1 } };
  await open(files, [cooldown]);
  const { id } = await toy.waivers.add(theServer, {
    repository: null,
    purlType: "toy",
    package: "thing",
    versions: "1 || 2",
    reason: "needed",
    until: null,
    untilFixed: true,
  });
  expect(await shown()).toEqual(["a-1", "a-2"]);
  names({ ...files, "a-3": { version: "3", age: 0 } });
  toy.clock.shift += 10 * 60_000;
  expect(await shown()).toEqual(["a-1", "a-2"]); // the fix is too young itself
  toy.clock.shift += 24 * HOUR;
  expect(await shown()).toEqual(["a-1", "a-2", "a-3"]);
  const [ended] = toy.waivers.all();
  expect(ended).toMatchObject({ id, until: expect.any(Number) });
  expect(ended!.untilFixed).toBeUndefined();
});

test("what only describes a release is sent while that is held, and not when it is blocked", async () => {
  await open({ "a-2": { version: "2", age: 1 } }, [cooldown]);
  const described = { ...artifact("a-2"), isDescription: true };
  await toy.repository.artifact(described, request()).then(bytesOf);
  await toy.close();
  await open({ "a-2": { version: "2", age: 1 } }, [blocked]);
  await shown();
  const refused = toy.repository.artifact(described, request());
  await expect(refused).rejects.toMatchObject({ kind: "blocked" });
});

describe("what a feed tells", () => {
  const strict = rule({ advisories: { malicious: "block", high: "hold" } });
  const MAL = {
    id: "MAL-1",
    affected: [{ package: { ecosystem: "Toys", name: "thing" }, versions: ["2"] }],
  };
  const files = { "a-1": { version: "1", age: 100 }, "a-2": { version: "2", age: 100 } };
  const other = { ...MAL, affected: [{ package: { ecosystem: "Toys", name: "other" } }] };

  test("revokes what was shown and fetched before, on every path and at once, and releases it again", async () => {
    await open(files, [strict]);
    expect(await shown()).toEqual(["a-1", "a-2"]);
    await get("a-2");
    const [seen, reply] = [await view(), await toy.repository.artifact(artifact("a-2"), request())];
    expect([seen.isCurrent?.(), reply.isCurrent?.()]).toEqual([true, true]);
    await toy.advise(MAL);
    expect([seen.isCurrent?.(), reply.isCurrent?.()]).toEqual([false, false]);
    expect(await shown()).toEqual(["a-1"]);
    expect((await view()).etag).not.toBe(seen.etag);
    const refusal = { kind: "blocked", rule: "rule", message: expect.stringContaining("MAL-1") };
    await expect(get("a-2")).rejects.toMatchObject(refusal);
    await expect(toy.repository.fetch(artifact("a-2"))).rejects.toMatchObject(refusal);
    toy.upstream.away = "offline";
    await expect(get("a-2")).rejects.toMatchObject(refusal);
    await toy.restart();
    await expect(get("a-2")).rejects.toMatchObject(refusal);
    await get("a-1").catch(() => {});
    toy.clock.shift += 1000;
    await toy.advise({ ...MAL, withdrawn: new Date(now()).toISOString() });
    expect(await shown()).toEqual(["a-1", "a-2"]);
    await get("a-2");
  });

  test("of another package changes nothing here", async () => {
    await open(files, [strict]);
    await view();
    const seen = await view();
    await toy.advise(other);
    expect(seen.isCurrent?.()).toBe(true);
    expect((await view()).etag).toBe(seen.etag);
  });

  test("holds by how bad it is: what was fetched before stays, and is not shown", async () => {
    await open(files, [strict]);
    await get("a-2");
    await toy.advise({ ...MAL, id: "T-1", database_specific: { severity: "HIGH" } });
    expect(await shown()).toEqual(["a-1"]);
    await get("a-2");
    await toy.advise({ ...MAL, id: "T-1", database_specific: { severity: "LOW" } });
    expect(await shown()).toEqual(["a-1", "a-2"]);
  });

  test("is waived as rules are", async () => {
    await open(files, [strict]);
    await toy.advise(MAL);
    await waive("2");
    await get("a-2");
    expect(await shown()).toEqual(["a-1", "a-2"]);
  });

  test("is asked by no rule that does not ask for it", async () => {
    await open(files, [cooldown]);
    await toy.advise(MAL);
    await get("a-2");
  });
});

test("what is held or refused is told once for each release, by views and downloads, restarts and requests together", async () => {
  const told = async () =>
    (await toy.events())
      .filter(({ kind }) => kind === "withheld")
      .map(({ package: name, version, detail }) => {
        const { releases } = detail as { releases: { version: string; verdict: string }[] };
        return [name, version, releases.map((one) => `${one.verdict} ${one.version}`).sort()];
      });
  const files: Files = {
    "a-1": { version: "1", age: 100 },
    "a-2": { version: "2", age: 1 },
    "a-3": { version: "3", age: 2 },
  };
  await open(files, [cooldown, rule({ name: "bad", block: "bad", versions: "1" })]);
  const both = [["thing", undefined, ["hold 2", "hold 3"]]];
  await shown();
  await waitFor(
    async () => (await told()).length === 1,
    () => "nothing is told",
  );
  await get("a-2").catch(() => {});
  await shown();
  expect(await told()).toEqual(both);
  // A block is no news until somebody wants what is blocked.
  for (let nth = 0; nth < 3; nth += 1) await get("a-1").catch(() => {});
  await waitFor(
    async () => (await told()).length === 2,
    () => "the block is not told",
  );
  await toy.restart();
  await get("a-1").catch(() => {});
  await get("a-3").catch(() => {});
  names({ ...files, "a-4": { version: "4", age: 1 } });
  toy.clock.shift += HOUR;
  await shown();
  await waitFor(
    async () => (await told()).length === 3,
    () => "the new one is not told",
  );
  expect(await told()).toEqual([...both, ["thing", "1", ["block 1"]], ["thing", "4", ["hold 4"]]]);
});

test("who asks for no end of releases that are blocked makes no end of events", async () => {
  await open({ "a-1": { version: "1", age: 100 } }, [rule({ block: "bad" })]);
  toy.clock.shift += HOUR - (now() % HOUR); // the bound is one of each hour
  for (let nth = 0; nth < 520; nth += 1) {
    const asked = toy.repository.artifact(artifact(`a-${nth}`, { version: `${nth}` }), request());
    await expect(asked).rejects.toMatchObject({ kind: "blocked" });
  }
  const count = async () =>
    Number((await toy.shared.database.read`SELECT COUNT(*) AS many FROM withheld_told`)[0].many);
  await waitFor(
    async () => (await count()) === 500,
    () => "too few are told",
  );
  expect(await count()).toBe(500);
});
