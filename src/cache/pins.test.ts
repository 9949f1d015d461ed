import { afterEach, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { answer, artifact, bytesOf, openToy, request, sha256 } from "./testkit.ts";

// L7: where nobody says what a file must be, its first bytes are what it must be for ever.

let toy: Awaited<ReturnType<typeof openToy>>;
afterEach(() => toy.close());

for (const size of [10, 300 * 1024])
  test(`other bytes than the pinned ones (${size}) are evidence, an event and no blob`, async () => {
    toy = await openToy();
    const [first, other] = [Buffer.alloc(size, "first"), Buffer.alloc(size, "other")];
    let sent = first;
    toy.upstream.behave = () => answer(200, sent);
    const get = async () =>
      bytesOf(await toy.repository.artifact(artifact("x.info", { namedBy: [] }), request()));
    await get();
    await toy.blobs.remove(sha256(first)); // lost on disk: only the pin knows
    sent = other;
    await toy.restart();
    await expect(get()).rejects.toMatchObject({ kind: "tampered", rule: "integrity" });
    const digest = sha256(other);
    expect(await toy.blobs.stat(digest)).toBeNull();
    expect(existsSync(join(toy.layout.evidence, digest.slice(0, 2), digest.slice(2)))).toBe(true);
    expect(await toy.events()).toMatchObject([
      { kind: "tampered", detail: { first: sha256(first), found: digest } },
    ]);
    sent = first;
    toy.clock.shift += 60_000;
    expect(sha256(await get())).toBe(sha256(first));
  });
