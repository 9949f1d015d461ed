import { expect, test } from "bun:test";
import { createBatch } from "./batch.ts";

/** A writer that ends a write when the test says so. */
function open(limit?: number) {
  const written: string[] = [];
  const ends: (() => void)[] = [];
  const lost: number[] = [];
  const batch = createBatch(
    (text, done) => {
      written.push(text);
      ends.push(done);
    },
    { everyMs: 1, lost: (lines) => lost.push(lines), ...(limit !== undefined && { limit }) },
  );
  return { batch, written, ends, lost };
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await Bun.sleep(1);
}

test("lines that come together are written together, in their order", async () => {
  const { batch, written } = open();
  for (const line of ["a\n", "b\n", "c\n"]) batch.add(line);
  expect(written).toEqual([]);
  await until(() => written.length > 0);
  expect(written).toEqual(["a\nb\nc\n"]);
});

test("while one batch is on its way the next one waits", async () => {
  const { batch, written, ends } = open();
  batch.add("a\n");
  await until(() => written.length === 1);
  batch.add("b\n");
  await Bun.sleep(5);
  batch.add("c\n");
  expect(written).toEqual(["a\n"]);
  expect(batch.isWriting).toBe(true);
  ends[0]!();
  await until(() => written.length === 2);
  expect(written[1]).toBe("b\nc\n");
});

test("who does not read costs no more than the limit, and is told what was lost", async () => {
  const { batch, written, ends, lost } = open(100);
  batch.add("a\n");
  await until(() => written.length === 1);
  for (let count = 0; count < 1000; count += 1) batch.add("0123456789\n");
  ends[0]!();
  await until(() => written.length === 2);
  expect(written[1]!.length).toBeLessThanOrEqual(111);
  expect(lost).toEqual([1000 - written[1]!.length / 11]);
});

test("what is left at the end is handed out once", () => {
  const { batch } = open();
  batch.add("a\n");
  expect([batch.rest(), batch.rest()]).toEqual(["a\n", ""]);
});
