import { beforeEach, expect, test } from "bun:test";
import type { KnownFact } from "../ledger/facts.ts";
import { createCleared } from "./cleared.ts";
import { artifact } from "./testkit.ts";

const file = artifact("a-1");
const names = ["thing"];
const fact = { traits: null } as unknown as KnownFact;
let state: { at: number; revision: number; learned: number; end: number | null; reads: boolean };
let cleared: ReturnType<typeof createCleared>;
beforeEach(() => {
  state = { at: 0, revision: 1, learned: 0, end: null, reads: false };
  cleared = createCleared(
    {
      revision: () => state.revision,
      nextEnd: (_, at) => (state.end !== null && state.end > at ? state.end : null),
      readsTraits: () => state.reads,
    },
    () => state.learned,
    () => state.at,
  );
});
const decide = (found: KnownFact | null = fact) => cleared.decide(file, names, async () => found);

test("what was let pass is asked for again when a rule, an advisory or a release says something else", async () => {
  expect(cleared.has(file, names)).toBe(false);
  await decide();
  expect(cleared.has(file, names)).toBe(true);
  expect(cleared.has(artifact("a-2"), names)).toBe(false);
  for (const what of ["revision", "learned"] as const) {
    state[what] += 1;
    expect(cleared.has(file, names)).toBe(false);
    await decide();
    expect(cleared.has(file, names)).toBe(true);
  }
});

test("it ends when a waiver does", async () => {
  state.end = 1000;
  await decide();
  state.at = 999;
  expect(cleared.has(file, names)).toBe(true);
  state.at = 1000;
  expect(cleared.has(file, names)).toBe(false);
});

test("what is refused is not remembered, nor what changed while it was decided on", async () => {
  await expect(
    cleared.decide(file, names, () => Promise.reject(new Error("blocked"))),
  ).rejects.toThrow("blocked");
  expect(cleared.has(file, names)).toBe(false);
  await cleared.decide(file, names, async () => {
    state.revision += 1;
    return fact;
  });
  expect(cleared.has(file, names)).toBe(false);
});

test("where a rule reads licences, what no document has told of yet is asked for again", async () => {
  state.reads = true;
  await decide(null);
  await decide();
  expect(cleared.has(file, names)).toBe(false);
  await decide({ ...fact, traits: {} } as unknown as KnownFact);
  expect(cleared.has(file, names)).toBe(true);
});
