import { beforeEach, expect, test } from "bun:test";
import { serviceOf } from "../../core/testkit.ts";
import { dateOf } from "./dates.ts";
import { composer } from "./index.ts";
import type { ComposerOptions } from "./options.ts";
import { BASE, FakeRepository, request } from "./testdata/repository.ts";

let repository: FakeRepository;
beforeEach(() => {
  repository = new FakeRepository();
  repository.store("root", "packages.json", { packages: [], "metadata-url": "/p2/%package%.json" });
  repository.store("package", "reef/coral", { packages: { "reef/coral": [{ version: "1.0" }] } });
});

const seconds = (date: number | undefined) => Math.floor(date! / 1000);

async function date(path: string, base = BASE): Promise<number> {
  const reply = await serviceOf(composer, repository).serve(
    composer.parse("GET", path)!,
    request({ path, base }),
    repository,
  );
  return seconds(reply.lastModified);
}

/** The server started anew, on what it kept. */
function restart(options: Partial<ComposerOptions> = {}): void {
  const { values, inStore, clock, changedAt } = repository;
  repository = Object.assign(new FakeRepository(), { values, clock, changedAt });
  for (const [key, stored] of inStore) repository.inStore.set(key, stored);
  repository.options = { ...repository.options, ...options };
}

test("each change of a value is dated a second after the one before, be it in the same second or with the clock turned back", async () => {
  const of = async (text: string) => seconds(await dateOf(repository, "x", Buffer.from(text)));
  const first = await of("1");
  expect(await of("1")).toBe(first);
  expect(await of("2")).toBe(first + 1);
  repository.clock -= 3_600_000;
  expect(await of("1")).toBe(first + 2);
});

for (const path of ["/packages.json", "/p2/reef/coral.json"]) {
  test(`${path} has a later date when the configuration shows in it, and the same after a restart`, async () => {
    const first = await date(path);
    repository.clock += 60_000;
    restart();
    expect(await date(path)).toBe(first);
    restart({ checkouts: false });
    expect(await date(path)).toBe(first + 60);
    repository.clock += 60_000;
    restart({ checkouts: true });
    expect(await date(path)).toBe(first + 120);
    expect(await date(path)).toBe(first + 120);
  });

  test(`${path} has a later date at a new address of ours, which may have taken another's place`, async () => {
    const first = await date(path);
    repository.clock += 60_000;
    expect(await date(path, "https://packages.example.test/php")).toBe(first + 60);
    repository.clock += 60_000;
    restart();
    expect(await date(path, "https://packages.example.test/php")).toBe(first + 60);
    expect(await date(path)).toBe(first);
  });
}

test("a package that stands in another document of many is dated by packages.json", async () => {
  repository.store("root", "packages.json", { packages: { "reef/coral": [{ version: "1.0" }] } });
  await date("/p2/reef/coral.json");
  repository.changedAt += 60_000;
  expect(await date("/p2/reef/coral.json")).toBe(seconds(repository.changedAt));
});
