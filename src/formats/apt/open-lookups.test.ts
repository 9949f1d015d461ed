// Lookup files are kept open while they are of use, and not beyond.
import { expect, test } from "bun:test";
import { aptRepository } from "./mirror/fixture.ts";
import { closeLookups, type Lookup, useLookup } from "./open-lookups.ts";
import { parseRelease } from "./release.ts";

/** Of a release of its own, by its number. */
function lookup(number = 0): Lookup {
  const hash = `${number}`.padStart(64, "0");
  const release = parseRelease(
    `Date: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n ${hash} 1 Packages\n`,
  );
  return { suite: "dists/stable", release, path: "Packages" };
}

/** A repository that counts the lookup files that are open. */
function counting() {
  const repository = aptRepository();
  let open = 0;
  repository.fetch = async () => ({ sha256: "", size: 1, isNew: false });
  repository.derive = async () => {
    open++;
    const close = async () => void open--;
    return { size: 0, read: async () => new Uint8Array(0), close };
  };
  return { repository, open: () => open };
}

test("a lookup file stays open for the next who asks", async () => {
  const { repository, open } = counting();
  for (let turn = 0; turn < 3; turn++) await useLookup(repository, lookup(), async () => {});
  expect(open()).toBe(1);
});

test("the longest unused are closed", async () => {
  const { repository, open } = counting();
  for (let at = 0; at < 300; at++) await useLookup(repository, lookup(at), async () => {});
  expect(open()).toBeLessThanOrEqual(256);
});

test("when the service is closed nothing stays open, and what is being read is closed by its reader", async () => {
  const { repository, open } = counting();
  await useLookup(repository, lookup(), async () => {});
  let leave = () => {};
  const reading = useLookup(
    repository,
    lookup(1),
    () => new Promise<void>((resolve) => (leave = resolve)),
  );
  await closeLookups(repository.memory.lookups);
  expect(open()).toBe(1);
  leave();
  await reading;
  expect(open()).toBe(0);
  await useLookup(repository, lookup(), async () => {});
  expect(open()).toBe(0);
});
